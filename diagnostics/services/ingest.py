"""Answers come in from a finished run's folder and get the rule's verdict: once each, whatever is killed when."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from django.db.models import Exists, OuterRef

from core.access import audit
from core.domain.answers import EXTRACTOR_VERSION, AnswerType, Graded, ModelText, grade_many
from core.domain.files import hash_file
from core.errors import GpuJobFailed
from core.jobs.context import JobContext
from core.specs import ANSWERS_FILE, RESULT_FILE, AnswerResult, AnswerRow
from diagnostics.models import Answer, AnswerRun, Item, Verdict
from diagnostics.selectors.outcomes import ItemOutcome, item_outcomes
from diagnostics.services.counts import group, sums_of

CHUNK = 500
PAUSE_S = 0.02
RULE = "rule"
REFUSED = "refused"  # how an answer ended that its endpoint would not give
Thing = TypeVar("Thing")


def answers_ingest(context: JobContext, run: AnswerRun, items: Mapping[str, Item], folder: Path) -> None:
    """Store the answers of ``folder`` and their verdicts, then call the run complete. ``items`` by their answer id."""
    result = AnswerResult.model_validate_json((folder / RESULT_FILE).read_bytes())
    if hash_file(folder / ANSWERS_FILE, context.beat) != result.answers_hash:
        raise GpuJobFailed(f"{folder / ANSWERS_FILE} is not the file that its result names; delete the folder, retry.")
    answers_store(context, run, items, folder / ANSWERS_FILE)
    verdicts_store(context, run)
    run_complete(context, run, {"seconds": result.seconds, "versions": result.versions})


def run_complete(context: JobContext, run: AnswerRun, facts: Mapping[str, object]) -> None:
    """Call a run whose answers are graded complete, once, with ``facts`` and what it got right by skill."""
    facts = {**facts, "extractor_version": EXTRACTOR_VERSION, "skills": skill_tallies(run)}
    with context.writing():
        if AnswerRun.objects.filter(pk=run.pk, is_complete=False).update(
            is_complete=True, result={**run.result, **facts}
        ):
            audit(context.job.actor, "answer_run.completed", run, campaign=run.campaign)


def skill_tallies(run: AnswerRun) -> list[dict[str, object]]:
    """Frozen counts by skill: scored items, right ones strict and lenient, the strict interval, unscored answers."""
    return [skill_tally(skill, rows) for skill, rows in group(item_outcomes(run), lambda row: row.skill).items()]


def skill_tally(skill: str, rows: Sequence[ItemOutcome]) -> dict[str, object]:
    """One skill's counts; no interval where no item was scored."""
    strict, lenient = sums_of(rows, lambda row: row.strict), sums_of(rows, lambda row: row.lenient)
    interval = strict.interval if strict.n else None
    return {
        "skill": skill,
        "n": strict.n,
        "right": strict.right,
        "right_lenient": lenient.right,
        "interval": [interval.low, interval.high] if interval else None,
        "num_unscored": sum(row.num_unscored for row in rows),
    }


def answers_store(context: JobContext, run: AnswerRun, items: Mapping[str, Item], path: Path) -> None:
    """Write the answers that are not stored yet; GpuJobFailed when the file holds too few or foreign ones."""
    known = set(run.answers.values_list("item_id", "sample_ix"))
    total = run.num_items * run.num_answers
    for answers in chunks(new_answers(run, items, path, known)):
        with context.writing():
            Answer.objects.bulk_create(answers)
        context.progress(len(known), total, "answers stored")
        time.sleep(PAUSE_S)
    if len(known) != total:
        raise GpuJobFailed(f"{path} holds {len(known)} of {total} answers.")


def new_answers(run: AnswerRun, items: Mapping[str, Item], path: Path, known: set[tuple[int, int]]) -> Iterator[Answer]:
    """The file's answers whose (item, sample_ix) is not in ``known``, which grows."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = AnswerRow.model_validate_json(line)
            item = items.get(row.id)
            if item is None or not 0 <= row.sample_ix < run.num_answers:
                raise GpuJobFailed(f"{path} answers {row.id} ({row.sample_ix}), which the run did not ask.")
            if (item.pk, row.sample_ix) not in known:
                known.add((item.pk, row.sample_ix))
                text = row.text.replace("\0", "\ufffd")  # PostgreSQL holds no NUL
                facts = {"sample_ix": row.sample_ix, "num_tokens": row.num_tokens, "finish": row.finish}
                yield Answer(run=run, item=item, text=text, **facts)


def verdicts_store(context: JobContext, run: AnswerRun) -> None:
    """Grade every answer that this version of the rule has not graded; no inference is needed."""
    mine = Verdict.objects.filter(answer=OuterRef("pk"), judge=RULE, extractor_version=EXTRACTOR_VERSION)
    missing = run.answers.filter(~Exists(mine)).select_related("item").order_by("pk")
    done, total, last = run.num_items * run.num_answers - missing.count(), run.num_items * run.num_answers, 0
    while answers := list(missing.filter(pk__gt=last)[:CHUNK]):
        verdicts = verdicts_of(answers)
        with context.writing():
            Verdict.objects.bulk_create(verdicts)
        done, last = done + len(answers), answers[-1].pk
        context.progress(done, total, "answers graded")
        time.sleep(PAUSE_S)


def verdicts_of(answers: Sequence[Answer]) -> list[Verdict]:
    """The rule's word on each answer; formulas are compared side by side. What an endpoint refused is unscored."""
    said = [answer for answer in answers if answer.finish != REFUSED]
    graded = zip(said, grade_many([text_of(answer) for answer in said]), strict=True)
    return [verdict_of(*pair) for pair in graded] + [verdict_unsaid(a) for a in answers if a.finish == REFUSED]


def verdict_unsaid(answer: Answer) -> Verdict:
    """No word on an answer that never came: the fault is not the model's."""
    words = {"strict": "unscored", "lenient": "unscored", "detail": REFUSED}
    return Verdict(answer=answer, judge=RULE, extractor_version=EXTRACTOR_VERSION, **words)


def text_of(answer: Answer) -> ModelText:
    """The answer's text with what it should have said."""
    item = answer.item
    return ModelText(answer.text, item.answer, AnswerType(item.answer_type), item.options or None, answer.finish)


def verdict_of(answer: Answer, graded: Graded) -> Verdict:
    """What was read in the box, or else in the prose, and what decided."""
    shown = graded.strict if graded.strict.extracted is not None else graded.lenient
    return Verdict(
        answer=answer,
        judge=RULE,
        extractor_version=EXTRACTOR_VERSION,
        strict=graded.strict.outcome,
        lenient=graded.lenient.outcome,
        extracted=(shown.extracted or "")[:1000],
        detail=detail_of(graded),
    )


def detail_of(graded: Graded) -> str:
    """Why, in one or two words of the grader: the strict reason, and the lenient one where it differs."""
    strict, lenient = graded.strict.detail, graded.lenient.detail
    return strict if strict == lenient else f"{strict}; lenient: {lenient}"


def chunks(things: Iterable[Thing]) -> Iterator[list[Thing]]:
    """At most CHUNK at a time."""
    rest = iter(things)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
