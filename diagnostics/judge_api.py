"""REST for judging: judge a run again, compare, decide where judges disagree, correct their labels."""

from dataclasses import asdict
from typing import Any, Literal

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import body_of, campaign_of, person_of
from core.api_cursor import CURSOR, cursor_page
from diagnostics.domain.kinds import ErrorType, ImageType
from diagnostics.domain.panel import LabelQuality, Share
from diagnostics.judge_page import ruling_views, show_of
from diagnostics.models import Judging, Label, Ruling, Verdict
from diagnostics.selectors.labels import label_quality, label_views, labels_shown
from diagnostics.selectors.rulings import SHOWS, judging_of, judgings_of, rulings_shown
from diagnostics.services.corrections import MAX_COMMENT, label_correct, ruling_decide
from diagnostics.services.judging import judging_submit, run_complete


class Body(BaseModel):
    """A checked body; unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class JudgingBody(Body):
    """How to judge: every answer by judges or by the rules of today, or the wrong ones for their types."""

    way: Literal["judge", "rule", "types"]


class DecisionBody(Body):
    """What the answer is, and why."""

    outcome: Literal["correct", "incorrect"]
    comment: str = Field(default="", max_length=MAX_COMMENT)


class CorrectionBody(Body):
    """What picture and error are; the judge's own words confirm it."""

    image_type: ImageType
    error_type: ErrorType
    comment: str = Field(default="", max_length=MAX_COMMENT)


class JudgingList(APIView):
    """Judgings of an answer run."""

    @extend_schema(operation_id="judging_list", parameters=CURSOR, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Newest first."""
        return cursor_page(request, judgings_of(run_complete(campaign_of(request, slug), pk)), judging_json)

    @extend_schema(operation_id="judging_start", request=JudgingBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Judge a complete run again, without inference; the same judges and words go on where they stopped."""
        body, campaign = body_of(request, JudgingBody), campaign_of(request, slug, "research")
        judging = judging_submit(actor=person_of(request), campaign=campaign, run_id=pk, way=body.way)
        return Response({"job": judging.job_id, "judging": judging.pk}, status=202)


class JudgingDetail(APIView):
    """One judging."""

    @extend_schema(operation_id="judging_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Skills before and after, agreement, flips and coverage; of a labelling its counts and its judge's quality."""
        judging = judging_of(campaign_of(request, slug), pk)
        quality = {"quality": quality_json(judging)} if judging.way == "types" else {}
        return Response({**judging_json(judging), "result": judging.result, **quality})


class RulingList(APIView):
    """What a judging makes of answers."""

    @extend_schema(
        operation_id="ruling_list",
        parameters=[OpenApiParameter("show", str, enum=SHOWS), *CURSOR],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Answers whose verdict flipped, or those that wait for a person, with every judge's word."""
        judging = judging_of(campaign_of(request, slug), pk)
        rows = rulings_shown(judging, show_of(request.GET.get("show", "")))
        return cursor_page(request, rows, lambda row: ruling_json(judging, row), key="pk")


class RulingDecide(APIView):
    """A person's decision."""

    @extend_schema(operation_id="ruling_decide", request=DecisionBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Settle what judges could not; 409 where nothing waits."""
        body, campaign = body_of(request, DecisionBody), campaign_of(request, slug, "curate")
        row = ruling_decide(actor=person_of(request), campaign=campaign, ruling_id=pk, **dict(body))
        return Response({name: getattr(row, name) for name in ("id", "strict", "lenient", "detail", "comment")})


class LabelList(APIView):
    """Labels of a judging's wrong answers."""

    @extend_schema(operation_id="label_list", parameters=CURSOR, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """The judge's words with their evidence, and the newest word of a person."""
        return cursor_page(request, labels_shown(judging_of(campaign_of(request, slug), pk)), label_json, key="pk")


class LabelCorrect(APIView):
    """A person's word on a label."""

    @extend_schema(operation_id="label_correct", request=CorrectionBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Correct or confirm; the judge's word stays, and its precision and recall follow."""
        body, campaign = body_of(request, CorrectionBody), campaign_of(request, slug, "curate")
        row = label_correct(actor=person_of(request), campaign=campaign, label_id=pk, **dict(body))
        return Response({"label": pk, "image_type": row.image_type, "error_type": row.error_type}, status=201)


def judging_json(row: Judging) -> dict[str, Any]:
    """A judging in a list."""
    names = ("id", "way", "prompt_hash", "extractor_version", "is_complete", "created_at")
    judges = [{"role": role, "model": model} for role, model in row.judges]
    job = {"job": row.job_id, "job_status": row.job.status if row.job else None}
    return {**{name: getattr(row, name) for name in names}, "run": row.run_id, "judges": judges, **job}


def ruling_json(judging: Judging, row: Ruling) -> dict[str, Any]:
    """A ruling with the verdicts that it stands on."""
    names = ("id", "before_strict", "before_lenient", "strict", "lenient", "detail", "needs_person", "comment")
    verdicts = [verdict_json(one) for one in ruling_views(judging, [row])[0].verdicts]
    asked = {"item": row.answer.item_id, "sample_ix": row.answer.sample_ix, "answer": row.answer.text}
    by = row.decided_by.get_username() if row.decided_by else None
    return {**{name: getattr(row, name) for name in names}, **asked, "decided_by": by, "verdicts": verdicts}


def verdict_json(row: Verdict) -> dict[str, Any]:
    """One judge's word."""
    names = ("judge", "prompt_hash", "extractor_version", "strict", "lenient", "evidence", "confidence", "detail")
    return {name: getattr(row, name) for name in names}


def label_json(row: Label) -> dict[str, Any]:
    """A label as the judge gave it, and a person's word apart."""
    names = ("id", "judge", "image_type", "image_evidence", "error_type", "error_evidence", "fault")
    seen = label_views([row])[0].correction
    told = {"image_type": seen.image_type, "error_type": seen.error_type, "comment": seen.comment} if seen else None
    asked = {"item": row.answer.item_id, "sample_ix": row.answer.sample_ix}
    return {**{name: getattr(row, name) for name in names}, **asked, "correction": told}


def quality_json(judging: Judging) -> dict[str, Any]:
    """Precision and recall by label."""
    found = label_quality(judging)
    sides = {"image_types": found.image_types, "error_types": found.error_types}
    return {"looked_at": found.num_looked_at, **{name: [label_of(one) for one in its] for name, its in sides.items()}}


def label_of(row: LabelQuality) -> dict[str, Any]:
    """One label's numbers."""
    return {"label": row.label, "precision": share_json(row.precision), "recall": share_json(row.recall)}


def share_json(row: Share) -> dict[str, Any]:
    """A share with its interval."""
    return {"k": row.k, "n": row.n, "value": row.value, **asdict(row.interval)}
