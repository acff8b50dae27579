"""Answers by the campaign's endpoint ``model_under_test``: every call in the ledger, stored batch by batch.

An answer's call is named by the run's frozen settings, the item's place and the sample, so that a run that was killed
goes on where it stood, and the same run again asks nothing.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from asgiref.sync import async_to_sync, sync_to_async

from core.domain.prompts import question_text
from core.domain.seeds import seed_of
from core.errors import UpstreamRefused, WrongState
from core.jobs.context import JobContext
from core.ledger import Ledger, ledger_open
from core.models import Endpoint, Media
from core.provider import CallRefused, CallRequest, ImageRef
from core.roles import MODEL_UNDER_TEST
from core.room import first_error
from core.specs import Sampling
from diagnostics.models import Answer, AnswerRun, Item
from diagnostics.services.ingest import REFUSED, run_complete, verdicts_store


@dataclass(frozen=True)
class Question:
    """One answer that is missing: the item at its place in the run, and which sample."""

    item: Item
    place: int
    sample_ix: int


def endpoint_answer(context: JobContext, run: AnswerRun, items: Sequence[Item]) -> None:
    """Ask for the answers that are not stored, store and grade them, and call the run complete."""
    started = time.monotonic()
    if missing := questions_missing(run, items):
        async_to_sync(ask_all)(context, run, missing)
    verdicts_store(context, run)
    run_complete(context, run, {"seconds": time.monotonic() - started, "versions": {"openai": version("openai")}})


def questions_missing(run: AnswerRun, items: Sequence[Item]) -> list[Question]:
    """What is not answered yet, in the order of the run."""
    known = set(run.answers.values_list("item_id", "sample_ix"))
    return [
        Question(item, place, ix)
        for place, item in enumerate(items)
        for ix in range(run.num_answers)
        if (item.pk, ix) not in known
    ]


async def ask_all(context: JobContext, run: AnswerRun, missing: Sequence[Question]) -> None:
    """Ask batch by batch; a batch that is stored is never asked again."""
    size = run.spec["batch_size"] * run.num_answers
    mimes = await sync_to_async(mimes_of)(missing)
    async with ledger_open(context) as ledger:
        endpoint = ledger.endpoint(MODEL_UNDER_TEST)
        endpoint_check(run, endpoint)
        ledger.total, ledger.unit = run.num_items * run.num_answers, "answers"
        ledger.done = ledger.total - len(missing)
        for start in range(0, len(missing), size):
            batch = [request_of(run, question, mimes) for question in missing[start : start + size]]
            answers = await ask_batch(ledger, run, batch)
            await sync_to_async(batch_store)(context, answers)
            ledger.done += len(answers)


async def ask_batch(ledger: Ledger, run: AnswerRun, batch: Sequence[tuple[Question, CallRequest]]) -> list[Answer]:
    """The batch's answers in its order; the first error ends the rest."""
    with first_error():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask_one(ledger, run, *asked)) for asked in batch]
    return [task.result() for task in tasks]


def endpoint_check(run: AnswerRun, endpoint: Endpoint) -> None:
    """The endpoint must still be the one that the run froze."""
    if (endpoint.model, endpoint.base_url) != (run.spec["model"], run.spec["base_url"]):
        raise WrongState(
            f"The run was made for {run.spec['model']} at {run.spec['base_url']}, and {MODEL_UNDER_TEST} is now"
            f" {endpoint.model} at {endpoint.base_url}: set it back, or make a new run."
        )


def mimes_of(missing: Sequence[Question]) -> dict[str, str]:
    """The kind of every picture that is asked about."""
    names = sorted({name for question in missing for name in question.item.images})
    chunks = (names[start : start + 500] for start in range(0, len(names), 500))
    return {row[0]: row[1] for some in chunks for row in Media.objects.filter(pk__in=some).values_list("pk", "mime")}


def request_of(run: AnswerRun, question: Question, mimes: dict[str, str]) -> tuple[Question, CallRequest]:
    """The question in the words that every engine uses, pictures first."""
    item, sampling = question.item, Sampling.model_validate(run.spec["sampling"])
    return question, CallRequest(
        role=MODEL_UNDER_TEST,
        subject=f"{run.run_name[:16]}/i{question.place}/a{question.sample_ix}",
        prompt_version=run.spec["prompt_version"],
        system="",
        text=question_text(item.question, item.options, item.hint),
        schema=None,
        images=tuple(ImageRef(name, mimes.get(name, "image/png")) for name in item.images),
        temperature=sampling.temperature,
        seed=seed_of(run.run_name, question.place, question.sample_ix),
        top_p=sampling.top_p,
        max_tokens=sampling.max_new_tokens,
        skill=item.skill,
    )


async def ask_one(ledger: Ledger, run: AnswerRun, question: Question, request: CallRequest) -> Answer:
    """The answer to one question; one that the endpoint refuses is kept as refused, with its reason in the ledger."""
    about = {"run": run, "item": question.item, "sample_ix": question.sample_ix}
    try:
        said = await ledger.ask(request)
    except CallRefused:
        return Answer(**about, text="", num_tokens=0, finish=REFUSED)
    return Answer(**about, text=said.choices[0], num_tokens=said.tokens_out, finish=said.finish or "stop")


def batch_store(context: JobContext, answers: Sequence[Answer]) -> None:
    """Write a batch; UpstreamRefused when nothing but refusals came so far: that is the endpoint, not the questions."""
    if len(answers) > 1 and all(answer.finish == REFUSED for answer in answers):
        raise UpstreamRefused(f"The endpoint refused all {len(answers)} questions of a batch: see its calls for why.")
    with context.writing():
        Answer.objects.bulk_create(answers)
