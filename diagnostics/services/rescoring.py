"""Scoring every answer of a past run again, by judges or by the rules of today, and what that changes."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from django.db.models import Count

from core.domain.answers import Outcome
from core.jobs.context import JobContext
from core.ledger import Ledger, ledger_open
from core.room import gather_bounded
from diagnostics.domain.panel import kappa_of
from diagnostics.judging.asking import Fault
from diagnostics.judging.cases import Before, Docket, before_from, dockets_of
from diagnostics.judging.panel import Heard, Word, outcome_of, panel_hear
from diagnostics.models import Answer, Judging, Report, Ruling, Verdict
from diagnostics.selectors.rulings import outcomes_ruled
from diagnostics.services.counts import SkillCounts, skills_count
from diagnostics.services.ingest import verdicts_store
from diagnostics.services.reports import bank_sizes

CHUNK = 500
AT_ONCE = 32
Found = tuple[list[Verdict], Ruling]


def answers_judge(context: JobContext, judging: Judging) -> None:
    """The judges' word on every answer that this judging has no ruling on."""
    run, roles = judging.run, [role for role, _ in judging.judges]
    missing = answers_unruled(judging)
    total = run.answers.count()
    done = total - missing.count()
    for dockets in dockets_of(run, missing):
        async_to_sync(dockets_judge)(context, judging, roles, dockets, (done, total))
        done += len(dockets)


def answers_unruled(judging: Judging) -> Any:
    """The run's answers that have no ruling yet."""
    return judging.run.answers.exclude(rulings__judging=judging)


async def dockets_judge(
    context: JobContext, judging: Judging, roles: list[str], dockets: Sequence[Docket], progress: tuple[int, int]
) -> None:
    """Some answers side by side; each is stored once it is settled or given up."""
    async with ledger_open(context) as ledger:
        ledger.done, ledger.total = progress
        ledger.unit = "answers judged"
        await gather_bounded([partial(docket_judge, ledger, judging, roles, one) for one in dockets], AT_ONCE)


async def docket_judge(ledger: Ledger, judging: Judging, roles: list[str], docket: Docket) -> None:
    """One answer: every judge's verdict and the ruling that follows, stored together."""
    heard = await panel_hear(ledger, roles, docket)
    found = verdicts_from(judging, docket, heard), ruling_from(judging, docket, heard)
    await ledger.writer.write(found_store, found)
    ledger.done += 1


def found_store(found: list[Found]) -> list[None]:
    """Store verdicts and rulings; what is there already stays as it is."""
    Verdict.objects.bulk_create([row for rows, _ in found for row in rows], ignore_conflicts=True)
    Ruling.objects.bulk_create([ruling for _, ruling in found], ignore_conflicts=True)
    return [None] * len(found)


def verdicts_from(judging: Judging, docket: Docket, heard: Heard) -> list[Verdict]:
    """A row for each judge that was asked, its name being role and model."""
    models = dict(judging.judges)
    return [verdict_of(judging, docket, f"{role}: {models[role]}", word) for role, word in heard.words]


def verdict_of(judging: Judging, docket: Docket, judge: str, word: Word) -> Verdict:
    """One judge's verdict, with its evidence, or with our fault's name."""
    lenient = outcome_of(word)
    row = Verdict(answer=docket.answer, judge=judge, prompt_hash=judging.prompt_hash, lenient=lenient.value)
    row.strict = strict_of(lenient, docket.before).value
    row.extractor_version = judging.extractor_version
    if isinstance(word, Fault):
        row.detail = word.name
    else:
        row.evidence, row.confidence = word.evidence, word.confidence
    return row


def strict_of(lenient: Outcome, before: Before) -> Outcome:
    """A judge reads what an answer means; whether it kept to the format stays the rules' word."""
    return Outcome.INCORRECT if lenient == Outcome.CORRECT and not before.has_box else lenient


def ruling_from(judging: Judging, docket: Docket, heard: Heard) -> Ruling:
    """What the panel makes of an answer."""
    lenient = heard.settled or Outcome.UNSCORED
    ruling = Ruling(judging=judging, answer=docket.answer, said=heard.said.value, needs_person=heard.needs_person)
    ruling.detail = heard.detail
    return ruled(ruling, docket.before, strict_of(lenient, docket.before), lenient)


def ruled(ruling: Ruling, before: Before, strict: Outcome, lenient: Outcome) -> Ruling:
    """The ruling with its words beside those before; a flip needs both to be scored."""
    ruling.before_strict, ruling.before_lenient = before.strict.value, before.lenient.value
    ruling.strict, ruling.lenient, ruling.has_box = strict.value, lenient.value, before.has_box
    ruling.is_flipped = is_flip(before.strict, strict) or is_flip(before.lenient, lenient)
    return ruling


def is_flip(before: str, after: str) -> bool:
    """Whether a scored word became the other one."""
    return Outcome.UNSCORED not in (before, after) and before != after


def answers_regrade(context: JobContext, judging: Judging) -> None:
    """The word of the rules of today on every answer; the verdicts of older rules stay."""
    verdicts_store(context, judging.run)
    for dockets in dockets_of(judging.run, answers_unruled(judging)):
        rulings = rulings_by_rule(judging, dockets)
        with context.writing():
            Ruling.objects.bulk_create(rulings, batch_size=CHUNK, ignore_conflicts=True)


def rulings_by_rule(judging: Judging, dockets: Sequence[Docket]) -> list[Ruling]:
    """The rulings that follow from the rules' new verdicts."""
    answers: list[Answer] = [one.answer for one in dockets]
    version = judging.extractor_version
    mine = Verdict.objects.filter(answer__in=answers, judge="rule", extractor_version=version)
    by_answer = {row.answer_id: row for row in mine}
    return [ruling_by_rule(judging, one, by_answer[one.answer.pk]) for one in dockets]


def ruling_by_rule(judging: Judging, docket: Docket, row: Verdict) -> Ruling:
    """One answer's ruling by the new rules; nobody else is asked."""
    after = before_from(row)
    ruling = Ruling(judging=judging, answer=docket.answer, said=row.lenient, detail=row.detail)
    ruling = ruled(ruling, docket.before, after.strict, after.lenient)
    ruling.has_box = after.has_box
    return ruling


def rescore_result(judging: Judging) -> dict[str, Any]:
    """What pages and scripts read: accuracy and verdict of every skill before and after, agreement, flips, coverage."""
    rulings = judging.rulings.order_by()
    before, after = skills_of(judging, "before_"), skills_of(judging, "")
    flips = dict(rulings.filter(is_flipped=True).values_list("answer__item__skill").annotate(n=Count("pk")))
    skills = [skill_pair(a, b, flips.get(a.skill, 0)) for a, b in zip(before, after, strict=True)]
    unscored = rulings.filter(lenient="unscored")
    return {
        "answers": rulings.count(),
        "unscored_before": rulings.filter(before_lenient="unscored").count(),
        "unscored_after": unscored.count(),
        "needs_person": rulings.filter(needs_person=True).count(),
        "decided": rulings.filter(decided_by__isnull=False).count(),
        "faults": dict(unscored.filter(needs_person=False).values_list("detail").annotate(n=Count("pk"))),
        "kappa": asdict(kappa_of(rulings.values_list("before_lenient", "said"))),
        "flipped_answers": sum(flips.values()),
        "flipped_skills": sum(skill["is_flipped"] for skill in skills),
        "skills": skills,
    }


def skills_of(judging: Judging, prefix: str) -> list[SkillCounts]:
    """Every skill as a report would count it, by the words before or after."""
    run = judging.run
    report = Report.objects.filter(run=run).first()
    rules = report or run.campaign.config.diagnosis
    bank = bank_sizes(run.campaign, run.split)
    return skills_count(outcomes_ruled(judging, prefix), tau=rules.tau, alpha=rules.alpha, bank=bank)


def skill_pair(before: SkillCounts, after: SkillCounts, num_flips: int) -> dict[str, Any]:
    """One skill side by side."""
    sides = {"before": skill_side(before), "after": skill_side(after)}
    is_flipped = before.verdict.verdict != after.verdict.verdict
    return {"skill": before.skill, **sides, "flipped_answers": num_flips, "is_flipped": is_flipped}


def skill_side(row: SkillCounts) -> dict[str, Any]:
    """Counts, strict and lenient accuracy, the strict one's interval, and the verdict."""
    n, interval = row.strict.n, row.strict.interval
    return {
        "n": n,
        "k": round(row.strict.right),
        "accuracy": row.strict.right / n if n else None,
        "accuracy_lenient": row.lenient.right / row.lenient.n if row.lenient.n else None,
        "low": interval.low,
        "high": interval.high,
        "verdict": row.verdict.verdict.value,
    }
