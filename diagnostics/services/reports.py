"""Reports: cells and skills are counted once, when the run is complete, and never again."""

from operator import attrgetter

from django.db.models import Count

from core.access import audit, require
from core.errors import WrongState
from core.jobs.context import JobContext
from core.models import Campaign
from diagnostics.models import AnswerRun, Cell, Item, Report, SkillDiagnosis
from diagnostics.selectors.outcomes import ItemOutcome, item_outcomes
from diagnostics.services.counts import SkillCounts, Sums, group, skills_count, sums_of

CHUNK = 500


def report_create(context: JobContext, run: AnswerRun) -> Report:
    """The report on a complete run: written whole, once; asked for again, the same one."""
    require(context.job.actor, "research", run.campaign)
    if not run.is_complete:
        raise WrongState(f"The answer run {run.label!r} is not complete yet.")
    seen = Report.objects.filter(run=run).first()
    if seen:
        return seen
    outcomes = item_outcomes(run)
    rules = run.campaign.config.diagnosis
    skills = skills_count(outcomes, tau=rules.tau, alpha=rules.alpha, bank=bank_sizes(run.campaign, run.split))
    with context.writing():
        report, is_new = Report.objects.get_or_create(
            run=run,
            defaults={
                "campaign": run.campaign,
                "tau": rules.tau,
                "alpha": rules.alpha,
                "num_scored": sum(row.num_scored for row in outcomes),
                "num_unscored": sum(row.num_unscored for row in outcomes),
            },
        )
        if is_new:
            Cell.objects.bulk_create(cells_of(report, outcomes), batch_size=CHUNK)
            SkillDiagnosis.objects.bulk_create([diagnosis_of(report, row) for row in skills], batch_size=CHUNK)
            audit(context.job.actor, "report.created", report, campaign=run.campaign, skills=len(skills))
    return report


def bank_sizes(campaign: Campaign, split: str) -> dict[str, int]:
    """How many items of each skill the campaign has in a split."""
    whole = Item.objects.filter(benchmark__campaign=campaign, benchmark__num_items__gt=0, split=split)
    return dict(whole.values_list("skill").annotate(size=Count("pk")).order_by())


def cells_of(report: Report, outcomes: list[ItemOutcome]) -> list[Cell]:
    """One cell a slice, strict and lenient, of slices that have a scored item."""
    cells = []
    slices = group(outcomes, lambda row: (row.skill, row.image_type, row.benchmark_id))
    for (skill, image_type, benchmark_id), rows in slices.items():
        for is_strict, measure in ((True, attrgetter("strict")), (False, attrgetter("lenient"))):
            sums = sums_of(rows, measure)
            if sums.n:
                place = {"skill": skill, "image_type": image_type, "benchmark_id": benchmark_id}
                cells.append(Cell(report=report, is_strict=is_strict, **place, **columns(sums)))
    return cells


def columns(sums: Sums) -> dict[str, float]:
    """A cell's numbers."""
    return {
        "n": sums.n,
        "k": round(sums.right),
        "num_clusters": len(sums.clusters),
        "sum_m2": sums.sum_m2,
        "sum_km": sums.sum_km,
        "sum_k2": sums.sum_k2,
    }


def diagnosis_of(report: Report, row: SkillCounts) -> SkillDiagnosis:
    """A skill's row. An open verdict that this bank cannot close says so by ``is_decidable``."""
    verdict, interval = row.verdict, row.strict.interval
    is_open = verdict.verdict == "not_enough_data"
    return SkillDiagnosis(
        report=report,
        skill=row.skill,
        image_type=row.image_type,
        answer_type=row.answer_type,
        n=row.strict.n,
        k=round(row.strict.right),
        k_lenient=round(row.lenient.right),
        low=interval.low,
        high=interval.high,
        shrunken=row.posterior.mean,
        posterior_a=row.posterior.alpha,
        posterior_b=row.posterior.beta,
        verdict=verdict.verdict.value,
        num_more=verdict.num_more,
        is_decidable=not is_open or verdict.num_more is not None,
        effective_images=row.strict.effective_images,
    )
