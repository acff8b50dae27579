"""Report pages: every skill with its interval and verdict, and the items that the verdict rests on."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.errors import InvalidInput
from core.pages import number_of
from core.selectors import campaign_open
from diagnostics.figures import marks_of, report_marks
from diagnostics.item_page import PAGE as RUNS
from diagnostics.item_page import item_history, item_open
from diagnostics.judge_page import item_context
from diagnostics.pages import OUTCOMES, PAGE, skill_items, skill_open
from diagnostics.report_page import reports_context
from diagnostics.selectors.reports import report_of, report_read


def report_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest blind spots, and how every skill moved over the reports."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    context = {"section": "campaigns", "tab": "reports", "campaign": campaign}
    context |= reports_context(campaign, number_of(request, "before"))
    return render(request, "diagnostics/report_list.html", context)


def report_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What a checkpoint cannot do, and how sure that is."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    report = report_read(report_of(campaign, pk))
    context = {"section": "campaigns", "tab": "reports", "campaign": campaign, "report": report}
    context |= report_marks(report)
    return render(request, "diagnostics/report_detail.html", context)


def report_skill(request: HttpRequest, slug: str, pk: int, skill: str) -> HttpResponse:
    """One skill's items: picture, question, gold answer, the model's answers, what was extracted, verdict."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    report, outcome = report_of(campaign, pk), request.GET.get("outcome", "")
    view = report_read(report)
    if outcome and outcome not in OUTCOMES:
        raise InvalidInput(f"outcome must be one of {', '.join(OUTCOMES)}.", field="outcome")
    items = skill_items(report.run, skill, outcome=outcome, after=number_of(request, "after"))
    context = {"section": "campaigns", "tab": "reports", "campaign": campaign, "report": view}
    context |= {"outcome": outcome, "outcomes": OUTCOMES}
    context["mark"] = marks_of(skill_open(view, skill))
    context |= {"items": items[:PAGE], "more": items[PAGE - 1].position if len(items) > PAGE else None}
    return render(request, "diagnostics/report_skill.html", context)


def item_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One item with every answer that any run got to it, what was extracted, and who judged it how."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    item = item_open(campaign, pk)
    runs = item_history(item, number_of(request, "before"))
    context = {"section": "campaigns", "tab": "reports", "campaign": campaign, "item": item, "runs": runs[:RUNS]}
    context["more"] = runs[RUNS - 1].run.pk if len(runs) > RUNS else None
    context |= {**item_context(item), "may_curate": "curate" in rights}
    return render(request, "diagnostics/item_detail.html", context)
