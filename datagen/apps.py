"""The datagen app."""

from django.apps import AppConfig


class DatagenConfig(AppConfig):
    """Mixtures, slots, agents, samples, datasets."""

    name = "datagen"
    default_auto_field = "django.db.models.BigAutoField"
