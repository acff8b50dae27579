"""Types of picture and error for a run's wrong answers, from the picture itself by a judge that quotes its evidence."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from django.db.models import Exists, OuterRef, QuerySet

from core.jobs.context import JobContext
from core.ledger import Ledger, ledger_open
from core.room import gather_bounded
from diagnostics.judging.asking import Fault, word_ask
from diagnostics.judging.cases import Docket, dockets_of
from diagnostics.judging.panel import NO_PICTURE
from diagnostics.judging.requests import label_request
from diagnostics.judging.schemas import Labelling
from diagnostics.models import Answer, Judging, Label, Verdict
from diagnostics.selectors.labels import labels_of
from diagnostics.services.rescoring import AT_ONCE


def answers_label(context: JobContext, judging: Judging) -> None:
    """The judge's word on every wrong answer that has none yet."""
    wrong = answers_wrong(judging)
    mine = labels_of(judging).filter(answer=OuterRef("pk"))
    total = wrong.count()
    missing = wrong.filter(~Exists(mine))
    done = total - missing.count()
    for dockets in dockets_of(judging.run, missing):
        async_to_sync(dockets_label)(context, judging, dockets, (done, total))
        done += len(dockets)


def answers_wrong(judging: Judging) -> QuerySet[Answer]:
    """The run's answers that are wrong in whatever format: a missing box is no error of sight or thought."""
    rule = Verdict.objects.filter(answer=OuterRef("pk"), judge="rule", extractor_version=judging.extractor_version)
    return judging.run.answers.filter(Exists(rule.filter(lenient="incorrect")))


async def dockets_label(
    context: JobContext, judging: Judging, dockets: Sequence[Docket], progress: tuple[int, int]
) -> None:
    """Some answers side by side."""
    async with ledger_open(context) as ledger:
        ledger.done, ledger.total = progress
        ledger.unit = "answers labelled"
        await gather_bounded([partial(docket_label, ledger, judging, one) for one in dockets], AT_ONCE)


async def docket_label(ledger: Ledger, judging: Judging, docket: Docket) -> None:
    """One answer's label, stored before the next is asked for."""
    word: Labelling | Fault = NO_PICTURE
    if docket.case is not None:
        request = label_request(docket.case, judging.judges[0][0])
        word = await word_ask(ledger, request, docket.case.answer, Labelling)
    await ledger.writer.write(labels_store, label_from(judging, docket, word))
    ledger.done += 1


def label_from(judging: Judging, docket: Docket, word: Labelling | Fault) -> Label:
    """The label's row, with its evidence or our fault's name."""
    facts = {"fault": word.name} if isinstance(word, Fault) else word.model_dump()
    role, model = judging.judges[0]
    names = {"judge": f"{role}: {model}", "prompt_hash": judging.prompt_hash}
    return Label(answer=docket.answer, run=judging.run, **names, **facts)


def labels_store(labels: list[Label]) -> list[None]:
    """Store labels; one that is there already stays as it is."""
    Label.objects.bulk_create(labels, ignore_conflicts=True)
    return [None] * len(labels)


def labels_result(judging: Judging) -> dict[str, Any]:
    """What pages and scripts read: how many wrong answers of each skill are of which error and picture type."""
    errors: dict[str, Counter[str]] = defaultdict(Counter)
    pictures: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    rows = labels_of(judging).values_list("answer__item__skill", "image_type", "error_type", "fault")
    for skill, image_type, error_type, fault in rows:
        if fault:
            faults[fault] += 1
        else:
            errors[skill][error_type] += 1
            pictures[image_type] += 1
    skills = [{"skill": skill, "error_types": dict(found)} for skill, found in sorted(errors.items())]
    return {"labelled": pictures.total(), "image_types": dict(pictures), "faults": dict(faults), "skills": skills}
