"""A script sees the imports of a campaign, and the dry runs and predictions whose jobs have something to tell."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from core.models import Job
from tests.factories import make_campaign, make_job

pytestmark = pytest.mark.django_db
PREDICTIONS = {"path": "/in/m.tsv", "benchmark": "bench", "checkpoint_name": "Elsewhere-7B", "split": "probe"}


def test_dry_runs_and_predictions_of_the_last_days_are_listed_whatever_became_of_them():
    campaign = make_campaign()
    make_job(campaign=campaign, kind="benchmark_check", spec={"path": "/in/old.tsv"})
    Job.objects.update(created_at=timezone.now() - timedelta(days=8))
    make_job(campaign=campaign, kind="benchmark_check", spec={"path": "/in/bench.tsv"}, status="failed")
    last = make_job(campaign=campaign, kind="predictions_import", spec=PREDICTIONS, status="succeeded")
    make_job(kind="benchmark_check", spec={"path": "/in/elsewhere.tsv"})
    client = APIClient()
    client.force_authenticate(campaign.created_by)
    told = client.get(f"/api/v1/campaigns/{campaign.slug}/imports").json()
    assert told["data"] == []
    assert [(one["kind"], one["name"], one["status"]) for one in told["reported"]] == [
        ("predictions", "Elsewhere-7B on bench", "succeeded"),
        ("dry run", "bench.tsv", "failed"),
    ]
    assert (told["reported"][0]["job"], told["reported"][0]["path"]) == (last.pk, "/in/m.tsv")
