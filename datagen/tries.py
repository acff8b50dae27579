"""The tries under way: every open slot's present one, what it is asked with, and what became of the one before.

A wave works on each open slot's try number ``num_tries``. The slot moves on only when the wave ends, so that a wave
that was killed finds the same tries again.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import F, Q, QuerySet

from core.domain.seeds import seed_of
from core.models import Campaign
from core.provider import ImageRef
from datagen.agents.requests import Task
from datagen.domain.quality import HELD_REASONS, REJECT_REASONS
from datagen.models import Mixture, Sample, Slot

PRESENT = Q(slot__status="open", try_ix=F("slot__num_tries"))
REASON_TEXTS = {reason.value: text for reason, text in [*REJECT_REASONS.items(), *HELD_REASONS.items()]}
AIMS = {
    "visual_recognition": "It misreads what pictures show: ask for something that must be seen exactly.",
    "calculation": "It sees rightly and calculates wrongly: ask for a calculation with what is seen.",
    "reasoning": "It draws wrong conclusions: ask for something that takes more than one step.",
    "misunderstanding": "It misunderstands what is asked: word the question in another way than usual.",
}


def mixture_lock(mixture_id: int) -> None:
    """Hold the mixture's row until the transaction ends: grading, people's decisions and the dataset take turns."""
    Mixture.objects.select_for_update().get(pk=mixture_id)


def slots_open(mixture: Mixture) -> list[Slot]:
    """The slots that a wave works on, in their order."""
    return list(mixture.slots.filter(status="open").order_by("index"))


def samples_present(mixture: Mixture) -> QuerySet[Sample]:
    """The samples of the wave under way, in slot order."""
    mine = Sample.objects.filter(PRESENT, slot__mixture=mixture)
    return mine.select_related("slot", "media").order_by("slot__index")


def samples_under_way(samples: list[Sample]) -> list[Sample]:
    """Those of one mixture that are of the wave under way still: a person may have filled or given up the slots of
    others. Call inside a transaction; nobody decides until it ends."""
    for mixture_id in {sample.slot.mixture_id for sample in samples}:
        mixture_lock(mixture_id)
    there = Sample.objects.filter(PRESENT, pk__in=[sample.pk for sample in samples])
    present = set(there.values_list("pk", flat=True))
    return [sample for sample in samples if sample.pk in present]


def samples_earlier(mixture: Mixture) -> QuerySet[Sample]:
    """All samples of the campaign but those of the wave under way."""
    mine = Sample.objects.filter(slot__mixture__campaign=mixture.campaign_id)
    return mine.exclude(PRESENT, slot__mixture=mixture)


def samples_before(slots: Iterable[Slot], mixture: Mixture) -> dict[int, Sample]:
    """The try before the present one, by slot index; slots at their first try have none."""
    wanted = {slot.pk for slot in slots if slot.num_tries}
    last = Sample.objects.filter(slot__mixture=mixture, slot__status="open", try_ix=F("slot__num_tries") - 1)
    return {sample.slot.index: sample for sample in last.select_related("slot") if sample.slot_id in wanted}


def benchmark_pictures(campaign: Campaign) -> set[str]:
    """The pictures of every registered benchmark, which no sample may show."""
    lists = campaign.benchmarks.filter(items__isnull=False).values_list("items__images", flat=True)
    return {name for images in lists.iterator(chunk_size=2000) for name in images}


def pictures_seen(mixture: Mixture) -> dict[int, frozenset[str]]:
    """By slot index, the candidates of an open slot's earlier tries, which its next try does without."""
    earlier = Sample.objects.filter(slot__mixture=mixture, slot__status="open", try_ix__lt=F("slot__num_tries"))
    seen: dict[int, set[str]] = defaultdict(set)
    for index, candidates in earlier.values_list("slot__index", "evidence__candidates"):
        seen[index] |= {one["image"] for one in candidates or []}
    return {index: frozenset(names) for index, names in seen.items()}


def pictures_had(mixture: Mixture) -> dict[int, frozenset[str]]:
    """By slot index, the candidates of the wave's tries that have their sample already."""
    rows = samples_present(mixture).values_list("slot__index", "evidence__candidates")
    return {index: frozenset(one["image"] for one in candidates or []) for index, candidates in rows}


def try_seed(mixture: Mixture, slot: Slot) -> int:
    """The seed of all that is random in a slot's present try."""
    return seed_of(mixture.campaign.seed, mixture.seed, slot.index, slot.num_tries)


def subject_of(mixture: Mixture, slot: Slot, try_ix: int) -> str:
    """What the calls of a try are known by in the ledger."""
    return f"{mixture.manifest_hash[:12]}/s{slot.index}/t{try_ix}"


def scope_of(mixture_id: int) -> str:
    """Under what the calls for a mixture are counted, in costs and in budgets."""
    return f"mixture:{mixture_id}"


def task_of(mixture: Mixture, slot: Slot, image: ImageRef | None = None, brief: str = "") -> Task:
    """The slot's present try as agents are asked about it."""
    return Task(
        subject=subject_of(mixture, slot, slot.num_tries),
        seed=try_seed(mixture, slot),
        skill=slot.skill,
        image_type=slot.image_type,
        question_type=slot.question_type,
        brief=brief,
        image=image,
        scope=scope_of(mixture.pk),
    )


def brief_of(slot: Slot, why: str, before: Sample | None) -> str:
    """What the slot is for, what the diagnosis says of its skill, and what was wrong with the try before."""
    if slot.purpose == "replay":
        lines = [f"The model is good at this skill ({why}) and shall stay so: ask an ordinary question."]
    else:
        lines = [f"The model is to get better at this skill ({why})."]
    if slot.error_type in AIMS:
        lines.append(AIMS[slot.error_type])
    if before is not None and before.reason:
        lines.append(f"An earlier attempt was not used: {REASON_TEXTS.get(before.reason, before.reason)}")
        detail = before.evidence.get("detail", "")
        lines += [f"What was said of it: {detail}"] if detail else []
    return " ".join(lines)
