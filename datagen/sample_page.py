"""What a sample's page reads: its whole story, and what this person may decide about it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from core.errors import WrongState
from core.models import Campaign, CampaignMedia, ModelCall
from datagen.domain.curation import BEFORE, UNDER_WAY, Decision
from datagen.models import Dataset, Sample, SampleDecision, Slot
from datagen.pages import REASONS, evidence_lines
from datagen.selectors import calls_of_sample
from datagen.services.curation import BUILT, require_status, require_unfilled, require_usable

SHA256 = re.compile(r"[0-9a-f]{64}")
SHOWN_ABOVE = {"detail", "blind_solves", "model_answers", "is_kept_hard", "plan"}
OVERTAKEN = "A person filled or gave up its slot while it was under way: it is not used."
MAX_CALLS = 100
MAX_TEXT = 20_000


@dataclass(frozen=True)
class Picture:
    """A picture that the evidence names, with what is said of it there."""

    sha256: str
    place: str
    facts: list[tuple[str, str]]


@dataclass(frozen=True)
class Call:
    """One call as a page shows it."""

    call: ModelCall
    who: str
    asked: str
    pictures: list[str]
    answers: list[str]


@dataclass(frozen=True)
class Offers:
    """What can be decided: why not, by decision (empty where it can be), and where a sample could move."""

    accept: str
    reject: str
    reassign: str
    skills: list[tuple[str, int]]
    undo: SampleDecision | None


def sample_story(campaign: Campaign, sample: Sample) -> dict[str, Any]:
    """The page's context but for who looks at it: evidence, pictures, tries of the slot, calls, decisions."""
    calls = [call_shown(call) for call in calls_of_sample(sample)[:MAX_CALLS]]
    pictures = [one for one in pictures_named(sample.evidence) if one.sha256 != sample.media_id]
    shown = media_known(campaign, {p.sha256 for p in pictures} | {name for call in calls for name in call.pictures})
    is_overtaken = sample.status in UNDER_WAY and sample.slot.status != "open"
    return {
        "sample": sample,
        "sentence": OVERTAKEN if is_overtaken else REASONS.get(sample.reason, ""),
        "lines": evidence_lines(sample.evidence),
        "rest": evidence_rest(sample.evidence),
        "pictures": [one for one in pictures if one.sha256 in shown],
        "shown": shown,
        "tries": sample.slot.samples.order_by("try_ix"),
        "calls": calls,
        "cost": sum(call.call.cost for call in calls),
        "decisions": sample.decisions.select_related("actor", "slot_before").order_by("-pk"),
    }


def offers_of(sample: Sample) -> Offers:
    """What the services would say to each decision, asked without deciding anything."""
    if Dataset.objects.filter(mixture=sample.slot.mixture_id).exists():
        return Offers(BUILT, BUILT, BUILT, [], None)
    accept, reject, reassign = (why_not(sample, decision) for decision in Decision)
    free = Slot.objects.filter(mixture=sample.slot.mixture_id, status__in=["open", "given_up"])
    skills = free.exclude(pk=sample.slot_id).values_list("skill").annotate(n=Count("pk")).order_by("skill")
    newest = SampleDecision.objects.filter(sample=sample, undone_at=None).order_by("-pk").first()
    return Offers(accept, reject, reassign, list(skills), newest)


def why_not(sample: Sample, decision: Decision) -> str:
    """Why this cannot be decided; empty when it can."""
    try:
        require_status(sample, BEFORE[decision])
        if decision is not Decision.REJECT:
            require_usable(sample)
        if decision is Decision.ACCEPT:
            require_unfilled(sample.slot)
    except WrongState as error:
        return str(error)
    return ""


def pictures_named(evidence: Mapping[str, Any]) -> list[Picture]:
    """Every picture that stands anywhere in the evidence, once, in the order in which it is told."""
    found: dict[str, Picture] = {}
    for key, value in evidence.items():
        for picture in pictures_in(value, key.replace("_", " ")):
            if picture.sha256 not in found or picture.facts:
                found.setdefault(picture.sha256, picture)
    return list(found.values())


def pictures_in(value: Any, place: str) -> Iterator[Picture]:
    """The pictures in a part of the evidence; facts are the plain values that stand beside a picture's hash."""
    if is_hash(value):
        yield Picture(value, place, [])
    elif isinstance(value, Mapping):
        plain = [(str(k).replace("_", " "), plain_words(v)) for k, v in value.items() if is_plain(v) and not is_hash(v)]
        for part in value.values():
            if is_hash(part):
                yield Picture(part, place, plain)
            else:
                yield from pictures_in(part, place)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for part in value:
            yield from pictures_in(part, place)


def plain_words(value: Any) -> str:
    """A plain value as people read it."""
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def is_hash(value: Any) -> bool:
    """Whether this names a picture."""
    return isinstance(value, str) and SHA256.fullmatch(value) is not None


def is_plain(value: Any) -> bool:
    """Whether this can stand in a line."""
    return isinstance(value, (str, int, float, bool)) and value != ""


def evidence_rest(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What else the evidence holds, as (label, text); keys that this page does not know included."""
    rest = {key: value for key, value in evidence.items() if key not in SHOWN_ABOVE and value not in ("", None)}
    return [(key.replace("_", " "), text_of(value)) for key, value in rest.items()]


def call_shown(call: ModelCall) -> Call:
    """A call with what was asked and answered as text."""
    inputs: Mapping[str, Any] = call.inputs or {}
    asked = {key: value for key, value in inputs.items() if key != "images"}
    who = call.tool or (call.endpoint.model if call.endpoint else "")
    text = text_of(asked["text"]) if set(asked) == {"text"} else text_of(asked) if asked else ""
    pictures = [name for name in inputs.get("images", []) if is_hash(name)]
    return Call(call, who, text, pictures, [text_of(choice) for choice in call.choices])


def text_of(value: Any) -> str:
    """A stored value as people read it; JSON with line ends, cut where it is very long."""
    text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]} (cut)"


def media_known(campaign: Campaign, names: set[str]) -> set[str]:
    """Those of the pictures that are stored and belong to the campaign."""
    known = CampaignMedia.objects.filter(campaign=campaign, media_id__in=sorted(names)[:500])
    return set(known.values_list("media_id", flat=True))
