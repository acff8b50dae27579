"""Judgings of a run, and what they make of its answers."""

from django.db.models import Count, Q, QuerySet

from core.errors import NotAllowed, NotFound
from core.models import Campaign
from diagnostics.domain.splits import Split
from diagnostics.models import AnswerRun, Judging, Ruling
from diagnostics.selectors.outcomes import ItemOutcome, Tally, outcomes_by

SHOWS = ("flipped", "waiting")


def judging_of(campaign: Campaign, pk: int) -> Judging:
    """A judging of this campaign with its run and job; NotFound for another campaign's."""
    rows = Judging.objects.select_related("campaign", "run__checkpoint", "run__campaign", "job")
    judging = rows.filter(campaign=campaign, pk=pk).first()
    if judging is None:
        raise NotFound(f"There is no judging {pk} in {campaign.name}.")
    return judging


def judgings_of(run: AnswerRun) -> QuerySet[Judging]:
    """All judgings of a run, newest first."""
    return run.judgings.select_related("job").order_by("-id")


def rulings_shown(judging: Judging, show: str) -> QuerySet[Ruling]:
    """Rulings that flipped or that wait for a person, with their items; NotAllowed where the items are sealed."""
    answers_seen(judging.run)
    wanted = {"flipped": {"is_flipped": True}, "waiting": {"needs_person": True}}[show]
    rows = judging.rulings.filter(**wanted).select_related("answer__item__benchmark", "decided_by")
    return rows.prefetch_related("answer__verdicts")


def answers_seen(run: AnswerRun) -> None:
    """Go on only where people may look at the run's items one by one."""
    if run.split == Split.SEALED:
        raise NotAllowed("These items are sealed for the headline: nobody sees them before they are opened.")


def outcomes_ruled(judging: Judging, prefix: str) -> list[ItemOutcome]:
    """Every item of the run with its outcome by the rulings; ``before_`` gives what counted before; two queries."""
    strict, lenient = f"{prefix}strict", f"{prefix}lenient"
    is_unscored = Q(**{strict: "unscored"})
    counted = (
        judging.rulings.order_by()
        .values_list("answer__item_id")
        .annotate(
            right=Count("pk", filter=Q(**{strict: "correct"})),
            right_lenient=Count("pk", filter=Q(**{lenient: "correct"})),
            scored=Count("pk", filter=~is_unscored),
            unscored=Count("pk", filter=is_unscored),
        )
    )
    return outcomes_by(judging.run, {item_id: Tally(*counts) for item_id, *counts in counted})
