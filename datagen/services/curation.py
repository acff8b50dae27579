"""What people decide about samples, one by one, and taking it back.

Every decision locks the mixture's row first; a wave's grading and the making of the dataset do the same, so that
none of them sees half of another. A dataset is never changed: once it is built, nothing can be decided any more.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from core.access import audit, require
from core.domain.answers import AnswerType, check_answer
from core.errors import InvalidInput, NotFound, WrongState
from core.models import Campaign
from datagen.domain.curation import (
    AFTER,
    BEFORE,
    UNDER_WAY,
    Decision,
    SlotState,
    slot_after_move,
    slot_after_reject,
    slot_filled,
    try_free,
)
from datagen.domain.quality import RejectReason
from datagen.models import Dataset, Sample, SampleDecision, Slot
from datagen.tries import mixture_lock

MAX_COMMENT = 2000
CHANGED = "Somebody else decided about this sample, or a wave moved it, since you opened it."
BUILT = "The dataset of its mixture is built, and a dataset never changes: nothing can be decided any more."
WORDS = {
    "empty_answer": "the answer is empty",
    "too_few_options": "it has fewer than two options",
    "options_not_distinct": "two of its options are the same",
    "letter_not_among_options": "the answer is none of its options",
    "not_yes_or_no": "the answer is neither yes nor no",
    "not_a_number": "the answer is not a number",
}


@dataclass(frozen=True)
class Case:
    """A sample on somebody's desk, read under its mixture's lock."""

    actor: User
    sample: Sample
    comment: str

    @property
    def was_accepted(self) -> bool:
        """Whether the sample fills its slot so far."""
        return self.sample.status == "accepted"


@dataclass(frozen=True)
class Move:
    """A slot's change; written only while the slot stands as ``before``."""

    slot_id: int
    before: SlotState
    after: SlotState


def sample_accept(*, actor: User, sample_id: int, comment: str = "") -> Sample:
    """Let a rejected or held sample fill its slot; WrongState when another one does, or when it cannot be used."""
    with transaction.atomic():
        case = case_open(actor, sample_id, comment, Decision.ACCEPT)
        require_usable(case.sample)
        slot = case.sample.slot
        require_unfilled(slot)
        return decide(case, Decision.ACCEPT, [Move(slot.pk, state_of(slot), slot_filled(state_of(slot)))])


def sample_reject(*, actor: User, sample_id: int, comment: str = "") -> Sample:
    """Take an accepted or held sample out; the slot that it filled is given up and not refilled."""
    with transaction.atomic():
        case = case_open(actor, sample_id, comment, Decision.REJECT)
        sample, slot = case.sample, state_of(case.sample.slot)
        after = slot_after_reject(slot, sample.try_ix, was_accepted=case.was_accepted)
        return decide(case, Decision.REJECT, [Move(sample.slot_id, slot, after)])


def sample_reassign(
    *, actor: User, sample_id: int, comment: str = "", skill: str = "", slot_index: int | None = None
) -> Sample:
    """Accept a sample for another slot of its mixture that is open or given up: the named one, or one of the skill."""
    with transaction.atomic():
        case = case_open(actor, sample_id, comment, Decision.REASSIGN)
        require_usable(case.sample)
        sample, old = case.sample, state_of(case.sample.slot)
        target = slot_wanted(sample, skill, slot_index)
        last = target.samples.aggregate(last=Max("try_ix"))["last"]
        place = (target.pk, try_free(state_of(target), -1 if last is None else last))
        left = slot_after_move(old, sample.try_ix, was_accepted=case.was_accepted)
        moves = [
            Move(sample.slot_id, old, left),
            Move(target.pk, state_of(target), slot_filled(state_of(target))),
        ]
        return decide(case, Decision.REASSIGN, moves, place)


def sample_decision_undo(*, actor: User, decision_id: int) -> Sample:
    """The sample and its slots as they were before a decision; WrongState when anything happened to them since."""
    with transaction.atomic():
        decision = SampleDecision.objects.select_related("sample").filter(pk=decision_id).first()
        if decision is None:
            raise NotFound(f"There is no decision {decision_id}.")
        case = case_open(actor, decision.sample_id, "", Decision(decision.decision), is_undo=True)
        newest = SampleDecision.objects.filter(sample=decision.sample_id, undone_at=None).order_by("-pk").first()
        moves = moves_of(decision)
        later = Sample.objects.filter(slot__in=[move.slot_id for move in moves], created_at__gt=decision.at)
        if newest != decision or later.exists():
            raise WrongState("Something else happened to this sample or its slot since; decide anew instead.")
        sample_write(case.sample, before_of(decision))
        slots_move([Move(move.slot_id, move.after, move.before) for move in moves])
        SampleDecision.objects.filter(pk=decision.pk).update(undone_at=timezone.now())
        audit(actor, "sample.undone", case.sample, campaign=campaign_of(case.sample), decision=decision.decision)
    case.sample.refresh_from_db()
    return case.sample


def case_open(actor: User, sample_id: int, comment: str, decision: Decision, *, is_undo: bool = False) -> Case:
    """The sample with its mixture locked, if this person may decide and the sample can be decided so."""
    if len(comment) > MAX_COMMENT:
        raise InvalidInput(f"The comment is longer than {MAX_COMMENT:,} characters.", field="comment")
    samples = Sample.objects.select_related("slot__mixture__campaign")
    seen = samples.filter(pk=sample_id).first()
    if seen is None:
        raise NotFound(f"There is no sample {sample_id}.")
    require(actor, "curate", campaign_of(seen))
    mixture_lock(seen.slot.mixture_id)
    if Dataset.objects.filter(mixture=seen.slot.mixture_id).exists():
        raise WrongState(BUILT)
    sample = samples.get(pk=sample_id)
    require_status(sample, (AFTER[decision][0],) if is_undo else BEFORE[decision])
    return Case(actor, sample, comment.strip())


def require_status(sample: Sample, wanted: Sequence[str]) -> None:
    """Go on only from one of these statuses."""
    if sample.status in wanted:
        return
    if sample.status in UNDER_WAY:
        raise WrongState("It is under way: quality control and the difficulty filter decide first.")
    raise WrongState(f"It is {sample.status} already.")


def require_usable(sample: Sample) -> None:
    """Go on only with what can be trained on: a question, a picture, and an answer that fits its type."""
    if sample.reason == RejectReason.CONTAMINATED:
        raise WrongState("Its picture is one of a registered benchmark: training on it would spoil the measurement.")
    fault = usable_fault(sample)
    if fault:
        raise WrongState(f"It cannot be used: {fault}.")


def usable_fault(sample: Sample) -> str:
    """What is missing for the trainer; empty when nothing is."""
    if not sample.question.strip():
        return "it has no question"
    if sample.media_id is None:
        return "it has no picture"
    if sample.answer_type not in set(AnswerType):
        return "its answer has no known type"
    fault = check_answer(sample.answer, AnswerType(sample.answer_type), sample.options or None)
    return WORDS.get(fault, fault) if fault else ""


def require_unfilled(slot: Slot) -> None:
    """Go on only when no accepted sample has this place."""
    other = slot.samples.filter(status="accepted").first()
    if other is not None:
        raise WrongState(
            f"Slot {slot.index} is filled by its try {other.try_ix + 1} (sample {other.pk}): "
            "reassign this one to another slot, or reject that one first."
        )


def slot_wanted(sample: Sample, skill: str, slot_index: int | None) -> Slot:
    """The slot to move to: the one with this number, or the first of the skill, given up ones before open ones."""
    slots = Slot.objects.filter(mixture=sample.slot.mixture_id)
    wanted = slots.filter(index=slot_index) if slot_index is not None else slots.filter(skill=skill)
    if not wanted.exists():
        field, name = ("slot", slot_index) if slot_index is not None else ("skill", skill)
        raise InvalidInput(f"{field}: the mixture has no slot for {name!r}.", field=field)
    free = wanted.filter(status__in=["open", "given_up"]).exclude(pk=sample.slot_id)
    found = free.order_by("status", "index").first()
    if found is None:
        raise WrongState(f"No other slot for {skill or f'number {slot_index}'} is open or given up.")
    return found


def decide(case: Case, decision: Decision, moves: Sequence[Move], place: tuple[int, int] | None = None) -> Sample:
    """Write the decision, what it makes of sample and slots, and the audit event; the sample as it is now."""
    sample, (status, reason) = case.sample, AFTER[decision]
    slot_id, try_ix = place or (sample.slot_id, sample.try_ix)
    changed = [move for move in moves if move.before != move.after]
    SampleDecision.objects.create(
        sample=sample,
        actor=case.actor,
        decision=decision.value,
        comment=case.comment,
        status_before=sample.status,
        reason_before=sample.reason,
        slot_before_id=sample.slot_id,
        try_before=sample.try_ix,
        slots=[[move.slot_id, astuple(move.before), astuple(move.after)] for move in changed],
    )
    sample_write(sample, {"status": status, "reason": reason, "slot_id": slot_id, "try_ix": try_ix})
    slots_move(changed)
    facts = {"before": sample.status, "reason": sample.reason, "slot": slot_id, "comment": case.comment}
    audit(case.actor, f"sample.{decision.value}", sample, campaign=campaign_of(sample), **facts)
    return Sample.objects.select_related("slot__mixture__campaign").get(pk=sample.pk)


def sample_write(sample: Sample, news: dict[str, Any]) -> None:
    """Change a sample that still stands as it was read."""
    as_read = {"status": sample.status, "reason": sample.reason, "slot_id": sample.slot_id, "try_ix": sample.try_ix}
    if not Sample.objects.filter(pk=sample.pk, **as_read).update(**news):
        raise WrongState(CHANGED)


def slots_move(moves: Sequence[Move]) -> None:
    """Change slots that still stand as they were read."""
    for move in moves:
        old, new = move.before, move.after
        slots = Slot.objects.filter(pk=move.slot_id, status=old.status, reason=old.reason, num_tries=old.num_tries)
        if not slots.update(status=new.status, reason=new.reason, num_tries=new.num_tries):
            raise WrongState(CHANGED)


def moves_of(decision: SampleDecision) -> list[Move]:
    """What a decision made of slots."""
    return [Move(pk, SlotState(*before), SlotState(*after)) for pk, before, after in decision.slots]


def before_of(decision: SampleDecision) -> dict[str, Any]:
    """Where the sample stood before a decision."""
    return {
        "status": decision.status_before,
        "reason": decision.reason_before,
        "slot_id": decision.slot_before_id,
        "try_ix": decision.try_before,
    }


def state_of(slot: Slot) -> SlotState:
    """A slot as a value."""
    return SlotState(slot.status, slot.reason, slot.num_tries)


def campaign_of(sample: Sample) -> Campaign:
    """Whose sample it is."""
    return sample.slot.mixture.campaign
