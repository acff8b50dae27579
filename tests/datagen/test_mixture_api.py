"""REST of mixtures: a script can do what the page does, and is told what it may not."""

import pytest

from datagen.models import Mixture
from tests.datagen.rows import make_mixture
from tests.datagen.test_api import client, url
from tests.factories import make_member, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def mixture() -> Mixture:
    return make_mixture(total=100)


def send(person, mixture: Mixture, rest: str, verb: str = "post", **body):
    ask = getattr(client(person), verb)
    return ask(url(mixture.campaign, f"mixtures/{mixture.pk}{rest}"), body, format="json")


def test_mixtures_are_listed_newest_first_and_page_by_page(mixture):
    newer = make_mixture(mixture.campaign)
    viewer = client(make_member(mixture.campaign, "viewer"))
    first = viewer.get(url(mixture.campaign, "mixtures?limit=1")).json()
    assert [row["id"] for row in first["data"]] == [newer.pk]
    second = viewer.get(url(mixture.campaign, f"mixtures?limit=1&cursor={first['next_cursor']}")).json()
    assert ([row["id"] for row in second["data"]], second["next_cursor"]) == ([mixture.pk], None)


def test_what_a_preview_shows_is_what_is_stored_and_restored(mixture):
    researcher = make_member(mixture.campaign, "researcher")
    seen = send(researcher, mixture, "/preview", shares={"clock": 20}, locked=["word"]).json()
    assert Mixture.objects.get().manifest_hash == mixture.manifest_hash
    body = {"manifest_hash": mixture.manifest_hash, "shares": {"clock": 20}, "locked": ["word"]}
    stored = send(researcher, mixture, "/rows", "put", **body).json()
    assert stored["manifest_hash"] == seen["manifest_hash"]
    assert [row["quota"] for row in stored["rows"]] == [row["quota"] for row in seen["rows"]]
    back = send(researcher, mixture, "/restore", "post", manifest_hash=stored["manifest_hash"]).json()
    assert back["manifest_hash"] == mixture.manifest_hash


def test_a_mixture_that_changed_meanwhile_is_a_conflict(mixture):
    actor = mixture.campaign.created_by
    assert send(actor, mixture, "/rows", "put", manifest_hash="0" * 64, shares={"clock": 1}).status_code == 409
    assert Mixture.objects.get().manifest_hash == mixture.manifest_hash


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"shares": {"clock": "many"}}, "shares.clock"),
        ({"shares": {"clock": -3}}, "shares.clock"),
        ({"shares": {"nobody": 3}}, "shares.nobody"),
        ({"purposes": {"clock": "both"}}, "purposes.clock"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_bad_share_names_its_field(mixture, body, field):
    reply = send(mixture.campaign.created_by, mixture, "/preview", **body)
    assert (reply.status_code, reply.json()["field"]) == (400, field)


def test_a_viewer_may_try_but_not_store_and_a_stranger_sees_nothing(mixture):
    viewer = make_member(mixture.campaign, "viewer")
    assert send(viewer, mixture, "/preview", shares={"clock": 20}).status_code == 200
    wish = {"manifest_hash": mixture.manifest_hash, "shares": {"clock": 20}}
    assert send(viewer, mixture, "/rows", "put", **wish).status_code == 403
    stranger = client(make_user())
    assert stranger.get(url(mixture.campaign, "mixtures")).status_code == 403
    assert send(make_user(), mixture, "/preview", shares={}).status_code == 403
