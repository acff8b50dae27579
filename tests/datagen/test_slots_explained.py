"""Slots: exactly as many as were approved, there before anything is paid, and each with its reason in the end."""

import pytest

from core.errors import InvalidInput, ShortOfSamples
from core.models import ModelCall
from datagen.handlers import dataset_build_job, generate_job
from datagen.models import Sample, Slot
from datagen.services import difficulty
from tests.datagen.fake_world import FakeModel, make_server, make_world, run, wave
from tests.factories import make_campaign
from tests.fake_endpoint import served

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def model(monkeypatch) -> None:
    monkeypatch.setattr("django.conf.settings.CALL_PATIENCE_S", 0)
    monkeypatch.setattr(difficulty, "gpu_run", FakeModel())


@pytest.fixture
def server():
    with served(make_server()) as endpoint:
        yield endpoint


def told(mixture) -> list[tuple]:
    return list(mixture.slots.order_by("index").values_list("status", "reason", "num_tries"))


@pytest.mark.parametrize("total", [1, 7, 12])
def test_an_approved_mixture_has_exactly_its_slots_before_the_first_call(server, total):
    mixture = make_world(server, total=total)
    quotas = dict(mixture.rows.values_list("skill", "quota"))
    slots = list(Slot.objects.filter(mixture=mixture).values_list("skill", flat=True))
    assert len(slots) == total == sum(quotas.values())
    assert {skill: slots.count(skill) for skill in quotas if quotas[skill]} == {k: n for k, n in quotas.items() if n}
    assert set(told(mixture)) == {("open", "", 0)} and not ModelCall.objects.exists() and server.seen == []


def test_a_slot_that_is_released_says_why_and_says_it_no_more_once_it_is_filled(server):
    good = server.replies["Validation"]
    server.replies["Validation"] = lambda asked: {"valid": False, "reason": "ambiguous: two readings"}
    mixture = make_world(server, total=6)
    wave(mixture, 1)
    reasons = dict(Sample.objects.values_list("slot__index", "reason"))
    assert told(mixture) == [("open", reasons[index], 1) for index in range(6)] and "ambiguous" in reasons.values()
    server.replies["Validation"] = good
    wave(mixture, 2)
    assert ("filled", "", 2) in told(mixture)
    assert all(reason for status, reason, _ in told(mixture) if status != "filled")


def test_a_slot_is_refilled_five_times_then_given_up_and_never_paid_for_again(server):
    server.replies["Plan"] = lambda asked: "no JSON"
    generation = {"max_refills": 5, "min_accept_share": 0.2, "concurrency": 8}
    mixture = make_world(server, total=2, generation=generation)
    opened = [wave(mixture, take)["open"] for take in range(1, 7)]
    assert opened == [2, 2, 2, 2, 2, 0]
    assert told(mixture) == [("given_up", "malformed", 6)] * 2
    paid = len(server.paid)
    assert paid == 2 * 6 * 2, "six tries of two slots, each with one repair"
    run(mixture, generate_job, take=7)
    assert len(server.paid) == paid and Sample.objects.count() == 12


def test_more_than_five_refills_cannot_be_asked_for():
    with pytest.raises(InvalidInput, match="max_refills"):
        make_campaign(generation={"max_refills": 6})


def test_a_stage_below_its_minimum_fails_with_every_skill_and_why(server):
    server.replies["Plan"] = lambda asked: "no JSON"
    generation = {"max_refills": 0, "min_accept_share": 0.2, "concurrency": 8}
    mixture = make_world(server, total=7, generation=generation)
    wave(mixture, 1)
    with pytest.raises(ShortOfSamples) as caught:
        run(mixture, dataset_build_job)
    head, *lines = str(caught.value).splitlines()
    assert head == "0 of 7 samples were accepted; 20% are needed."
    quotas = {skill: quota for skill, quota in mixture.rows.values_list("skill", "quota") if quota}
    assert lines == [f"{skill}: 0 of {quota} (malformed {quota})" for skill, quota in sorted(quotas.items())]
