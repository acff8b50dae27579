"""The training app."""

from django.apps import AppConfig


class TrainingConfig(AppConfig):
    """Rounds, training runs, evaluations, gates."""

    name = "training"
    default_auto_field = "django.db.models.BigAutoField"
