"""What the pages, the admin and the API share about one decision for many samples."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.http import QueryDict

from core.errors import InvalidInput
from core.models import Campaign
from core.pages import is_id
from datagen.models import Sample, Slot
from datagen.services.bulk_curation import BulkResult, samples_decide

MAX_SAID = 12
DONE = {"accept": "accepted", "reject": "rejected", "reassign": "moved and accepted"}
TITLES = {"accept": "Accept samples", "reject": "Reject samples", "reassign": "Move samples to another skill's slots"}


@dataclass(frozen=True)
class Wish:
    """What somebody chose in a form; a move needs its skill before it can be tried."""

    sample_ids: Sequence[int]
    decision: str
    comment: str = ""
    skill: str = ""
    is_real: bool = False

    @property
    def title(self) -> str:
        """What it is called."""
        return TITLES.get(self.decision, self.decision)

    def result(self, actor: User) -> BulkResult | None:
        """What the service says: a dry run unless it is meant; None while a move has no skill yet."""
        if self.decision == "reassign" and not self.skill:
            return None
        return samples_decide(
            actor=actor,
            sample_ids=self.sample_ids,
            decision=self.decision,
            comment=self.comment,
            skill=self.skill,
            dry_run=not self.is_real,
        )


def wish_of(form: QueryDict, sample_ids: Sequence[int], decision: str) -> Wish:
    """The wish in a form that was sent."""
    return Wish(sample_ids, decision, form.get("comment", ""), form.get("skill", ""), "apply" in form)


def wish_context(wish: Wish, result: BulkResult | None) -> dict[str, object]:
    """The page between choosing and deciding: every sample with why it would be refused, and where it could move."""
    refused = {one.sample_id: one.why for one in result.refused} if result else {}
    rows = Sample.objects.filter(pk__in=wish.sample_ids).select_related("slot").order_by("pk")
    return {
        "wish": wish,
        "result": result,
        "rows": [(row, refused.get(row.pk, "")) for row in rows],
        "skills": skills_free(wish.sample_ids) if wish.decision == "reassign" else [],
    }


def told(result: BulkResult, decision: str) -> str:
    """What was done, and how many were refused for which reason."""
    said = f"{len(result.decided)} {DONE[decision]}."
    if not result.refused:
        return said
    reasons = Counter(one.why for one in result.refused).most_common()
    listed = " ".join(f"{number} \N{MULTIPLICATION SIGN} {why}" for why, number in reasons[:MAX_SAID])
    rest = f" And {len(reasons) - MAX_SAID} more reasons." if len(reasons) > MAX_SAID else ""
    return f"{said} {len(result.refused)} refused: {listed}{rest}"


def skills_free(sample_ids: Sequence[int]) -> list[str]:
    """The skills that have an open or given up slot in the mixtures of these samples."""
    mixtures = Sample.objects.filter(pk__in=sample_ids).values("slot__mixture")
    free = Slot.objects.filter(mixture__in=mixtures, status__in=["open", "given_up"])
    return list(free.order_by("skill").values_list("skill", flat=True).distinct())


def ids_sent(form: QueryDict) -> list[int]:
    """The samples that were ticked; InvalidInput when one is no number, or none is there."""
    named = form.getlist("sample")
    if not named or not all(is_id(one) for one in named):
        raise InvalidInput("Tick the samples that you want to decide about.", field="samples")
    return [int(one) for one in named]


def ids_of(campaign: Campaign, named: Sequence[int]) -> Sequence[int]:
    """The same ids, all of them this campaign's; InvalidInput for another's."""
    mine = Sample.objects.filter(slot__mixture__campaign=campaign, pk__in=named)
    strange = sorted(set(named) - set(mine.values_list("pk", flat=True)))
    if strange:
        raise InvalidInput(f"samples: {campaign.name} has no sample {strange[0]}.", field="samples")
    return named
