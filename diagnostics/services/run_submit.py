"""Answer runs that a person starts by hand: a checkpoint, items and an engine, as a job."""

from typing import Unpack

from django.contrib.auth.models import User
from django.db import transaction

from core.errors import InvalidInput
from core.jobs.services import JobRequest, job_submit
from core.models import Campaign, Job
from core.specs import Sampling
from diagnostics.domain.splits import Split
from diagnostics.models import AnswerRun, Checkpoint
from diagnostics.run_spec import ENGINES, RunChoice
from diagnostics.services.answer_runs import answer_run_create

OPEN_SPLITS = (Split.PROBE.value, Split.GATE.value)  # sealed items are opened once a campaign, and not here
MAX_ANSWERS = 64
QUEUES = {"endpoint": "agents"}


def answer_run_submit(
    *, actor: User, campaign: Campaign, checkpoint_id: int | None, **choice: Unpack[RunChoice]
) -> tuple[AnswerRun, Job]:
    """A new run and the job that answers it, both or neither."""
    choice_check(choice)
    checkpoint = checkpoint_of(campaign, checkpoint_id)
    with transaction.atomic():
        run = answer_run_create(actor=actor, campaign=campaign, checkpoint=checkpoint, **choice)
        queue = QUEUES.get(str(choice.get("engine")), "gpu")
        request = JobRequest("answer_run", {"run_id": run.pk}, queue=queue, dedup_key=f"answer run {run.pk}")
        job = job_submit(actor=actor, campaign=campaign, request=request)
    return run, job


def choice_check(choice: RunChoice) -> None:
    """InvalidInput names the first part that cannot be asked for by hand."""
    engine = choice.get("engine", "transformers")
    if choice["split"] not in OPEN_SPLITS:
        raise InvalidInput(f"split: choose one of {', '.join(OPEN_SPLITS)}.", field="split")
    if engine not in ENGINES:
        raise InvalidInput(f"engine: choose one of {', '.join(ENGINES)}.", field="engine")
    sampling_check(choice["sampling"], engine)


def sampling_check(sampling: Sampling, engine: str) -> None:
    """Several answers need chance, and an endpoint knows no top-k."""
    if sampling.num_answers > MAX_ANSWERS:
        raise InvalidInput(f"num_answers: at most {MAX_ANSWERS}.", field="num_answers")
    if sampling.num_answers > 1 and not sampling.temperature:
        raise InvalidInput("temperature: above 0 for several answers; at 0 they are all the same.", field="temperature")
    if sampling.top_k and engine == "endpoint":
        raise InvalidInput("top_k: an OpenAI-compatible endpoint takes none; leave it at 0.", field="top_k")


def checkpoint_of(campaign: Campaign, pk: int | None) -> Checkpoint | None:
    """The campaign's checkpoint of that id."""
    if pk is None:
        return None
    found = campaign.checkpoints.filter(pk=pk).first()
    if found is None:
        raise InvalidInput(f"checkpoint: this campaign has no checkpoint {pk}.", field="checkpoint")
    return found
