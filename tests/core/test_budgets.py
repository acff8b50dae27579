"""No call is sent that might cross a cap; what was in flight is stored; raised, the job goes on to the same end."""

from decimal import Decimal
from functools import partial

import pytest
from asgiref.sync import async_to_sync
from pydantic import BaseModel

from core.budget_caps import CapValues
from core.budget_page import budgets_burn
from core.budgets import budget_set
from core.call_rows import calls_close, calls_open
from core.errors import JobPaused, NotAllowed, UpstreamRefused, UpstreamUnavailable
from core.jobs.engine import Handler, execute
from core.jobs.services import job_resume
from core.ledger import ledger_open
from core.ledger_budget import LedgerBudget
from core.models import AuditEvent, Budget, Endpoint, Job, JobEvent, ModelCall
from core.provider import CallRequest
from core.reservations import Short, Terms, calls_lost, counted
from core.room import gather_bounded
from core.worst_case import worst_case
from tests.factories import make_campaign, make_context, make_job, make_member
from tests.fake_endpoint import FakeEndpoint, served

pytestmark = pytest.mark.django_db
PARTS = ("spent", "reserved", "lost")


class Word(BaseModel):
    word: str


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("core.ledger.BEAT_S", 0.02)
    monkeypatch.setattr("core.ledger_budget.PATIENCE_S", 0.05)
    monkeypatch.setattr("django.conf.settings.CALL_PATIENCE_S", 0)


@pytest.fixture
def server():
    with served(FakeEndpoint({"Word": lambda asked: {"word": asked.text}})) as endpoint:
        yield endpoint


def make_working(server, *, campaign=None, **caps):
    """A job's context in a campaign with these caps, whose endpoint costs a million times nothing."""
    campaign = campaign or make_campaign(calls={"max_answer_tokens": 50})
    fields = {"base_url": server.url, "model": "m", "price_in": 1, "price_out": 10, "concurrency": 8}
    Endpoint.objects.get_or_create(campaign=campaign, role="planner", defaults=fields)
    if caps:
        caps_set(campaign, **caps)
    return make_context(make_job(campaign=campaign, queue="agents"))


def caps_set(campaign, scope="", actor=None, **caps) -> Budget:
    values = CapValues(**caps)
    return budget_set(actor=actor or campaign.created_by, campaign=campaign, scope=scope, values=values)


def request(number: int, scope: str = "", **fields) -> CallRequest:
    return CallRequest("planner", f"s{number}", "v1", "be brief", f"word {number}", Word, scope=scope, **fields)


def ask(context, *requests: CallRequest, limit: int = 4) -> None:
    async def main():
        async with ledger_open(context) as ledger:
            await gather_bounded([partial(ledger.ask, one) for one in requests], limit)

    async_to_sync(main)()


def worst(context, number: int = 0):
    """What one of the tests' calls may take at most."""
    asked = request(number, ceiling=context.job.campaign.config.calls.max_answer_tokens)
    return worst_case(context.job.campaign.endpoints.get(), asked, {})


def budget_of(context, scope: str = "") -> Budget:
    return Budget.objects.get(campaign=context.job.campaign, scope=scope)


def assert_counters_are_what_the_rows_say(context, scope: str = "") -> None:
    budget = budget_of(context, scope)
    said = {name: getattr(budget, name) for name in counted(budget.campaign_id, scope)}
    assert said == counted(budget.campaign_id, scope)


def test_what_calls_took_is_counted_for_the_campaign_and_for_their_scope(server):
    context = make_working(server)
    ask(context, request(1), request(2, "mixture:7"), request(3, "mixture:7"))
    whole, part = budget_of(context), budget_of(context, "mixture:7")
    assert (whole.spent_calls, whole.spent_tokens, whole.spent_money) == (3, 45, Decimal("0.000180"))
    assert (part.spent_calls, part.spent_tokens, part.spent_money) == (2, 30, Decimal("0.000120"))
    assert (whole.reserved_calls, whole.reserved_tokens, whole.reserved_money) == (0, 0, 0)
    assert whole.spent_seconds > 0 and part.spent_seconds > 0
    assert_counters_are_what_the_rows_say(context)


def test_its_worst_case_is_reserved_for_a_call_from_before_it_is_sent_until_it_is_answered(server):
    context = make_working(server)
    rows = calls_open(context, [(context.job.campaign.endpoints.get(), request(1))], Terms(0))
    held = budget_of(context)
    assert (held.reserved_calls, held.reserved_tokens) == (1, worst_case(rows[0].endpoint, request(1), {}).tokens)
    assert held.reserved_money == rows[0].reserved_money > 0
    rows[0].status, rows[0].tokens_in, rows[0].cost = "answered", 4, Decimal("0.000004")
    calls_close(rows)
    after = budget_of(context)
    assert (after.reserved_calls, after.reserved_tokens, after.reserved_money) == (0, 0, 0)
    assert (after.spent_calls, after.spent_tokens, after.spent_money) == (1, 4, Decimal("0.000004"))
    assert ModelCall.objects.get().reserved_tokens == 0


@pytest.mark.parametrize("kind", ["money", "tokens", "calls"])
def test_no_call_is_sent_that_might_cross_a_cap(server, kind):
    context = make_working(server)
    one = worst(context, 10)
    caps = {"money": float(one.money * 2), "tokens": one.tokens * 2, "calls": 3}
    caps_set(context.job.campaign, **{kind: caps[kind]})
    with pytest.raises(
        JobPaused, match=f"cap of .* on the campaign is reached.*(?s:.)*{'money' if kind == 'money' else kind}"
    ):
        ask(context, *(request(number) for number in range(10, 60)))
    budget = budget_of(context)
    assert 0 < len(server.paid) < 50
    assert getattr(budget, f"spent_{kind}") <= getattr(budget.caps, kind)
    assert getattr(budget, f"spent_{kind}") + getattr(one, kind) > getattr(budget.caps, kind), "not a call too early"
    assert ModelCall.objects.filter(status="answered").count() == len(server.paid)
    assert not ModelCall.objects.exclude(status="answered").exists(), "nothing is left in flight"
    assert_counters_are_what_the_rows_say(context)


def test_calls_wait_for_those_in_flight_when_these_may_leave_enough(server):
    """Worst cases alone would let two go; all ten go, two at a time, because each takes a tenth of its worst case."""
    context = make_working(server)
    server.delay_s = 0.01
    one = worst(context, 10)
    caps_set(context.job.campaign, tokens=one.tokens * 2)
    assert one.tokens * 2 > 10 * 15
    ask(context, *(request(number) for number in range(10, 20)), limit=8)
    assert len(server.paid) == 10 and budget_of(context).spent_tokens == 150


def test_a_scope_has_caps_of_its_own(server):
    context = make_working(server)
    caps_set(context.job.campaign, "mixture:7", calls=2)
    ask(context, *(request(number) for number in range(5)))
    with pytest.raises(JobPaused, match="mixture #7"):
        ask(context, *(request(number, "mixture:7") for number in range(10, 15)))
    assert budget_of(context, "mixture:7").spent_calls == 2 and budget_of(context).spent_calls == 7


def test_tools_that_run_here_are_free(server):
    from core.tool_calls import ToolUse, tool_uses_store

    context = make_working(server, calls=0)
    tool_uses_store(context, [(ToolUse("image_edit", "editor", "s1", "v1", {}, "mixture:7"), ["x"])])
    assert counted(context.job.campaign_id, "")["spent_calls"] == 0


def test_a_refused_call_took_nothing_and_a_call_without_an_answer_keeps_its_worst_case(server):
    context = make_working(server)
    server.down_after, server.down_status = 0, 401
    with pytest.raises(UpstreamRefused):
        ask(context, request(1))
    refused = budget_of(context)
    assert (refused.spent_calls, refused.spent_tokens, refused.reserved_calls) == (1, 0, 0)
    server.down_status = 503
    with pytest.raises(UpstreamUnavailable):
        ask(context, request(2))
    unknown = budget_of(context)
    assert unknown.spent_tokens == unknown.lost_tokens == worst(context, 2).tokens
    assert (unknown.spent_money, unknown.lost_calls, unknown.reserved_tokens) == (worst(context, 2).money, 1, 0)
    server.down_after = None
    ask(context, request(2))
    again = budget_of(context)
    assert again.spent_tokens == unknown.spent_tokens + 15, "the first send may have been paid as well"
    assert_counters_are_what_the_rows_say(context)


def test_what_was_reserved_for_a_killed_attempt_is_spent_when_the_next_one_opens_its_ledger(server):
    context = make_working(server)
    calls_open(context, [(context.job.campaign.endpoints.get(), request(1, "mixture:7"))], Terms(0))
    held = budget_of(context, "mixture:7").reserved
    assert held.calls == 1
    Job.objects.update(status="waiting")
    ask(make_working(server, campaign=context.job.campaign), request(2))
    for scope in ("", "mixture:7"):
        budget = budget_of(context, scope)
        assert (budget.reserved_calls, budget.reserved_tokens) == (0, 0)
        assert (budget.lost_tokens, budget.lost_calls) == (held.tokens, 1)
        assert_counters_are_what_the_rows_say(context, scope)
    assert ModelCall.objects.get(subject="s1").status == "unknown"


def test_what_is_reserved_for_another_running_job_stays_so_when_a_ledger_opens(server):
    context = make_working(server)
    calls_open(context, [(context.job.campaign.endpoints.get(), request(1))], Terms(0))
    ask(make_working(server, campaign=context.job.campaign), request(2))
    assert budget_of(context).reserved_calls == 1


def test_two_jobs_of_a_campaign_do_not_cross_the_cap_together(server):
    first = make_working(server, calls=3)
    second = make_working(server, campaign=first.job.campaign)
    endpoint = first.job.campaign.endpoints.get()
    opened = [
        calls_open(job, [(endpoint, request(number))], Terms(0))[0] for number, job in enumerate([first, second] * 3)
    ]
    assert [isinstance(one, Short) for one in opened] == [False] * 3 + [True] * 3
    assert opened[3].shortfall.may_settle is True and budget_of(first).reserved_calls == 3


def test_a_job_that_waits_for_what_is_reserved_for_a_dead_job_learns_that_it_is_lost(server):
    """What was reserved for the dead job is spent then, and too little is left."""
    first = make_working(server)
    one = worst(first, 10).tokens
    caps_set(first.job.campaign, tokens=one * 2 + 30)
    second = make_working(server, campaign=first.job.campaign)
    endpoint = first.job.campaign.endpoints.get()
    calls_open(first, [(endpoint, request(number, ceiling=50)) for number in (10, 11)], Terms(0))
    assert budget_of(first).reserved_calls == 2

    def die_then_count(campaign_id, own=None):
        Job.objects.filter(pk=first.job.pk).update(status="failed")
        return calls_lost(campaign_id, own)

    with pytest.raises(JobPaused), pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.ledger_budget.calls_lost", die_then_count)
        ask(second, request(12))
    assert budget_of(first).lost_calls == 2


def test_raised_the_job_goes_on_and_no_answer_is_paid_twice(server):
    context = make_working(server, calls=4)
    job = context.job
    Job.objects.filter(pk=job.pk).update(status="waiting", attempt=0)
    wanted = [request(number) for number in range(10)]

    def work(context):
        ask(context, *wanted)
        return {"asked": len(wanted)}

    def run():
        ready = make_context(Job.objects.get(pk=job.pk))
        execute(ready.job, {"test": Handler(work)})
        return Job.objects.get(pk=job.pk)

    paused = run()
    assert (paused.status, paused.error_code) == ("paused", "budget_spent")
    assert "4 calls" in paused.error_message and "Raise or remove the cap" in paused.error_message
    assert AuditEvent.objects.get(action="budget.reached").data["cap"] == "calls"
    assert JobEvent.objects.filter(job=job, name="paused").exists()
    admin = job.campaign.created_by
    job_resume(actor=admin, job_id=job.pk)
    assert run().status == "paused", "resumed without a higher cap it pauses again"
    caps_set(job.campaign, calls=10)
    assert JobEvent.objects.get(job=job, name="cap set").message == f"by {admin}: calls 4 to 10"
    job_resume(actor=admin, job_id=job.pk)
    assert run().status == "succeeded"
    assert len(server.paid) == 10 and server.paid_twice == []


def test_time_is_counted_while_calls_are_made_and_the_stop_comes_before_the_cap(server):
    context = make_working(server, hours=100 / 3600)
    clock = [0.0]
    budget = LedgerBudget(context, context.job.campaign.config.calls, clock=lambda: clock[0])
    calls_open(context, [(context.job.campaign.endpoints.get(), request(0))], budget.terms)
    clock[0] = 60
    assert async_to_sync(budget.time_count)() is not None, "looks that far apart would cross the cap"
    assert budget_of(context).spent_seconds == 60
    clock[0] = 61
    budget.settled(30)
    opened = calls_open(context, [(context.job.campaign.endpoints.get(), request(1))], budget.terms)
    assert not isinstance(opened[0], Short), "the slowest answer took 30 s, and 39 are left"
    clock[0] = 72
    assert async_to_sync(budget.time_count)() is None
    opened = calls_open(context, [(context.job.campaign.endpoints.get(), request(2))], budget.terms)
    assert opened[0].shortfall.kind == "seconds" and not opened[0].shortfall.may_settle


def test_a_call_that_hangs_does_not_carry_the_job_over_a_cap_on_time(server):
    server.replies["Word"] = lambda asked: {"word": "x"}
    server.delay_s = 30
    context = make_working(server, hours=2.2 / 3600)
    with pytest.raises(JobPaused, match="seconds on the campaign"):
        ask(context, request(1))
    assert budget_of(context).spent_seconds <= 2.2


def test_caps_are_set_by_admins_and_those_of_a_part_by_whoever_may_approve(server):
    campaign = make_working(server).job.campaign
    approver, researcher = make_member(campaign, "approver"), make_member(campaign, "researcher")
    with pytest.raises(NotAllowed):
        caps_set(campaign, actor=approver, money=1)
    with pytest.raises(NotAllowed):
        caps_set(campaign, "mixture:7", actor=researcher, money=1)
    caps_set(campaign, "mixture:7", actor=approver, money=1)
    event = AuditEvent.objects.get(action="budget.set")
    assert event.data == {"scope": "mixture:7", "changes": {"money": [None, 1.0]}}
    caps_set(campaign, "mixture:7", actor=approver, money=1)
    assert AuditEvent.objects.filter(action="budget.set").count() == 1, "the same caps again are no news"


def test_burns_say_what_is_spent_of_a_campaign_without_caps_and_of_a_scope_that_never_asked(server):
    context = make_working(server)
    ask(context, request(1))
    burns = budgets_burn(context.job.campaign, "mixture:7")
    assert [(one.scope, one.kind) for one in burns[3:5]] == [("", "seconds"), ("mixture:7", "money")]
    assert (burns[2].spent, burns[2].cap, burns[6].spent) == (1, None, 0)
