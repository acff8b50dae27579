"""REST for training runs by hand: presets, a preview, the launch, and answering for a pre-flight."""

from dataclasses import asdict, replace
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import Body, body_of, campaign_of, person_of
from core.campaign_settings import parse_settings
from core.models import Campaign
from core.presets import PRESETS
from core.specs import Device, Precision
from training.api_reads import TrainingRunList, run_whole_json
from training.launch_draft import MAX_SEED, Draft, dataset_read, draft_of, parent_read, preset_named, with_preset
from training.launch_page import preview_context
from training.models import TrainingRun
from training.selectors.runs import run_of, train_stages
from training.services.launches import training_run_launch, training_run_override
from training.services.preflights import MAX_REASON, preflight_open
from training.services.training_runs import training_run_stop
from training.training_page import RunLine


class LaunchBody(Body):
    """A run by hand: run ``of`` or the campaign's settings, then the preset, then ``settings``."""

    of: int | None = None
    parent: int | None = None
    dataset: int | None = None
    preset: str = ""
    settings: dict[str, Any] = Field(default={}, description="settings of GRPO by name; others stay")
    device: Device | None = None
    dtype: Precision | None = None
    seed: int | None = Field(default=None, ge=0, lt=MAX_SEED)
    child_name: str = Field(default="", max_length=120)


class OverrideBody(Body):
    """Why the run may train all the same."""

    reason: str = Field(min_length=1, max_length=MAX_REASON)


class TrainingRunDoors(TrainingRunList):
    """Training runs of a campaign, and launching one by hand."""

    @extend_schema(operation_id="training_run_launch", request=LaunchBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """Launch a run: its pre-flight comes first, and it trains by itself once that has passed."""
        body, campaign = body_of(request, LaunchBody), campaign_of(request, slug, "research")
        draft, _ = draft_sent(campaign, body)
        run = training_run_launch(actor=person_of(request), campaign=campaign, launch=draft.launch())
        return Response(whole(campaign, run.pk), status=201)


class TrainingRunPreview(APIView):
    """A run before it is launched."""

    @extend_schema(operation_id="training_run_preview", request=LaunchBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """The spec as it would be stored, and how it differs from run ``of`` or the newest; nothing is written."""
        body, campaign = body_of(request, LaunchBody), campaign_of(request, slug, "research")
        draft, of = draft_sent(campaign, body)
        told = preview_context(campaign, draft, of)
        spec = draft.launch().spec.model_dump(mode="json", exclude={"places"})
        changes = [asdict(one) for one in told["differences"]]
        against = told["against"].pk if told["against"] else None
        return Response({"spec": spec, "run_name": told["run_name"], "against": against, "differences": changes})


class TrainingRunCheck(APIView):
    """Looking again."""

    @extend_schema(operation_id="training_run_check", request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Another pre-flight of a run that does not train yet."""
        campaign = campaign_of(request, slug, "research")
        preflight_open(actor=person_of(request), run=run_of(campaign, pk))
        return Response(whole(campaign, pk), status=202)


class TrainingRunOverride(APIView):
    """Answering for a pre-flight."""

    @extend_schema(operation_id="training_run_override", request=OverrideBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Let the run train although its pre-flight failed; the reason is kept."""
        body, campaign = body_of(request, OverrideBody), campaign_of(request, slug, "research")
        training_run_override(actor=person_of(request), run=run_of(campaign, pk), reason=body.reason)
        return Response(whole(campaign, pk), status=202)


class TrainingRunStop(APIView):
    """Stopping a run so that it can go on later."""

    @extend_schema(operation_id="training_run_stop", request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Finish the present generation, save, end as cancelled; 409 when it does not train."""
        campaign = campaign_of(request, slug, "research")
        training_run_stop(actor=person_of(request), run=run_of(campaign, pk))
        return Response(whole(campaign, pk), status=202)


class PresetList(APIView):
    """Vetted settings by model."""

    @extend_schema(operation_id="preset_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """All of them, with the reason for each number."""
        campaign_of(request, slug)
        return Response({"data": [preset_json(name) for name in PRESETS]})


def draft_sent(campaign: Campaign, body: LaunchBody) -> tuple[Draft, TrainingRun | None]:
    """The run that a body describes, and the run that it starts from."""
    of = run_of(campaign, body.of) if body.of is not None else None
    draft = draft_of(campaign, of)
    settings = with_preset(draft.settings, preset_named(body.preset)) if body.preset else draft.settings
    document = settings.model_dump(mode="json")
    document["grpo"] |= body.settings
    document["engine"] |= {name: value for name in ("device", "dtype") if (value := getattr(body, name))}
    given: dict[str, Any] = {"settings": parse_settings(document), "child_name": body.child_name}
    if body.parent is not None:
        given["parent"] = parent_read(campaign, str(body.parent))
    if body.dataset is not None:
        given["dataset"] = dataset_read(campaign, str(body.dataset))
    if body.seed is not None:
        given["seed"] = body.seed
    return replace(draft, **given), of


def preset_json(name: str) -> dict[str, Any]:
    """A preset with its settings and reasons."""
    preset = PRESETS[name]
    facts = {"name": name, "title": preset.title, "device": preset.device, "dtype": preset.dtype}
    return {**facts, "settings": preset.settings.model_dump(mode="json"), "reasons": preset.reasons}


def whole(campaign: Campaign, pk: int) -> dict[str, Any]:
    """The run as it stands now."""
    return run_whole_json(RunLine(run_of(campaign, pk), train_stages(campaign).get(pk)))
