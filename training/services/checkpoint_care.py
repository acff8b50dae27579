"""Keeping and removing the files of checkpoints; rows stay for ever, and with them what was measured."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from core.access import audit, require
from core.errors import InvalidInput, WrongState
from core.models import Campaign
from core.specs import FINAL_FOLDER, RESULT_FILE
from diagnostics.models import Checkpoint
from training.domain.retention import RetentionChoice, kept_because, plan_hash
from training.models import CheckpointCare
from training.selectors.checkpoints import Entry, registry
from training.selectors.leftovers import Leftover, completions_left, resume_reasons, runs_by_name, states_left
from training.services.leftovers import leftovers_remove, resuming_held

MOST_KEPT, MOST_DAYS = 1000, 3650


@dataclass(frozen=True)
class RetentionPlan:
    """What would be removed, what is kept and why; ``seen`` names exactly this plan."""

    choice: RetentionChoice
    going: list[Entry]
    kept: list[tuple[Entry, str]]
    leftovers: list[Leftover]

    @property
    def leftovers_going(self) -> list[Leftover]:
        """What runs left and nobody needs."""
        return [left for left in self.leftovers if not left.reason]

    @property
    def leftovers_kept(self) -> list[Leftover]:
        """What runs left and somebody may need."""
        return [left for left in self.leftovers if left.reason]

    @property
    def num_bytes(self) -> int:
        """What removing frees."""
        sizes = [entry.checkpoint.num_bytes for entry in self.going]
        return sum(sizes) + sum(left.num_bytes for left in self.leftovers_going)

    @property
    def seen(self) -> str:
        """The plan's name."""
        going = (entry.checkpoint.pk for entry in self.going)
        return plan_hash(self.choice, going, (left.name for left in self.leftovers_going))


def retention_plan(campaign: Campaign, choice: RetentionChoice) -> RetentionPlan:
    """The dry run: nothing is touched."""
    for name, value, least, most in (("keep", choice.keep_newest, 1, MOST_KEPT), ("days", choice.days, 0, MOST_DAYS)):
        if not least <= value <= most:
            raise InvalidInput(f"{name} must lie between {least} and {most}.", field=name)
    entries = registry(campaign)
    reasons = kept_because((entry.held for entry in entries.values()), choice.keep_newest)
    going = [entry for pk, entry in entries.items() if not reasons[pk]]
    kept = [(entry, reasons[pk]) for pk, entry in entries.items() if reasons[pk]]
    return RetentionPlan(choice, going, kept, leftovers_of(campaign, choice, kept))


def leftovers_of(campaign: Campaign, choice: RetentionChoice, kept: list[tuple[Entry, str]]) -> list[Leftover]:
    """What runs left on disk; completions only where they are asked for."""
    runs = runs_by_name(campaign)
    reasons = resume_reasons(campaign, runs, timezone.now(), choice.days)
    states = states_left(runs, reasons)
    if not choice.with_completions:
        return states
    staying = {entry.checkpoint.pk for entry, _ in kept if entry.checkpoint.path or entry.is_pinned}
    return states + completions_left(runs, reasons, staying)


def checkpoint_pin(*, actor: User, checkpoint: Checkpoint, is_pinned: bool) -> CheckpointCare:
    """Keep a checkpoint's files whatever retention says, or leave them to it again."""
    require(actor, "research", checkpoint.campaign)
    with transaction.atomic():
        care, _ = CheckpointCare.objects.update_or_create(
            checkpoint=checkpoint, defaults={"pinned_by": actor if is_pinned else None}
        )
        deed = "checkpoint.pinned" if is_pinned else "checkpoint.unpinned"
        audit(actor, deed, checkpoint, campaign=checkpoint.campaign)
    return care


def retention_apply(*, actor: User, campaign: Campaign, choice: RetentionChoice, seen: str) -> RetentionPlan:
    """Remove the files of exactly the plan that the actor saw; a changed one is a WrongState.

    First the rows lose their path, so that nothing new can start from them; then the files go. What a kill left
    between the two goes with the next removal. No run is retried meanwhile.
    """
    require(actor, "admin", campaign)
    with transaction.atomic():
        list(campaign.checkpoints.select_for_update().values_list("pk"))
        resuming_held(campaign)
        plan = retention_plan(campaign, choice)
        if plan.seen != seen:
            raise WrongState("What would be removed changed since you looked. Look again.")
        for entry in plan.going:
            path_forget(actor, entry.checkpoint)
        leftovers_remove(actor, plan.leftovers_going)
        transaction.on_commit(lambda: final_folders_remove(campaign))
    return plan


def path_forget(actor: User, checkpoint: Checkpoint) -> None:
    """The row without its path, and who removed it from where."""
    facts = {"removed_by": actor, "removed_at": timezone.now(), "removed_path": checkpoint.path}
    CheckpointCare.objects.update_or_create(checkpoint=checkpoint, defaults=facts)
    audit(
        actor, "checkpoint.files_removed", checkpoint, campaign=checkpoint.campaign,
        path=checkpoint.path, num_bytes=checkpoint.num_bytes,
    )  # fmt: skip
    Checkpoint.objects.filter(pk=checkpoint.pk).update(path="")


def final_folders_remove(campaign: Campaign) -> None:
    """Remove the files of all checkpoints that have none any more."""
    gone = CheckpointCare.objects.filter(checkpoint__campaign=campaign, checkpoint__path="").exclude(removed_path="")
    for care in gone:
        folder_remove(Path(care.removed_path))
        CheckpointCare.objects.filter(pk=care.pk).update(removed_path="")


def folder_remove(path: Path) -> None:
    """The final folder of a run and the result that names it, so that the same run would train again; nothing else."""
    root = Path(settings.RUNS_ROOT).resolve()
    used = Checkpoint.objects.filter(path=str(path)).exists()
    if not used and path.is_dir() and path.name == FINAL_FOLDER and path.resolve().is_relative_to(root):
        (path.parent / RESULT_FILE).unlink(missing_ok=True)
        shutil.rmtree(path)
