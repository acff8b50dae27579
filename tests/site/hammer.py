"""One process of the SQLite stress test: ``python -m tests.site.hammer NAME SECONDS``; prints how often it wrote."""

import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dpe_site.settings")

import django

django.setup()

from django.contrib.auth.models import User

from core.jobs.engine import Handler, execute_next
from core.jobs.services import JobRequest, job_submit
from core.models import Job, JobEvent

SECONDS = float(sys.argv[2])


def work(context):
    for number in range(20):
        with context.writing():
            JobEvent.objects.create(job=context.job, attempt=context.job.attempt, name="wrote", message=str(number))
        context.progress(number, 20, "writes", force=True)
    return {}


def as_worker(deadline: float) -> int:
    done = 0
    while time.monotonic() < deadline:
        done += execute_next("work", {"hammer": Handler(work)}) is not None
    return done


def as_web(deadline: float) -> int:
    actor, done = User.objects.get(username="hammer"), 0
    while time.monotonic() < deadline:
        job_submit(actor=actor, campaign=None, request=JobRequest("hammer", {}))
        done += Job.objects.filter(status="waiting").count() >= 0
        time.sleep(0.01)
    return done


def as_bulk(deadline: float) -> int:
    job, done = Job.objects.order_by("id").first(), 0
    while time.monotonic() < deadline:
        rows = [JobEvent(job=job, attempt=0, name="bulk", message="x" * 200) for _ in range(500)]
        done += len(JobEvent.objects.bulk_create(rows))
        time.sleep(0.02)
    return done


print({"worker": as_worker, "web": as_web, "bulk": as_bulk}[sys.argv[1]](time.monotonic() + SECONDS))
