"""Celery: hints to look at the table. No work travels through the broker."""

import os

from celery import Celery
from kombu import Queue

from core.jobs.hints import LOOK_PERIOD_S, QUEUES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dpe_site.settings")

app = Celery("dpe")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.imports = ["dpe_site.tasks"]
app.conf.task_queues = [Queue(name) for name in QUEUES]
app.conf.beat_schedule = {
    f"look-{queue}": {
        "task": "dpe.look",
        "schedule": LOOK_PERIOD_S,
        "args": [queue],
        "options": {"queue": queue, "expires": LOOK_PERIOD_S},
    }
    for queue in QUEUES
}
