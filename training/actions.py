"""What people do on the pages of a round: every form posts here, a service decides, and the page comes back."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from core.errors import InvalidInput, NotFound
from core.models import Campaign
from core.pages import is_id
from core.selectors import campaign_open
from diagnostics.models import Checkpoint
from training.models import Round
from training.services import rounds
from training.views import round_open

MAX_COMMENT = 2000


@require_POST
def round_start(request: HttpRequest, slug: str) -> HttpResponse:
    """Start the next round."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug, "research")
    checkpoint = chosen_checkpoint(campaign, request.POST.get("checkpoint", ""))
    round = rounds.round_start(actor=user, campaign=campaign, checkpoint=checkpoint)
    messages.success(request, f"Round {round.number} started.")
    return redirect("round-detail", slug, round.number)


@require_POST
def round_approve(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Approve exactly the mixture whose hash the form carries."""
    user, round = person_and_round(request, slug, number, "approve")
    manifest_hash, comment = request.POST.get("manifest_hash", ""), comment_of(request)
    rounds.round_approve(actor=user, round=round, manifest_hash=manifest_hash, comment=comment)
    messages.success(request, "Approved. Generation starts.")
    return redirect("round-detail", slug, number)


@require_POST
def round_send_back(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Send the mixture back with a reason."""
    user, round = person_and_round(request, slug, number, "approve")
    rounds.round_send_back(actor=user, round=round, comment=comment_of(request, is_required=True))
    messages.success(request, "Sent back. A new mixture is proposed.")
    return redirect("round-detail", slug, number)


@require_POST
def round_decide(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Promote or reject the child, with the reason that stays with the round."""
    user, round = person_and_round(request, slug, number, "approve")
    decision, comment = request.POST.get("decision", ""), comment_of(request, is_required=True)
    rounds.round_decide(actor=user, round=round, decision=decision, comment=comment)
    messages.success(request, f"{round} is decided: {decision}.")
    return redirect("round-detail", slug, number)


@require_POST
def round_retry(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Let the stage that stopped run again."""
    user, round = person_and_round(request, slug, number, "research")
    rounds.round_retry(actor=user, round=round)
    messages.success(request, "The stage waits for a worker again; what it stored is not done twice.")
    return redirect("round-detail", slug, number)


@require_POST
def round_stop(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Let training end after its present generation."""
    user, round = person_and_round(request, slug, number, "research")
    rounds.round_stop(actor=user, round=round)
    messages.success(request, "Training finishes its present generation, saves, and stops. It can go on from there.")
    return redirect("round-detail", slug, number)


@require_POST
def round_redo(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Do a stage over as its next take."""
    user, round = person_and_round(request, slug, number, "research")
    stage = rounds.stage_redo(actor=user, round=round, stage=request.POST.get("stage", ""))
    messages.success(request, f"{stage.stage.capitalize()} starts again as take {stage.take}; later stages are stale.")
    return redirect("round-detail", slug, number)


def person_and_round(request: HttpRequest, slug: str, number: int, action: str) -> tuple[User, Round]:
    """Who acts, and on which round; who may not do ``action`` there gets no further."""
    user = cast(User, request.user)
    campaign, _ = campaign_open(user, slug, action)
    return user, round_open(campaign, number)


def comment_of(request: HttpRequest, *, is_required: bool = False) -> str:
    """The form's comment; InvalidInput when it is too long, or missing where the reason must be kept."""
    comment = request.POST.get("comment", "").strip()
    if is_required and not comment:
        raise InvalidInput("Say why: the comment is kept with the round.", field="comment")
    if len(comment) > MAX_COMMENT:
        raise InvalidInput(f"The comment is longer than {MAX_COMMENT:,} characters.", field="comment")
    return comment


def chosen_checkpoint(campaign: Campaign, value: str) -> Checkpoint | None:
    """The checkpoint that the form names; None takes the default."""
    if not value:
        return None
    found = Checkpoint.objects.filter(campaign=campaign, pk=int(value)).first() if is_id(value) else None
    if found is None:
        raise NotFound("There is no such checkpoint in this campaign.")
    return found
