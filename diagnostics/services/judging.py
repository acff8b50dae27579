"""Judging a complete run anew: a person asks, a job does it, its outcome is frozen. No inference, nothing replaced."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction

from core.access import audit, require
from core.domain.answers import EXTRACTOR_VERSION
from core.domain.files import hash_bytes
from core.errors import InvalidInput, NotConfigured, NotFound, WrongState
from core.jobs.context import JobContext
from core.jobs.services import JobRequest, job_submit
from core.models import Campaign, Endpoint
from core.roles import JUDGES
from diagnostics.judging.requests import JUDGE_PROMPT, LABELLER_PROMPT, prompt_hash
from diagnostics.models import AnswerRun, Judging
from diagnostics.selectors.outcomes import extractor_of
from diagnostics.services.labelling import answers_label, labels_result
from diagnostics.services.rescoring import answers_judge, answers_regrade, rescore_result

WAYS: Final = ("judge", "rule", "types")
QUEUES: Final = {"judge": "agents", "rule": "work", "types": "agents"}
Step = Callable[[JobContext, Judging], None]
Freeze = Callable[[Judging], dict[str, Any]]
STEPS: Final[Mapping[str, tuple[Step, Freeze]]] = MappingProxyType(
    {
        "judge": (answers_judge, rescore_result),
        "rule": (answers_regrade, rescore_result),
        "types": (answers_label, labels_result),
    }
)


def judging_submit(*, actor: User, campaign: Campaign, run_id: int, way: str) -> Judging:
    """The judging of a run in this way with its job; a second one only where judges, words or rules changed.

    Asked for again, the same one goes on where it stopped and counts anew what people decided since.
    """
    require(actor, "research", campaign)
    run = run_complete(campaign, run_id)
    facts = facts_of(run, way)
    with transaction.atomic():
        key = hash_bytes(json.dumps(facts, sort_keys=True))
        judging, is_new = Judging.objects.get_or_create(run=run, key=key, defaults={"campaign": campaign, **facts})
        if is_new:
            audit(actor, "judging.created", judging, campaign=campaign, way=way, run=run.pk)
        spec = {"judging_id": judging.pk}
        request = JobRequest("judging", spec, queue=QUEUES[way], dedup_key=f"judging {judging.pk}")
        judging.job = job_submit(actor=actor, campaign=campaign, request=request)
        judging.save(update_fields=["job"])
    return judging


def run_complete(campaign: Campaign, run_id: int) -> AnswerRun:
    """A complete run of this campaign; NotFound for another's, WrongState while answers are missing."""
    run = AnswerRun.objects.filter(campaign=campaign, pk=run_id).first()
    if run is None:
        raise NotFound(f"There is no answer run {run_id} in {campaign.name}.")
    if not run.is_complete:
        raise WrongState(f"The answer run {run.label!r} is not complete yet.")
    return run


def facts_of(run: AnswerRun, way: str) -> dict[str, Any]:
    """What makes this judging another one than the next: who judges, by which words, beside which rules."""
    if way not in WAYS:
        raise InvalidInput(f"way must be one of {', '.join(WAYS)}.", field="way")
    if way == "rule":
        rules_must_differ(run)
        return {"way": way, "judges": [], "prompt_hash": "", "extractor_version": EXTRACTOR_VERSION}
    prompt = JUDGE_PROMPT if way == "judge" else LABELLER_PROMPT
    facts = {"judges": judges_of(run.campaign, way), "prompt_hash": prompt_hash(prompt)}
    return {"way": way, **facts, "extractor_version": extractor_of(run)}


def rules_must_differ(run: AnswerRun) -> None:
    """Go on only where the rules of today are others than those that the run was scored by."""
    if extractor_of(run) == EXTRACTOR_VERSION:
        raise WrongState(f"The run was scored by {EXTRACTOR_VERSION}, the rules of today: they would say the same.")


def way_fault(run: AnswerRun, way: str) -> str:
    """Why the run cannot be judged in this way now; empty when it can."""
    try:
        facts_of(run, way)
    except (NotConfigured, WrongState) as error:
        return str(error)
    return ""


def judges_of(campaign: Campaign, way: str) -> list[list[str]]:
    """Role and model of each judge that the campaign has, in the order of asking; types are the first one's word."""
    models = dict(Endpoint.objects.filter(campaign=campaign, role__in=JUDGES).values_list("role", "model"))
    if JUDGES[0] not in models:
        raise NotConfigured(f"This campaign has no endpoint for the role {JUDGES[0]}: set one.")
    asked = JUDGES if way == "judge" else JUDGES[:1]
    return [[role, models[role]] for role in asked if role in models]


def judging_run(context: JobContext, judging: Judging) -> dict[str, Any]:
    """Do what is missing, then freeze what was found; safe to repeat after any kill."""
    require(context.job.actor, "research", judging.campaign)
    if judging.judges and judges_of(judging.campaign, judging.way) != judging.judges:
        raise WrongState("The judges' endpoints changed since this was asked for: ask again, the old words stay.")
    work, freeze = STEPS[judging.way]
    work(context, judging)
    result = freeze(judging)
    with context.writing():
        Judging.objects.filter(pk=judging.pk).update(is_complete=True, result=result)
        audit(context.job.actor, "judging.completed", judging, campaign=judging.campaign, way=judging.way)
    return result
