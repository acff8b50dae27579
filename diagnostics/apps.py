"""The diagnostics app."""

from django.apps import AppConfig


class DiagnosticsConfig(AppConfig):
    """What the model cannot do, and how sure that is."""

    name = "diagnostics"
    default_auto_field = "django.db.models.BigAutoField"
