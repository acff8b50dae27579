"""Answers as judges see them, and what the rules said of them before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from core.domain.answers import Outcome
from core.domain.files import hash_bytes
from core.models import Media
from core.provider import ImageRef
from diagnostics.judging.requests import Case
from diagnostics.models import Answer, AnswerRun, Verdict
from diagnostics.selectors.outcomes import extractor_of

CHUNK = 500


@dataclass(frozen=True)
class Before:
    """What the run was scored with. Without a box the strict word is incorrect, whoever judges."""

    strict: Outcome
    lenient: Outcome
    has_box: bool


@dataclass(frozen=True)
class Docket:
    """One answer to be judged; no ``case`` where one of its pictures is not stored here."""

    answer: Answer
    case: Case | None
    before: Before


def dockets_of(run: AnswerRun, answers: QuerySet[Answer]) -> Iterator[list[Docket]]:
    """These answers of the run with all that judging them needs, at most CHUNK at a time, in order."""
    last = 0
    rows = answers.select_related("item__benchmark").order_by("pk")
    while found := list(rows.filter(pk__gt=last)[:CHUNK]):
        mimes = mimes_of(found)
        before = before_of(run, found)
        yield [Docket(one, case_of(one, mimes), before[one.pk]) for one in found]
        last = found[-1].pk


def mimes_of(answers: Sequence[Answer]) -> dict[str, str]:
    """The kind of every stored picture that these answers are about."""
    shas = {sha256 for answer in answers for sha256 in answer.item.images}
    return {media.sha256: media.mime for media in Media.objects.filter(pk__in=shas)}


def before_of(run: AnswerRun, answers: Sequence[Answer]) -> dict[int, Before]:
    """The rules' word on each answer, by the version that the run was completed with."""
    mine = Verdict.objects.filter(answer__in=answers, judge="rule", extractor_version=extractor_of(run))
    found = {row.answer_id: before_from(row) for row in mine}
    nothing = Before(Outcome.UNSCORED, Outcome.UNSCORED, has_box=True)
    return {answer.pk: found.get(answer.pk, nothing) for answer in answers}


def before_from(row: Verdict) -> Before:
    """A verdict of the rules as what was there before."""
    return Before(Outcome(row.strict), Outcome(row.lenient), not row.detail.startswith("no_box"))


def case_of(answer: Answer, mimes: dict[str, str]) -> Case | None:
    """The answer as a judge sees it; None where a picture is missing."""
    item = answer.item
    if any(sha256 not in mimes for sha256 in item.images):
        return None
    return Case(
        name=f"{hash_bytes(f'{item.benchmark.name}/{item.index}')[:24]}/{answer.sample_ix}",
        images=tuple(ImageRef(sha256, mimes[sha256]) for sha256 in item.images),
        question=item.question,
        options=item.options,
        gold=item.answer,
        answer=answer.text,
        skill=item.skill,
    )
