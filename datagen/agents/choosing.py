"""A try's picture: gates, selector, and where none can be used analyst, editor and selector again.

Without a selector the first candidate that passes the gates is used, without an analyst nothing is edited, and without
an editor's endpoint edits are the closed set of steps that run here.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from asgiref.sync import sync_to_async

from core.campaign_settings import ImageSettings
from core.image_edits import EDITOR
from core.ledger import Ledger
from core.models import Media
from core.provider import CallRefused, ImageRef
from core.tool_calls import ToolUse
from datagen.agents.flow import ask_one, endpoint_refusal
from datagen.agents.requests import Candidate, Task, analyst_request, edit_request, selector_request
from datagen.agents.schemas import Analysis, Operation, Pick, Plan, Selection
from datagen.domain.images import EditStep, Gates, Scored, best_candidate, freedom_of, step_fault, threshold_of
from datagen.domain.quality import Rejected, RejectReason
from datagen.drafts import Refusal
from datagen.pictures import edits_make, gates_of, picture_fault

STEPS_VERSION: Final = "image_edit-v1"


@dataclass(frozen=True)
class Look:
    """One look at candidates: what was found of each, which passed the gates, and which is the best usable one."""

    seen: list[dict[str, Any]]
    fit: list[Candidate]
    chosen: Candidate | None = None
    refusal: Refusal | None = None


@dataclass
class Choice:
    """The picture that a try uses, or why it has none; the rest is evidence of all that was looked at and done."""

    chosen: Candidate | None = None
    refusal: Refusal | None = None
    candidates: list[dict[str, Any]] = field(default_factory=list)
    descriptions: list[str] = field(default_factory=list)
    edits: list[dict[str, Any]] = field(default_factory=list)
    edit_faults: list[str] = field(default_factory=list)

    @property
    def evidence(self) -> dict[str, Any]:
        """What a sample keeps of it; steps that were not taken are left out."""
        names = ("candidates", "descriptions", "edits", "edit_faults")
        told = {name: getattr(self, name) for name in names if getattr(self, name) or name == "candidates"}
        return told | ({"edited_from": self.chosen.edited_from} if self.chosen and self.chosen.edited_from else {})


@dataclass(frozen=True)
class Desk:
    """Whom a try asks, and what its campaign demands of pictures."""

    ledger: Ledger
    settings: ImageSettings


async def picture_choose(desk: Desk, task: Task, plan: Plan, candidates: Sequence[Candidate]) -> Choice:
    """The best usable candidate, as found or edited."""
    first = await look(desk, task, plan, candidates)
    choice = Choice(first.chosen, first.refusal, first.seen)
    if not choice.chosen and not choice.refusal and first.fit and desk.ledger.has("analyst"):
        edited = await edits_of(desk, task, plan, first.fit, choice)
        if edited:
            second = await look(desk, task, plan, edited)
            choice.chosen, choice.refusal, choice.edits = second.chosen, second.refusal, second.seen
    if not choice.chosen and not choice.refusal:
        choice.refusal = no_usable(task, choice.candidates + choice.edits)
    return choice


async def look(desk: Desk, task: Task, plan: Plan, candidates: Sequence[Candidate]) -> Look:
    """Gates first, then the selector's scores for what passed them."""
    is_scored = desk.ledger.has("selector")
    seen, fit = await pass_gates(candidates, gates_of(desk.settings, task.image_type), past_first=is_scored)
    if not fit or not is_scored:
        return Look(seen, fit, chosen=fit[0] if fit else None)
    request = selector_request(task, plan, fit)
    selection = await ask_one(desk.ledger, request, Selection, lambda said: names_each(said, len(fit)))
    if isinstance(selection, Refusal):
        return Look(seen, fit, refusal=selection)
    ordered = sorted(selection.scores, key=lambda one: one.candidate)
    scores = [Scored(one.score, one.usable, one.reason) for one in ordered]
    for facts, one in zip([facts for facts in seen if "fault" not in facts], scores, strict=True):
        facts |= {"score": one.score, "usable": one.usable, "reason": one.reason}
    best = best_candidate(scores, task.image_type)
    return Look(seen, fit, chosen=None if best is None else fit[best])


async def pass_gates(
    candidates: Sequence[Candidate], gates: Gates, *, past_first: bool
) -> tuple[list[dict[str, Any]], list[Candidate]]:
    """What the gates found of each candidate, and those that passed. Unless they go on ``past_first``, those after the
    first that passed are not opened: decoding a picture takes longer than all else here.
    """
    seen: list[dict[str, Any]] = []
    fit: list[Candidate] = []
    for one in candidates:
        is_opened = past_first or not fit
        fault = await asyncio.to_thread(picture_fault, one.image.sha256, gates) if is_opened else ""
        seen.append(candidate_facts(one, fault))
        if is_opened and not fault:
            fit.append(one)
    return seen, fit


async def edits_of(desk: Desk, task: Task, plan: Plan, fit: list[Candidate], choice: Choice) -> list[Candidate]:
    """Edited pictures of the one or two candidates that the analyst picks; what is wrong goes into ``choice``."""
    request = analyst_request(task, plan, fit)
    analysis = await ask_one(desk.ledger, request, Analysis, lambda said: picks_some(said, len(fit)))
    if isinstance(analysis, Refusal):
        choice.refusal = analysis
        return []
    choice.descriptions = analysis.descriptions
    edited: list[Candidate] = []
    for pick in analysis.picks:
        source = fit[pick.candidate - 1]
        if desk.ledger.has(EDITOR):
            edited += await edits_asked(desk.ledger, task, source, pick, choice)
        else:
            edited += await edits_made(desk.ledger, task, source, pick, choice)
    return edited


async def edits_asked(ledger: Ledger, task: Task, source: Candidate, pick: Pick, choice: Choice) -> list[Candidate]:
    """The editor's pictures; none, with the refusal in ``choice``, when it refuses this edit."""
    try:
        names = await ledger.edit(edit_request(task, source, pick.instruction))
    except CallRefused as error:
        choice.refusal = endpoint_refusal(ledger, EDITOR, error)
        return []
    if not names:
        choice.edit_faults.append("the editor sent no whole picture")
    return [edited(source, image, pick.instruction) for image in await images_of(names)]


async def edits_made(ledger: Ledger, task: Task, source: Candidate, pick: Pick, choice: Choice) -> list[Candidate]:
    """Pictures made here by the analyst's steps, up to the first step that goes too far."""
    steps: list[EditStep] = []
    for operation in pick.operations:
        step = EditStep(operation.name, operation.amount, tuple(operation.box))
        fault = step_fault(step, freedom_of(task.image_type))
        if fault:
            choice.edit_faults.append(fault)
            break
        steps.append(step)
    if not steps:
        return []
    taken = pick.operations[: len(steps)]
    inputs = {"images": [source.image.sha256], "steps": [one.model_dump() for one in taken]}
    use = ToolUse("image_edit", EDITOR, task.subject, STEPS_VERSION, inputs, task.scope, task.skill)
    names = await ledger.edit_here(use, lambda: edits_make(source.image.sha256, steps))
    texts: dict[str, str] = {}
    for number, name in enumerate(names, start=1):
        texts.setdefault(name, steps_text(taken[:number]))
    return [edited(source, image, texts[image.sha256]) for image in await images_of(list(texts))]


def candidate_facts(one: Candidate, fault: str) -> dict[str, Any]:
    """A candidate as evidence: its picture, its words, where it comes from, and the gate that it failed."""
    facts = {"image": one.image.sha256, "caption": one.caption}
    if one.edited_from:
        facts |= {"from": one.edited_from, "edit": one.instruction}
    return facts | ({"fault": fault} if fault else {})


def names_each(selection: Selection, number: int) -> bool:
    """Whether there is exactly one score a candidate."""
    return sorted(one.candidate for one in selection.scores) == list(range(1, number + 1))


def picks_some(analysis: Analysis, number: int) -> bool:
    """Whether the picks are candidates, each once."""
    picked = {pick.candidate for pick in analysis.picks}
    return len(picked) == len(analysis.picks) and picked <= set(range(1, number + 1))


def edited(source: Candidate, image: ImageRef, instruction: str) -> Candidate:
    """An edited picture as a candidate; it keeps its source's words."""
    return Candidate(image, source.caption, source.image.sha256, instruction)


async def images_of(names: Sequence[str]) -> list[ImageRef]:
    """Stored pictures by name, in this order."""
    found = await sync_to_async(lambda: Media.objects.in_bulk(list(names)))()
    return [ImageRef(name, found[name].mime) for name in names]


def steps_text(operations: Sequence[Operation]) -> str:
    """Steps as people read them."""
    return ", then ".join(
        f"{one.name} {' '.join(f'{side:g}' for side in one.box) if one.box else f'{one.amount:g}'}"
        for one in operations
    )


def no_usable(task: Task, seen: Sequence[dict[str, Any]]) -> Refusal:
    """That no candidate can be used, and by how much the best one failed."""
    faults = Counter(facts["fault"] for facts in seen if "fault" in facts)
    scores = [facts["score"] for facts in seen if "score" in facts]
    words = [f"{fault.replace('_', ' ')}: {number}" for fault, number in sorted(faults.items())]
    if scores:
        words.insert(0, f"best score {max(scores):g}, {threshold_of(task.image_type):g} is needed")
    return Refusal(Rejected(RejectReason.NO_USABLE_IMAGE), "; ".join(words))
