"""The composition root: settings, urls, Celery, and the table of what each kind of job does."""

from dpe_site.celery import app as celery_app

__all__ = ["celery_app"]
