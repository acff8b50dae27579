"""What a campaign's calls cost, from one aggregate query that an index answers by itself."""

from typing import Any

from django.db.models import Count, Q, Sum

from core.models import Campaign, Endpoint, ModelCall
from datagen.domain.costs import Cost, CostCell, Costs
from datagen.models import Sample
from datagen.tries import scope_of

FACTS = ("scope", "round_number", "role", "skill", "endpoint_id", "tool", "status")


def costs_of(campaign: Campaign) -> Costs:
    """Every cell of the campaign and its accepted samples; three queries. Only what the index holds is read."""
    servers = {one.pk: one for one in Endpoint.objects.filter(campaign=campaign)}
    rows = ModelCall.objects.filter(campaign=campaign).order_by().values_list(*FACTS).annotate(
        num=Count("status"),
        sum_in=Sum("tokens_in"),
        sum_out=Sum("tokens_out"),
        money=Sum("cost"),
        twice=Count("status", filter=Q(num_sent__gt=1)),
        ms=Sum("latency_ms"),
    )  # fmt: skip
    cells = [cell_of(*row, endpoint=servers.get(row[4])) for row in rows]
    return Costs(cells, samples_accepted(campaign))


def cell_of(*row: Any, endpoint: Endpoint | None) -> CostCell:
    """One row of the aggregate; times of tools and of calls without an answer say nothing of an endpoint."""
    scope, number, role, skill, _, tool, status, calls, tokens_in, tokens_out, money, twice, ms = row
    is_timed = status == "answered" and endpoint is not None
    ends = {name: calls for name in ("failed", "unknown") if name == status}
    times = {"timed": calls, "ms": ms} if is_timed else {}
    cost = Cost(calls, tokens_in, tokens_out, money, twice=twice, **ends, **times)
    return CostCell(scope, number, role, skill, *named(endpoint, tool), cost)


def named(endpoint: Endpoint | None, tool: str) -> tuple[str, str]:
    """Who did it and where: a model and its server, or a tool that runs here."""
    return (endpoint.model, endpoint.base_url) if endpoint else (tool, "")


def samples_accepted(campaign: Campaign) -> dict[tuple[str, str], int]:
    """Accepted samples by the scope of their mixture and by skill; one query."""
    rows = Sample.objects.filter(slot__mixture__campaign=campaign, status="accepted").order_by()
    groups = rows.values_list("slot__mixture_id", "slot__skill").annotate(n=Count("*"))
    return {(scope_of(mixture_id), skill): number for mixture_id, skill, number in groups}
