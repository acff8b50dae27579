"""What the pages of answer runs show: all runs of a campaign, and one with its settings, progress and counts."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import QuerySet

from core.errors import NotFound
from core.models import Campaign, Job
from diagnostics.domain.run_differences import Difference, run_differences
from diagnostics.models import AnswerRun, Report
from diagnostics.selectors.run_facts import run_facts

PAGE = 25
OFFERED = 30


@dataclass(frozen=True)
class SkillTally:
    """One skill's frozen counts in a run; shares of 1, None where no item was scored."""

    skill: str
    n: int
    accuracy: float | None
    accuracy_lenient: float | None
    low: float | None
    high: float | None
    num_unscored: int


def runs_of(campaign: Campaign) -> QuerySet[AnswerRun]:
    """The campaign's runs with their checkpoints."""
    return AnswerRun.objects.filter(campaign=campaign).select_related("checkpoint")


def run_open(campaign: Campaign, pk: int) -> AnswerRun:
    """A run of this campaign; NotFound for another campaign's."""
    found = runs_of(campaign).filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no answer run {pk} in {campaign.name}.")
    return found


def runs_context(campaign: Campaign, before: int | None) -> dict[str, Any]:
    """A page of runs, newest first; one query."""
    rows = runs_of(campaign).order_by("-id")
    found = list((rows if before is None else rows.filter(pk__lt=before))[: PAGE + 1])
    runs = [(run, run.spec.get("engine", "transformers")) for run in found[:PAGE]]
    return {"runs": runs, "more": found[PAGE - 1].pk if len(found) > PAGE else None}


def run_live(run: AnswerRun) -> dict[str, Any]:
    """How far the run is: its newest job, and whether the page must ask again."""
    jobs = Job.objects.filter(campaign=run.campaign_id, kind="answer_run", spec__run_id=run.pk)
    job = None if run.is_complete else jobs.order_by("-id").first()
    return {"run": run, "job": job, "live": job is not None and job.is_live}


def run_context(campaign: Campaign, run: AnswerRun, other: int | None) -> dict[str, Any]:
    """One run: what was frozen, what it got right by skill, and how it differs from another one."""
    others = runs_of(campaign).exclude(pk=run.pk).order_by("-id")[:OFFERED]
    compared = run_open(campaign, other) if other else None
    return {
        "facts": run_facts(run).items(),
        "tallies": tallies_of(run),
        "report": Report.objects.filter(run=run).values_list("pk", flat=True).first(),
        "others": list(others),
        "compared": compared,
        "differences": runs_differ(compared, run) if compared else (),
    }


def runs_differ(before: AnswerRun, after: AnswerRun) -> tuple[Difference, ...]:
    """What is not the same about two runs."""
    return run_differences(run_facts(before), run_facts(after))


def differences_json(found: tuple[Difference, ...]) -> list[dict[str, str]]:
    """Differences as the API shows them."""
    return [asdict(one) for one in found]


def tallies_of(run: AnswerRun) -> list[SkillTally]:
    """The run's frozen counts, from low accuracy up; empty for runs that were completed before there were any."""
    rows = [tally_of(one) for one in run.result.get("skills", [])]
    return sorted(rows, key=lambda row: (row.accuracy is None, row.accuracy or 0.0, row.skill))


def tally_of(frozen: dict[str, Any]) -> SkillTally:
    """One skill's counts as shares."""
    n = frozen["n"]
    low, high = frozen["interval"] or (None, None)
    shares = [frozen[name] / n if n else None for name in ("right", "right_lenient")]
    return SkillTally(frozen["skill"], n, shares[0], shares[1], low, high, frozen["num_unscored"])
