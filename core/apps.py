"""The app at the bottom."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Tables and services that all apps share."""

    name = "core"
    default_auto_field = "django.db.models.BigAutoField"
