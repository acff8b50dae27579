"""What people say of judges: they decide where judges disagree, and correct labels. The judges' own words stay."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from core.access import audit, require
from core.domain.answers import Outcome
from core.errors import InvalidInput, NotFound, WrongState
from core.models import Campaign
from diagnostics.domain.kinds import ERROR_TYPES, IMAGE_TYPES
from diagnostics.judging.cases import Before
from diagnostics.models import Correction, Label, Ruling
from diagnostics.selectors.rulings import answers_seen
from diagnostics.services.rescoring import ruled, strict_of

DECISIONS = (Outcome.CORRECT.value, Outcome.INCORRECT.value)
MAX_COMMENT = 2000


def ruling_decide(*, actor: User, campaign: Campaign, ruling_id: int, outcome: str, comment: str = "") -> Ruling:
    """A person settles what the judges could not; the judging's numbers follow when it is counted again."""
    require(actor, "curate", campaign)
    ruling = ruling_of(campaign, ruling_id)
    known(outcome, DECISIONS, "outcome")
    answers_seen(ruling.judging.run)
    decide(ruling, Outcome(outcome))
    names = ("strict", "lenient", "is_flipped")
    with transaction.atomic():
        taken = Ruling.objects.filter(pk=ruling.pk, needs_person=True).update(
            needs_person=False,
            detail="settled_by_person",
            decided_by=actor,
            decided_at=timezone.now(),
            comment=comment_of(comment),
            **{name: getattr(ruling, name) for name in names},
        )
        if not taken:
            raise WrongState("This answer does not wait for a person, or somebody was faster.")
        audit(actor, "ruling.decided", ruling, campaign=campaign, outcome=outcome)
    ruling.refresh_from_db()
    return ruling


def ruling_of(campaign: Campaign, pk: int) -> Ruling:
    """A ruling of this campaign; NotFound for another's."""
    found = Ruling.objects.filter(judging__campaign=campaign, pk=pk).select_related("judging__run").first()
    if found is None:
        raise NotFound(f"There is no ruling {pk} in {campaign.name}.")
    return found


def decide(ruling: Ruling, lenient: Outcome) -> None:
    """Write a person's word into the ruling, in memory."""
    before = Before(Outcome(ruling.before_strict), Outcome(ruling.before_lenient), ruling.has_box)
    ruled(ruling, before, strict_of(lenient, before), lenient)


def label_correct(
    *, actor: User, campaign: Campaign, label_id: int, image_type: str, error_type: str, comment: str = ""
) -> Correction:
    """A person's word beside the judge's; the same words confirm it, which its precision and recall count too."""
    require(actor, "curate", campaign)
    label = Label.objects.filter(run__campaign=campaign, pk=label_id).select_related("run").first()
    if label is None:
        raise NotFound(f"There is no label {label_id} in {campaign.name}.")
    known(image_type, IMAGE_TYPES, "image_type")
    known(error_type, ERROR_TYPES, "error_type")
    answers_seen(label.run)
    facts = {"image_type": image_type, "error_type": error_type, "comment": comment_of(comment)}
    with transaction.atomic():
        correction = Correction.objects.create(label=label, made_by=actor, **facts)
        audit(actor, "label.corrected", label, campaign=campaign, image_type=image_type, error_type=error_type)
    return correction


def known(value: str, words: tuple[str, ...], field: str) -> None:
    """Go on only with a word that there is."""
    if value not in words:
        raise InvalidInput(f"{field} must be one of {', '.join(words)}.", field=field)


def comment_of(text: str) -> str:
    """A comment as it is stored."""
    if len(text) > MAX_COMMENT:
        raise InvalidInput(f"comment: at most {MAX_COMMENT} characters.", field="comment")
    return text.replace("\0", "\ufffd").strip()
