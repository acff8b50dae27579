"""One decision about many samples: what can be decided is, and each other one is named with its reason."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from django.contrib.auth.models import User
from django.db import transaction

from core.errors import InvalidInput, NotAllowed, NotFound, WrongState
from datagen.domain.curation import Decision
from datagen.models import Mixture, Sample, Slot
from datagen.services.curation import sample_accept, sample_reassign, sample_reject

MAX_BULK = 200


@dataclass(frozen=True)
class Refused:
    """A sample that was not decided, and why."""

    sample_id: int
    why: str


@dataclass(frozen=True)
class SkillChange:
    """How many of a skill's slots have an accepted sample, before and after."""

    skill: str
    num_slots: int
    num_before: int
    num_after: int


@dataclass(frozen=True)
class BulkResult:
    """What was decided, or would be in a dry run; together with ``refused`` these are all samples that were named."""

    is_dry_run: bool
    decided: tuple[int, ...]
    refused: tuple[Refused, ...]
    skills: tuple[SkillChange, ...]


def samples_decide(
    *, actor: User, sample_ids: Sequence[int], decision: str, comment: str = "", skill: str = "", dry_run: bool = True
) -> BulkResult:
    """Decide about up to ``MAX_BULK`` samples in one transaction; a dry run does the same and takes all of it back."""
    ids = list(dict.fromkeys(sample_ids))
    if not 1 <= len(ids) <= MAX_BULK:
        raise InvalidInput(f"samples: name 1 to {MAX_BULK} of them; these are {len(ids):,}.", field="samples")
    decide = service_of(decision, skill)
    with transaction.atomic():
        mixture_ids = mixtures_lock(ids)
        before = accepted_by_skill(mixture_ids)
        refused = [one for pk in ids if (one := refusal(decide, actor, pk, comment))]
        changes = skill_changes(mixture_ids, before)
        transaction.set_rollback(dry_run)
    out = {one.sample_id for one in refused}
    return BulkResult(dry_run, tuple(pk for pk in ids if pk not in out), tuple(refused), changes)


def service_of(decision: str, skill: str) -> Callable[..., Sample]:
    """The service behind a decision; InvalidInput for a word that is none, or a reassignment to nowhere."""
    if decision not in set(Decision):
        raise InvalidInput(f"decision must be one of {', '.join(Decision)}.", field="decision")
    if decision == Decision.REASSIGN and not skill:
        raise InvalidInput("skill: say which skill's slots they move to.", field="skill")
    services: dict[str, Callable[..., Sample]] = {
        Decision.ACCEPT: sample_accept,
        Decision.REJECT: sample_reject,
        Decision.REASSIGN: partial(sample_reassign, skill=skill),
    }
    return services[decision]


def mixtures_lock(sample_ids: Sequence[int]) -> list[int]:
    """Hold the mixtures of all these samples, always in one order, so that two people never wait for each other."""
    wanted = Slot.objects.filter(samples__in=sample_ids).values("mixture")
    return [row.pk for row in Mixture.objects.select_for_update().filter(pk__in=wanted).order_by("pk")]


def refusal(decide: Callable[..., Sample], actor: User, sample_id: int, comment: str) -> Refused | None:
    """None when the decision was written; else why not, with nothing of it left."""
    try:
        with transaction.atomic():
            decide(actor=actor, sample_id=sample_id, comment=comment)
    except (NotAllowed, NotFound, WrongState) as error:
        return Refused(sample_id, str(error))
    return None


def accepted_by_skill(mixture_ids: Sequence[int]) -> Counter[str]:
    """How many accepted samples each skill has."""
    accepted = Sample.objects.filter(slot__mixture__in=mixture_ids, status="accepted")
    return Counter(accepted.values_list("slot__skill", flat=True))


def skill_changes(mixture_ids: Sequence[int], before: Counter[str]) -> tuple[SkillChange, ...]:
    """The skills that have more or fewer accepted samples than before, by name."""
    after = accepted_by_skill(mixture_ids)
    slots = Counter(Slot.objects.filter(mixture__in=mixture_ids).values_list("skill", flat=True))
    return tuple(
        SkillChange(skill, slots[skill], before[skill], after[skill])
        for skill in sorted(slots)
        if before[skill] != after[skill]
    )
