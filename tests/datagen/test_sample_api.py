"""REST for samples: lists, the whole story, and what people decide."""

import pytest

from core.models import ModelCall
from datagen.models import Sample, SampleDecision
from tests.datagen.curation_rows import make_curated, make_try
from tests.datagen.test_api import client, url
from tests.factories import make_member, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def mixture():
    return make_curated()


@pytest.fixture
def held(mixture):
    return make_try(mixture, 0, "held", "unscored", evidence={"plan": "p"})


@pytest.fixture
def curator(mixture):
    return client(make_member(mixture.campaign, "curator"))


def test_samples_are_listed_by_filter_page_by_page(mixture, held, curator, monkeypatch):
    monkeypatch.setattr("datagen.sample_api.PAGE", 1)
    rejected = make_try(mixture, 1, "rejected", "too_easy")
    make_try(mixture, 2, "accepted", slot="filled")
    first = curator.get(url(mixture.campaign, "samples")).json()
    assert [row["id"] for row in first["data"]] == [held.pk]
    second = curator.get(url(mixture.campaign, f"samples?cursor={first['next_cursor']}")).json()
    assert ([row["id"] for row in second["data"]], second["next_cursor"]) == ([rejected.pk], None)
    mine = curator.get(url(mixture.campaign, "samples?status=all&reason=too_easy")).json()["data"]
    assert [(row["id"], row["slot"]["index"], row["image"]) for row in mine] == [(rejected.pk, 1, rejected.media_id)]


@pytest.mark.parametrize(
    ("query", "field"), [("status=x", "status"), ("cursor=x", "cursor"), ("mixture=-1", "mixture")]
)
def test_a_bad_filter_names_its_field(mixture, curator, query, field):
    reply = curator.get(url(mixture.campaign, f"samples?{query}"))
    assert (reply.status_code, reply.json()["field"]) == (400, field)


def test_a_sample_is_read_with_its_calls_and_decisions(mixture, held, curator):
    subject = f"{mixture.manifest_hash[:12]}/s0/t0"
    facts = {"tool": "image_search", "role": "searcher", "request_hash": "h", "prompt_version": "", "choices": ["x"]}
    ModelCall.objects.create(campaign=mixture.campaign, subject=subject, idempotency_key="k", **facts)
    curator.post(url(mixture.campaign, f"samples/{held.pk}/accept"), {"comment": "fine"}, format="json")
    story = curator.get(url(mixture.campaign, f"samples/{held.pk}")).json()
    assert (story["status"], story["evidence"]) == ("accepted", {"plan": "p"})
    assert [(call["tool"], call["choices"], call["model"]) for call in story["calls"]] == [
        ("image_search", ["x"], None)
    ]
    told = [(one["decision"], one["comment"], one["status_before"]) for one in story["decisions"]]
    assert told == [("accept", "fine", "held")]


def test_each_decision_has_its_address(mixture, held, curator):
    def post(rest, body=None):
        return curator.post(url(mixture.campaign, f"samples/{held.pk}/{rest}"), body or {}, format="json")

    assert post("accept").json()["status"] == "accepted"
    again = post("accept")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    assert post("undo", {"decision": SampleDecision.objects.get().pk}).json()["status"] == "held"
    assert post("reassign", {"slot": 7}).json()["slot"]["index"] == 7
    assert post("reject", {"comment": "no"}).json()["reason"] == "rejected_by_person"
    assert post("undo", {"decision": 10**6}).status_code == 404


@pytest.mark.parametrize(
    ("rest", "body", "field"),
    [
        ("accept", {"comment": "x" * 2001}, "comment"),
        ("reject", {"force": True}, "force"),
        ("reassign", {"skill": "dance"}, "skill"),
        ("reassign", {"slot": 999}, "slot"),
        ("undo", {}, "decision"),
    ],
)
def test_a_bad_body_names_its_field_and_changes_nothing(mixture, held, curator, rest, body, field):
    reply = curator.post(url(mixture.campaign, f"samples/{held.pk}/{rest}"), body, format="json")
    assert (reply.status_code, reply.json()["field"]) == (400, field)
    held.refresh_from_db()
    assert held.status == "held" and not SampleDecision.objects.exists()


def test_many_are_decided_by_a_filter_after_a_dry_run(mixture, held, curator):
    broken = make_try(mixture, 1, "held", "unscored", question="")
    body = {"decision": "accept", "filter": {"status": "held"}}
    dry = curator.post(url(mixture.campaign, "samples/decide"), body, format="json").json()
    assert (dry["is_dry_run"], dry["decided"]) == (True, [held.pk])
    assert [(one["sample_id"], "no question" in one["why"]) for one in dry["refused"]] == [(broken.pk, True)]
    assert dry["skills"][0]["num_after"] == 1 and not SampleDecision.objects.exists()
    body = {"decision": "accept", "samples": dry["decided"], "dry_run": False}
    assert curator.post(url(mixture.campaign, "samples/decide"), body, format="json").json()["refused"] == []
    assert Sample.objects.get(status="accepted").pk == held.pk


@pytest.mark.parametrize("names", [{}, {"samples": []}, {"samples": [10**9]}, {"samples": [1], "filter": {}}])
def test_many_must_be_named_well(mixture, held, curator, names):
    reply = curator.post(url(mixture.campaign, "samples/decide"), {"decision": "accept", **names}, format="json")
    assert (reply.status_code, reply.json()["field"]) == (400, "samples")


def test_viewers_read_and_strangers_do_not(mixture, held):
    viewer, stranger = client(make_member(mixture.campaign, "viewer")), client(make_user())
    assert viewer.get(url(mixture.campaign, f"samples/{held.pk}")).status_code == 200
    for rest in ("accept", "reject", "reassign", "undo"):
        assert viewer.post(url(mixture.campaign, f"samples/{held.pk}/{rest}"), {}, format="json").status_code in (
            400,
            403,
        )
    assert (
        viewer.post(url(mixture.campaign, "samples/decide"), {"decision": "accept"}, format="json").status_code == 403
    )
    for rest in ("samples", f"samples/{held.pk}"):
        assert stranger.get(url(mixture.campaign, rest)).status_code == 403
    other = make_curated()
    assert viewer.get(url(mixture.campaign, f"samples/{make_try(other, 0, 'held').pk}")).status_code == 404


def test_a_list_costs_the_same_queries_however_long(mixture, held, curator, django_assert_max_num_queries):
    with django_assert_max_num_queries(10) as few:
        curator.get(url(mixture.campaign, "samples"))
    for number in range(1, 9):
        make_try(mixture, number, "rejected", "too_easy")
    with django_assert_max_num_queries(10) as many:
        assert len(curator.get(url(mixture.campaign, "samples")).json()["data"]) == 9
    assert len(few) == len(many)
