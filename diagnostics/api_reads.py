"""REST for looking: reports, answer runs, and one item with every answer it got."""

from typing import Any

from django.db.models import Count, Q
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import campaign_of
from core.api_cursor import CURSOR, cursor_page
from core.pages import number_of
from diagnostics.item_page import PAGE, RunAnswers, item_history, item_open
from diagnostics.models import AnswerRun, Item, Report
from diagnostics.run_page import differences_json, run_open

VERDICTS = ("weak", "not_weak", "not_enough_data")


class ReportList(APIView):
    """Reports of a campaign."""

    @extend_schema(operation_id="report_list", parameters=CURSOR, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Newest first, each with its number of skills by verdict."""
        rows = campaign_of(request, slug).reports.select_related("run__checkpoint")
        counts = {name: Count("skills", filter=Q(skills__verdict=name)) for name in VERDICTS}
        return cursor_page(request, rows.annotate(**{f"num_{name}": one for name, one in counts.items()}), report_line)


class AnswerRunList(APIView):
    """Answer runs of a campaign."""

    @extend_schema(operation_id="answer_run_list", parameters=CURSOR, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Newest first."""
        return cursor_page(request, campaign_of(request, slug).answer_runs.select_related("checkpoint"), run_json)


class AnswerRunDetail(APIView):
    """One answer run."""

    @extend_schema(operation_id="answer_run_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """What was asked, with which frozen settings, and what the run's files say."""
        run = run_open(campaign_of(request, slug), pk)
        report = Report.objects.filter(run=run).values_list("pk", flat=True).first()
        return Response({**run_json(run), "spec": run.spec, "result": run.result, "report": report})


class ItemDetail(APIView):
    """One item."""

    @extend_schema(
        operation_id="item_read",
        parameters=[OpenApiParameter("cursor", str, description="next_cursor of the answer before: older runs")],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """The question and every answer that any run got to it, newest runs first; 403 for a sealed item."""
        item = item_open(campaign_of(request, slug), pk)
        runs = item_history(item, number_of(request, "cursor"))
        following = str(runs[PAGE - 1].run.pk) if len(runs) > PAGE else None
        return Response(
            {**item_json(item), "runs": [history_json(one) for one in runs[:PAGE]], "next_cursor": following}
        )


def report_line(row: Report) -> dict[str, Any]:
    """A report in the list."""
    run = row.run
    counts = {name: getattr(row, f"num_{name}") for name in VERDICTS}
    names = ("id", "tau", "alpha", "num_scored", "num_unscored", "created_at")
    made_of = {
        "run": run.pk,
        "label": run.label,
        "checkpoint": run.checkpoint_id,
        "checkpoint_name": run.checkpoint.name,
    }
    return {**{name: getattr(row, name) for name in names}, **made_of, **counts}


def run_json(row: AnswerRun) -> dict[str, Any]:
    """An answer run in the list."""
    names = ("id", "label", "split", "run_name", "num_items", "num_answers", "is_complete", "created_at")
    named = {"checkpoint": row.checkpoint_id, "checkpoint_name": row.checkpoint.name}
    named["engine"] = row.spec.get("engine", "transformers")
    return {**{name: getattr(row, name) for name in names}, **named}


def item_json(item: Item) -> dict[str, Any]:
    """An item as the API shows it; pictures by sha256, to be had at /media/."""
    names = ("id", "index", "content_hash", "images", "question", "hint", "options", "answer", "answer_type", "skill")
    fields = {name: getattr(item, name) for name in (*names, "image_type", "split")}
    return {**fields, "benchmark": item.benchmark_id, "benchmark_name": item.benchmark.name}


def history_json(seen: RunAnswers) -> dict[str, Any]:
    """What one run got to the item."""
    scores = ("strict", "lenient", "extracted", "detail", "evidence", "confidence")
    words = ("judge", "prompt_hash", "extractor_version", *scores)
    answers = [
        {
            **{name: getattr(one.answer, name) for name in ("sample_ix", "text", "num_tokens", "finish")},
            "verdicts": [{word: getattr(verdict, word) for word in words} for verdict in one.verdicts],
        }
        for one in seen.answers
    ]
    return {
        **run_json(seen.run),
        "right": seen.num_right,
        "scored": seen.num_scored,
        "unlike_newest": differences_json(seen.unlike),
        "report": seen.report,
        "answers": answers,
    }
