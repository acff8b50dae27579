"""Two workers at one cap at the same moment, with real connections: together they stay below it."""

import threading

import pytest
from django.db import connection

from core.budget_caps import CapValues
from core.budgets import budget_set
from core.call_rows import calls_open
from core.models import Budget, Endpoint, ModelCall
from core.provider import CallRequest
from core.reservations import Short, Terms
from tests.factories import make_campaign, make_context, make_job

pytestmark = pytest.mark.django_db(transaction=True)
CALLS_EACH, CAP = 40, 50


def request(number: int) -> CallRequest:
    return CallRequest("planner", f"s{number}", "v1", "", f"word {number}", None, scope="mixture:7", ceiling=10)


def open_one_by_one(context, endpoint, numbers, opened: list, start: threading.Barrier) -> None:
    try:
        start.wait()
        for number in numbers:
            with context.writing():
                opened += calls_open(context, [(endpoint, request(number))], Terms(0))
    finally:
        connection.close()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="threads share one connection to an in-memory database")
def test_two_jobs_that_ask_at_once_do_not_cross_the_cap_together():
    campaign = make_campaign()
    endpoint = Endpoint.objects.create(campaign=campaign, role="planner", base_url="http://127.0.0.1:9/v1", model="m")
    budget_set(actor=campaign.created_by, campaign=campaign, scope="mixture:7", values=CapValues(calls=CAP))
    opened, start = [], threading.Barrier(2)
    threads = [
        threading.Thread(
            target=open_one_by_one,
            args=(make_context(make_job(campaign=campaign)), endpoint, range(turn, 2 * CALLS_EACH, 2), opened, start),
        )
        for turn in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(opened) == 2 * CALLS_EACH
    assert sum(not isinstance(one, Short) for one in opened) == ModelCall.objects.count() == CAP
    assert Budget.objects.get(scope="mixture:7").reserved_calls == Budget.objects.get(scope="").reserved_calls == CAP
