"""How much goes on at once is set while jobs run, on record, and by those who may steer jobs."""

from functools import partial

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from core.campaigns import campaign_settings_set, settings_hash
from core.concurrency import concurrency_set, slots_at_once
from core.errors import InvalidInput, NotAllowed, WrongState
from core.ledger import ledger_open
from core.models import AuditEvent, Campaign, Endpoint, JobEvent
from core.room import gather_bounded
from tests.factories import make_campaign, make_context, make_job, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    campaign = make_campaign(generation={"concurrency": 2})
    for role in ("planner", "validator"):
        Endpoint.objects.create(campaign=campaign, role=role, base_url="http://127.0.0.1:9/v1", model="m")
    return campaign


def set_to(campaign: Campaign, slots: int | None = None, **calls: int):
    return concurrency_set(actor=campaign.created_by, campaign=campaign, slots=slots, calls=calls)


def test_both_numbers_change_on_record_and_running_jobs_tell_it(campaign):
    running = make_job(campaign=campaign, queue="agents", status="running", attempt=1)
    make_job(campaign=campaign, queue="gpu", status="running")
    changes = set_to(campaign, 64, planner=32)
    assert changes == {"slots": [2, 64], "planner": [16, 32]}
    assert slots_at_once(campaign.pk) == campaign.config.generation.concurrency == 64
    assert dict(campaign.endpoints.values_list("role", "concurrency")) == {"planner": 32, "validator": 16}
    assert AuditEvent.objects.get(action="concurrency.set").data == {"changes": changes}
    event = JobEvent.objects.get()
    assert (event.job_id, event.name) == (running.pk, "concurrency set")
    assert event.message == f"slots 2 to 64, planner 16 to 32, by {campaign.created_by}"


def test_the_same_numbers_leave_no_record(campaign):
    assert set_to(campaign, 2, planner=16) == {}
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("numbers", "field"),
    [
        ({"slots": 0}, "settings.generation.concurrency"),
        ({"planner": 1025}, "calls.planner"),
        ({"judge": 3}, "calls.judge"),
    ],
)
def test_a_number_that_cannot_be_taken_is_named_and_nothing_changes(campaign, numbers, field):
    with pytest.raises(InvalidInput) as caught:
        set_to(campaign, **{"slots": 7, "validator": 7, **numbers})
    assert caught.value.field == field
    assert slots_at_once(campaign.pk) == 2
    assert set(campaign.endpoints.values_list("concurrency", flat=True)) == {16}


def test_who_may_steer_jobs_may_set_it_and_who_may_only_look_may_not(campaign):
    concurrency_set(actor=make_member(campaign, "researcher"), campaign=campaign, slots=5, calls={})
    with pytest.raises(NotAllowed):
        concurrency_set(actor=make_member(campaign, "curator"), campaign=campaign, slots=9, calls={})


def test_settings_that_were_open_meanwhile_do_not_set_it_back(campaign):
    seen, document = settings_hash(campaign), campaign.config.model_dump(mode="json")
    set_to(campaign, 64)
    with pytest.raises(WrongState):
        campaign_settings_set(actor=campaign.created_by, campaign=campaign, settings=document, seen=seen)
    assert slots_at_once(campaign.pk) == 64


def test_a_running_job_takes_another_number_of_slots_up_at_its_next_heartbeat(campaign, monkeypatch):
    monkeypatch.setattr("core.ledger.BEAT_S", 0.01)
    inside, most = [], []

    async def main():
        async with ledger_open(make_running) as ledger:

            async def work(index: int) -> None:
                inside.append(index)
                most.append(len(inside))
                if index == 1:
                    await sync_to_async(set_to)(campaign, 6)
                while len(most) < 6:
                    await sync_to_async(len)(inside)
                inside.remove(index)

            await gather_bounded([partial(work, index) for index in range(12)], ledger.slots)

    make_running = make_context(make_job(campaign=campaign, queue="agents"))
    async_to_sync(main)()
    assert most[:6] == [1, 2, 3, 4, 5, 6] and max(most) == 6
