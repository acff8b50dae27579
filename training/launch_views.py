"""Pages of a training run that a person launches: the form, looking again, answering for what was found, stopping."""

from dataclasses import replace
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from core.campaigns import campaign_settings_set, settings_hash
from core.errors import InvalidInput
from core.models import Campaign
from core.pages import number_of
from core.selectors import campaign_open
from training.launch_draft import Draft, draft_of, draft_typed, preset_changes, preset_named, with_preset
from training.launch_page import launch_context, preview_context
from training.models import TrainingRun
from training.selectors.runs import run_of
from training.services.launches import training_run_launch, training_run_override
from training.services.preflights import preflight_open
from training.services.training_runs import training_run_stop

Kept = dict[str, str]


def training_new(request: HttpRequest, slug: str) -> HttpResponse:
    """The launch form: fill it from a preset, look at the spec, launch it, or keep it as the campaign's settings."""
    user = cast(User, request.user)
    campaign, rights = campaign_open(user, slug, "research")
    of = number_of(request, "of")
    run = run_of(campaign, of) if of is not None else None
    typed: Kept = request.POST.dict() if request.method == "POST" else {}
    draft, problems = draft_typed(campaign, draft_of(campaign, run), typed) if typed else (draft_of(campaign, run), {})
    told: dict[str, Any] = {}
    if typed and not problems:
        try:
            answer = act(user, campaign, draft, typed.get("do", "show"))
            if answer:
                messages.success(request, answer[0])
                return redirect(*answer[1:])
            draft, typed, told = shown(campaign, draft, run, typed)
        except InvalidInput as error:
            problems = {error.field: str(error).removeprefix(f"{error.field}: ")}
    context = {"section": "campaigns", "tab": "training", "campaign": campaign, "of": run, **told}
    context |= {**launch_context(campaign, draft, typed, problems), "may_keep": "admin" in rights}
    return render(request, "training/training_new.html", context, status=400 if problems else 200)


def act(user: User, campaign: Campaign, draft: Draft, do: str) -> tuple[Any, ...] | None:
    """What was said and where to go on, after a launch or after keeping the settings; None for a look."""
    if do == "launch":
        run = training_run_launch(actor=user, campaign=campaign, launch=draft.launch())
        return (
            f"{run} is checked first; it trains by itself once that has passed.",
            "training-detail",
            campaign.slug,
            run.pk,
        )
    if do == "keep":
        seen, document = settings_hash(campaign), draft.settings.model_dump(mode="json")
        campaign_settings_set(actor=user, campaign=campaign, settings=document, seen=seen)
        return "The next rounds of this campaign train with these settings.", "training-new", campaign.slug
    return None


def shown(campaign: Campaign, draft: Draft, run: TrainingRun | None, typed: Kept) -> tuple[Draft, Kept, dict[str, Any]]:
    """The draft after a preset was filled in, with what that changed, or with its spec and differences."""
    if typed.get("do") != "fill" or not typed.get("preset"):
        return draft, typed, {"preview": preview_context(campaign, draft, run)}
    preset = preset_named(typed["preset"])
    told = {"preset": preset, "changes": preset_changes(draft.settings, preset)}
    kept = {name: typed[name] for name in ("parent", "dataset", "seed", "child_name") if name in typed}
    return replace(draft, settings=with_preset(draft.settings, preset)), kept, told


@require_POST
def training_check(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Look again."""
    campaign, _ = campaign_open(cast(User, request.user), slug, "research")
    preflight_open(actor=cast(User, request.user), run=run_of(campaign, pk))
    messages.success(request, "The pre-flight waits for a worker.")
    return redirect("training-detail", slug, pk)


@require_POST
def training_override(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Answer for what the pre-flight found."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug, "research")
    training_run_override(actor=user, run=run_of(campaign, pk), reason=request.POST.get("reason", ""))
    messages.success(request, "Your reason is kept with the run, and nothing stands in its way now.")
    return redirect("training-detail", slug, pk)


@require_POST
def training_stop(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Let a run end after its present generation."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug, "research")
    training_run_stop(actor=user, run=run_of(campaign, pk))
    messages.success(request, "It was asked to finish its present generation, to save and to end.")
    return redirect("training-detail", slug, pk)
