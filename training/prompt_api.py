"""REST for a training run's prompts: what each got over the steps, and every completion."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import campaign_of
from core.api_cursor import CURSOR, limit_of
from core.pages import number_of
from training.models import Prompt, Turn
from training.prompt_page import (
    ORDERS,
    PURPOSES,
    TurnView,
    filter_of,
    prompt_of,
    prompts_filtered,
    turns_behind,
    turns_read,
)
from training.selectors.runs import run_of

FILTER = [
    OpenApiParameter("skill", str),
    OpenApiParameter("purpose", str, enum=list(PURPOSES)),
    OpenApiParameter("order", str, enum=list(ORDERS)),
]
MOST_TURNS = 20
NUMBERS = ("step", "num", "num_correct", "num_unscored", "num_truncated", "mean_tokens", "reward")


class PromptList(APIView):
    """The prompts of a training run."""

    @extend_schema(operation_id="prompt_list", parameters=[*CURSOR, *FILTER], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """By how their reward changed from first turn to newest: most risen first, or most fallen."""
        run, size = run_of(campaign_of(request, slug), pk), limit_of(request)
        found = list(prompts_filtered(run, filter_of(request.GET), number_of(request, "cursor"))[: size + 1])
        following = str(found[size - 1].pk) if len(found) > size else None
        return Response({"data": [prompt_json(row) for row in found[:size]], "next_cursor": following})


class PromptDetail(APIView):
    """One prompt of a training run."""

    @extend_schema(operation_id="prompt_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int, prompt: int) -> Response:
        """What was asked, and its numbers at every step."""
        row = prompt_of(run_of(campaign_of(request, slug), pk), prompt)
        turns = [turn_json(turn) for turn in row.turns.order_by("step", "place")]
        return Response({**prompt_json(row), **asked_json(row), "turns": turns})


class RolloutList(APIView):
    """The completions of one prompt."""

    @extend_schema(operation_id="rollout_list", parameters=CURSOR, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int, prompt: int) -> Response:
        """Turn by turn, newest first, at most 20 an answer. ``rollouts`` is null where the file is not here."""
        run, size = run_of(campaign_of(request, slug), pk), min(limit_of(request), MOST_TURNS)
        turns = list(turns_behind(prompt_of(run, prompt), number_of(request, "cursor"))[: size + 1])
        following = str(turns[size - 1].pk) if len(turns) > size else None
        return Response({"data": [view_json(view) for view in turns_read(run, turns[:size])], "next_cursor": following})


def prompt_json(row: Prompt) -> dict[str, Any]:
    """A prompt in the list."""
    names = ("id", "name", "skill", "purpose", "num_turns", "first_reward", "last_reward", "change")
    return {**{name: getattr(row, name) for name in names}, "sample": row.sample_id}


def asked_json(row: Prompt) -> dict[str, Any]:
    """What the prompt asked; empty where its sample is not known."""
    sample = row.sample
    if sample is None:
        return {}
    return {"image": sample.media_id, "question": sample.question, "options": sample.options, "gold": sample.answer}


def turn_json(turn: Turn) -> dict[str, Any]:
    """One turn in numbers."""
    return {name: getattr(turn, name) for name in NUMBERS}


def view_json(view: TurnView) -> dict[str, Any]:
    """One turn with its completions."""
    rows = None if view.rollouts is None else [row.model_dump() for row in view.rollouts]
    return {**turn_json(view.turn), "rollouts": rows}
