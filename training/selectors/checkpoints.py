"""The registry: every checkpoint of a campaign with what made it, who needs it, and what became of its files."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db.models import Q

from core.models import Campaign
from diagnostics.models import AnswerRun, Checkpoint
from training.domain.retention import Held
from training.models import CheckpointCare, Round, TrainingRun


@dataclass
class Entry:
    """One checkpoint: the run that made it (None: brought in), the rounds that it was part of, and its care."""

    checkpoint: Checkpoint
    run: TrainingRun | None = None
    care: CheckpointCare | None = None
    rounds: list[Round] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)

    @property
    def is_promoted(self) -> bool:
        """Whether a round promoted it."""
        return any(row.child_id == self.checkpoint.pk and row.decision == "promoted" for row in self.rounds)

    @property
    def is_pinned(self) -> bool:
        """Whether a person wants its files kept."""
        return self.care is not None and self.care.pinned_by_id is not None

    @property
    def is_ours(self) -> bool:
        """Whether its files lie where training runs write."""
        root = Path(settings.RUNS_ROOT).resolve()
        return bool(self.checkpoint.path) and Path(self.checkpoint.path).resolve().is_relative_to(root)

    @property
    def is_merged(self) -> bool:
        """Whether it was made here of adapters and their base: files of ours, and no run that wrote them."""
        was_ours = self.care is not None and self.care.removed_at is not None
        return self.run is None and self.checkpoint.parent_id is not None and (self.is_ours or was_ours)

    @property
    def status(self) -> str:
        """What became of its files."""
        if self.checkpoint.path:
            return "here"
        return "removed" if self.care and self.care.removed_at else "elsewhere"

    @property
    def held(self) -> Held:
        """What retention needs to know."""
        return Held(
            id=self.checkpoint.pk,
            is_ours=self.is_ours,
            has_files=bool(self.checkpoint.path),
            is_promoted=self.is_promoted,
            is_pinned=self.is_pinned,
            needs=tuple(self.needs),
        )


def registry(campaign: Campaign) -> dict[int, Entry]:
    """All checkpoints of the campaign, newest first, by id; six queries."""
    rows = campaign.checkpoints.select_related("parent", "care__pinned_by", "care__removed_by").order_by("-id")
    entries = {row.pk: Entry(row, care=getattr(row, "care", None)) for row in rows}
    runs = campaign.training_runs.select_related("dataset").defer("dataset__manifest")
    for run in runs.order_by("-id"):
        if run.child_id in entries:
            entries[run.child_id].run = run
    for round in campaign.rounds.order_by("number"):
        for pk in ends_of(round):
            entries[pk].rounds.append(round)
    for pk, needs in needs_of(campaign).items():
        entries[pk].needs = needs
    return entries


def ends_of(round: Round) -> list[int]:
    """The round's parent, and its child once there is one."""
    return [pk for pk in (round.parent_id, round.child_id) if pk is not None]


def needs_of(campaign: Campaign) -> dict[int, list[str]]:
    """Who still needs a checkpoint's files: open rounds, runs that are not done, and other campaigns' rows."""
    needs: dict[int, list[str]] = defaultdict(list)
    for round in campaign.rounds.filter(ended_at__isnull=True):
        for end in ends_of(round):
            needs[end].append(f"round {round.number} is open")
    waiting = campaign.training_runs.filter(child__isnull=True)
    for pk, parent in waiting.values_list("pk", "parent_id"):
        needs[parent].append(f"training run #{pk} starts from it and is not done")
    unanswered = AnswerRun.objects.filter(Q(campaign=campaign) | Q(checkpoint__campaign=campaign), is_complete=False)
    for run, answerer in unanswered.values_list("pk", "checkpoint"):
        needs[answerer].append(f"answer run #{run} is not complete")
    own = campaign.checkpoints.exclude(path="")
    shared = Checkpoint.objects.exclude(campaign=campaign).filter(path__in=own.values("path")).values("path")
    for pk in own.filter(path__in=shared).values_list("pk", flat=True):
        needs[pk].append("another campaign uses the same files")
    mine = set(campaign.checkpoints.values_list("pk", flat=True))
    return {pk: found for pk, found in needs.items() if pk in mine}


def lineage(entries: dict[int, Entry], pk: int) -> list[Entry]:
    """The checkpoint's ancestors, the oldest first, and itself."""
    line: list[Entry] = []
    following: int | None = pk
    while following in entries:
        line.insert(0, entries[following])
        following = entries[following].checkpoint.parent_id
    return line
