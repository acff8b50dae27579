"""Report pages: every skill with its interval and verdict, and the items that the verdict rests on."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.errors import InvalidInput
from core.pages import number_of
from core.selectors import campaign_open
from diagnostics.figures import marks_of, report_marks
from diagnostics.pages import OUTCOMES, PAGE, skill_items, skill_open
from diagnostics.selectors.reports import report_of, report_read


def report_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What a checkpoint cannot do, and how sure that is."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    report = report_read(report_of(campaign, pk))
    context = {"section": "campaigns", "campaign": campaign, "report": report, **report_marks(report)}
    return render(request, "diagnostics/report_detail.html", context)


def report_skill(request: HttpRequest, slug: str, pk: int, skill: str) -> HttpResponse:
    """One skill's items: picture, question, gold answer, the model's answers, what was extracted, verdict."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    report, outcome = report_of(campaign, pk), request.GET.get("outcome", "")
    view = report_read(report)
    if outcome and outcome not in OUTCOMES:
        raise InvalidInput(f"outcome must be one of {', '.join(OUTCOMES)}.", field="outcome")
    items = skill_items(report.run, skill, outcome=outcome, after=number_of(request, "after"))
    context = {"section": "campaigns", "campaign": campaign, "report": view, "outcome": outcome, "outcomes": OUTCOMES}
    context["mark"] = marks_of(skill_open(view, skill))
    context |= {"items": items[:PAGE], "more": items[PAGE - 1].position if len(items) > PAGE else None}
    return render(request, "diagnostics/report_skill.html", context)
