"""REST of pools and mixtures, and the numbers that it shows."""

import pytest
from knox.models import AuthToken
from rest_framework.test import APIClient

from core.models import Job
from datagen.models import Sample, Slot
from datagen.selectors import sample_counts
from tests.datagen.rows import make_approved, make_mixture, make_pool, write_pool
from tests.factories import make_campaign, make_member, make_user

pytestmark = pytest.mark.django_db


def client(user) -> APIClient:
    _, token = AuthToken.objects.create(user)
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return api


def url(campaign, rest: str) -> str:
    return f"/api/v1/campaigns/{campaign.slug}/{rest}"


def test_a_pool_is_imported_by_a_job(import_root):
    campaign = make_campaign()
    folder = write_pool(import_root / "p", 2)
    reply = client(campaign.created_by).post(url(campaign, "pools"), {"name": "p", "path": str(folder)}, format="json")
    assert reply.status_code == 202
    job = Job.objects.get(pk=reply.json()["job"])
    assert (job.kind, job.spec) == ("pool_import", {"name": "p", "path": str(folder)})


@pytest.mark.parametrize(
    ("body", "field"),
    [({"name": "p"}, "path"), ({"name": "", "path": "x"}, "name"), ({"name": "p", "path": "/etc"}, "path"),
     ({"name": "p", "path": "x", "more": 1}, "more")],
)  # fmt: skip
def test_a_bad_body_names_its_field(body, field):
    campaign = make_campaign()
    reply = client(campaign.created_by).post(url(campaign, "pools"), body, format="json")
    assert (reply.status_code, reply.json()["field"]) == (400, field)
    assert reply.headers["Content-Type"].startswith("application/problem+json")


def test_pools_are_listed_with_their_size():
    campaign = make_campaign()
    make_pool(campaign, {"map": range(3)})
    reply = client(make_member(campaign, "viewer")).get(url(campaign, "pools"))
    assert [(row["name"], row["images"]) for row in reply.json()["data"]] == [("pool", 3)]


def test_a_mixture_is_shown_with_what_the_approver_signs():
    mixture = make_mixture(total=12)
    reply = client(make_member(mixture.campaign, "viewer")).get(url(mixture.campaign, f"mixtures/{mixture.pk}"))
    shown = reply.json()
    assert (shown["id"], shown["total"], shown["manifest_hash"]) == (mixture.pk, 12, mixture.manifest_hash)
    assert sum(row["quota"] for row in shown["rows"]) == 12
    assert set(shown["rows"][0]) >= {"skill", "purpose", "weight", "quota", "why"}
    assert shown["samples"]["slots"] == 0


def test_strangers_learn_nothing_and_viewers_start_nothing():
    mixture = make_mixture()
    campaign = mixture.campaign
    assert client(make_user()).get(url(campaign, f"mixtures/{mixture.pk}")).status_code == 403
    viewer = client(make_member(campaign, "viewer"))
    assert viewer.post(url(campaign, "pools"), {"name": "p", "path": "x"}, format="json").status_code == 403
    assert APIClient().get(url(campaign, "pools")).status_code == 401
    other = make_mixture()
    assert viewer.get(url(campaign, f"mixtures/{other.pk}")).status_code == 404


def test_counts_add_up():
    mixture = make_approved(total=6)
    slots = list(mixture.slots.order_by("index"))
    for slot, status, reason in zip(
        slots, ["accepted", "rejected", "rejected", "held", "written", "checked"],
        ["", "too_easy", "too_hard", "solvers_split", "", ""], strict=True,
    ):  # fmt: skip
        Sample.objects.create(slot=slot, try_ix=0, status=status, reason=reason)
    Sample.objects.create(slot=slots[0], try_ix=1, status="rejected", reason="too_easy")
    Slot.objects.filter(pk=slots[0].pk).update(status="filled")
    Slot.objects.filter(pk=slots[1].pk).update(status="given_up")
    assert sample_counts(mixture) == {
        "slots": 6, "filled": 1, "open": 4, "given_up": 1, "accepted": 1, "held": 1, "under_way": 2,
        "rejected": {"too_easy": 2, "too_hard": 1},
    }  # fmt: skip


def test_reading_a_mixture_asks_the_database_a_few_times(django_assert_num_queries):
    mixture = make_approved(total=200)
    with django_assert_num_queries(2):
        sample_counts(mixture)
