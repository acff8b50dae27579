"""REST for looking: training runs with their curves, comparisons with their items."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import campaign_of
from core.api_cursor import CURSOR, cursor_page, rows_behind
from diagnostics.run_page import differences_json, runs_differ
from training.comparison_page import evaluation_of, evaluations_of, filter_of
from training.models import Evaluation, Metric, Preflight, RunAlarm
from training.paired_items import OUTCOMES, PairView, Said, pairs_filtered, pairs_read
from training.selectors.parts import evaluation_view
from training.selectors.runs import run_of, runs_of, train_stages
from training.training_page import RunLine

CURVE = [OpenApiParameter(name, str) for name in ("name", "skill")]
FILTER = [
    OpenApiParameter("outcome", str, enum=list(OUTCOMES)),
    *(OpenApiParameter(n, str) for n in ("suite", "skill")),
]


class TrainingRunList(APIView):
    """Training runs of a campaign."""

    @extend_schema(operation_id="training_run_list", parameters=CURSOR, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Newest first."""
        campaign = campaign_of(request, slug)
        stages = train_stages(campaign)
        return cursor_page(request, runs_of(campaign), lambda run: run_json(RunLine(run, stages.get(run.pk))))


class TrainingRunDetail(APIView):
    """One training run."""

    @extend_schema(operation_id="training_run_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """What it trained on, its frozen spec, its result, and what its curves warn of."""
        campaign = campaign_of(request, slug)
        run = run_of(campaign, pk)
        line = RunLine(run, train_stages(campaign).get(pk))
        alarms = [alarm_json(alarm) for alarm in run.alarms.order_by("step", "kind")]
        return Response({**run_whole_json(line), "alarms": alarms})


class MetricList(APIView):
    """The curves of a training run."""

    @extend_schema(operation_id="metric_list", parameters=[*CURSOR, *CURVE], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Points in the order in which they were stored; by ``name``, and by ``skill`` (empty: the whole run's)."""
        rows = Metric.objects.filter(training_run=run_of(campaign_of(request, slug), pk))
        return cursor_page(request, curve_filtered(request, rows), metric_json, key="pk")


class EvaluationList(APIView):
    """Comparisons of a campaign."""

    @extend_schema(operation_id="evaluation_list", parameters=CURSOR, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Newest first."""
        return cursor_page(request, evaluations_of(campaign_of(request, slug)), evaluation_json)


class EvaluationDetail(APIView):
    """One comparison."""

    @extend_schema(operation_id="evaluation_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Its suites with intervals, the gate's word and reasons."""
        evaluation = evaluation_of(campaign_of(request, slug), pk)
        view = evaluation_view(evaluation.pk)
        assert view is not None
        differences = differences_json(runs_differ(evaluation.before, evaluation.after))
        facts = {"target_skills": evaluation.target_skills, "run_differences": differences}
        return Response({**evaluation_json(evaluation), **asdict(view), **facts})


class EvaluationItems(APIView):
    """The items of a comparison."""

    @extend_schema(operation_id="evaluation_item_list", parameters=[*CURSOR, *FILTER], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """In the order in which they were asked, each with both answers and what became of it."""
        evaluation = evaluation_of(campaign_of(request, slug), pk)
        rows = pairs_filtered(evaluation, filter_of(request.GET))
        found, following = rows_behind(request, rows, "position")
        return Response({"data": [pair_json(pair) for pair in pairs_read(evaluation, found)], "next_cursor": following})


def curve_filtered(request: Request, rows: QuerySet[Metric]) -> QuerySet[Metric]:
    """Only the named metric and skill, where the query names one."""
    wanted = {name: request.GET[name] for name in ("name", "skill") if name in request.GET}
    return rows.filter(**wanted)


def run_json(line: RunLine) -> dict[str, Any]:
    """A training run in the list."""
    run, stage = line.run, line.stage
    names = ("id", "run_name", "seed", "created_at")
    made_of = {"dataset": run.dataset_id, "parent": run.parent_id, "child": run.child_id, "child_name": run.child_name}
    stands = {
        "is_control": run.is_control,
        "status": line.status,
        "job": line.job.pk if line.job else None,
        "round": stage.round.number if stage else None,
        "is_by_hand": run.is_by_hand,
    }
    return {**{name: getattr(run, name) for name in names}, **made_of, **stands}


def run_whole_json(line: RunLine) -> dict[str, Any]:
    """A training run with its frozen spec, its result and its pre-flights."""
    run = line.run
    looks = [preflight_json(look) for look in line.looks]
    return {**run_json(line), "spec": run.spec, "result": run.result, "preflights": looks}


def preflight_json(look: Preflight) -> dict[str, Any]:
    """One look at what a run needs, newest first in its run."""
    names = ("take", "is_passed", "is_clear", "lines", "seconds", "reason", "created_at")
    by = look.overridden_by.get_username() if look.overridden_by else None
    facts = {"job": look.job_id, "status": look.job.status, "overridden_by": by}
    return {**{name: getattr(look, name) for name in names}, **facts}


def alarm_json(row: RunAlarm) -> dict[str, Any]:
    """One alarm with what to do about it."""
    return {"kind": row.kind, "step": row.step, "title": row.title, "reason": row.reason, "advice": row.advice}


def metric_json(row: Metric) -> dict[str, Any]:
    """One point of a curve."""
    return {"name": row.name, "skill": row.skill, "step": row.step, "value": row.value}


def evaluation_json(row: Evaluation) -> dict[str, Any]:
    """A comparison in the list."""
    runs = {"before": row.before_id, "after": row.after_id}
    checkpoints = {"parent": row.before.checkpoint_id, "child": row.after.checkpoint_id}
    means = {name: row.result.get(name) for name in ("mean_before", "mean_after", "coverage")}
    head = {"id": row.pk, "round": row.round.number, "verdict": row.verdict, "decision": row.round.decision}
    return {**head, **runs, **checkpoints, **means, "margin": row.margin, "created_at": row.created_at}


def pair_json(pair: PairView) -> dict[str, Any]:
    """One item of a comparison."""
    item = pair.item
    head = {"item": item.pk, "benchmark": item.benchmark.name, "index": item.index, "skill": item.skill}
    asked = {"question": item.question, "options": item.options, "gold": item.answer, "images": item.images}
    shares = {"outcome": pair.outcome, "share_before": pair.old, "share_after": pair.new}
    sides = {"before": [said_json(said) for said in pair.before], "after": [said_json(said) for said in pair.after]}
    return {**head, **asked, **shares, **sides}


def said_json(said: Said) -> dict[str, Any]:
    """One answer with the verdict that counted."""
    verdict = said.verdict
    words = {"extracted": verdict.extracted, "strict": verdict.strict, "lenient": verdict.lenient} if verdict else {}
    return {"sample_ix": said.answer.sample_ix, "text": said.answer.text, **words}
