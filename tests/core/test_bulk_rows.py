"""Many rows stored at once, each with its own values."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.bulk_rows import rows_update
from core.models import ModelCall
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


def calls_made(number: int) -> list[ModelCall]:
    campaign = make_campaign()
    rows = [ModelCall(campaign=campaign, tool="t", role="r", idempotency_key=f"key{i}") for i in range(number)]
    return ModelCall.objects.bulk_create(rows)


def test_each_row_gets_its_own_values_and_keeps_what_is_not_named():
    calls = calls_made(3)
    for place, call in enumerate(calls):
        call.choices, call.cost, call.role = [f"text {place} ' %s \\ \N{SNOWMAN}"], Decimal(place) / 8, "not named"
    rows_update(calls, ("choices", "cost"))
    stored = ModelCall.objects.order_by("id").values_list("choices", "cost", "role")
    assert list(stored) == [([f"text {i} ' %s \\ \N{SNOWMAN}"], Decimal(i) / 8, "r") for i in range(3)]


def test_rows_are_found_by_another_key_than_their_id():
    first, second = calls_made(2)
    told = ModelCall(idempotency_key=second.idempotency_key, status="answered", campaign_id=None)
    rows_update([told], ("status",), key="idempotency_key")
    assert [ModelCall.objects.get(pk=row.pk).status for row in (first, second)] == ["sent", "answered"]


def test_all_rows_go_in_one_statement_and_no_row_in_none():
    calls = calls_made(40)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        rows_update(calls, ("status",))
        rows_update([], ("status",))
    assert len(asked) == 1
