"""What an agent wrote, checked at the boundary: a draft with a typed answer, or the reason why it is none."""

from dataclasses import dataclass

from core.domain.answer_choice import option_letter
from core.domain.answers import AnswerType, check_answer
from datagen.agents.schemas import Validation, WrittenQuestion
from datagen.domain.quality import Rejected, RejectReason

# What a validator may say in its own word; anything else is counted as its refusal.
VALIDATOR_REASONS = (
    RejectReason.OFF_SKILL,
    RejectReason.AMBIGUOUS,
    RejectReason.ANSWER_LEAKED,
    RejectReason.ANSWER_NOT_IN_IMAGE,
    RejectReason.BAD_IMAGE,
)


@dataclass(frozen=True)
class Draft:
    """A question that can be answered in its type. ``options`` maps upper-case letters to texts."""

    question: str
    options: dict[str, str]
    answer: str
    answer_type: AnswerType


@dataclass(frozen=True)
class Refusal:
    """Why there is no sample, and the words that help the next try."""

    outcome: Rejected
    detail: str = ""


def draft_of(written: WrittenQuestion, question_type: str) -> Draft | Refusal:
    """The question as a draft of the slot's type (any type where the slot prescribes none)."""
    answer_type = AnswerType(written.answer_type)
    options = {option.letter.upper(): option.text for option in written.options}
    fault = draft_fault(written, answer_type, options, question_type)
    if fault:
        return Refusal(Rejected(RejectReason.BAD_ANSWER), fault)
    letter = option_letter(written.answer, options) if answer_type is AnswerType.CHOICE else None
    return Draft(written.question, options, letter or written.answer, answer_type)


def draft_fault(
    written: WrittenQuestion, answer_type: AnswerType, options: dict[str, str], question_type: str
) -> str | None:
    """Why this is no question with a typed answer, or None."""
    if not written.question:
        return "empty_question"
    if question_type and answer_type.value != question_type:
        return f"the answer must be of type {question_type}"
    if answer_type is not AnswerType.CHOICE:
        return "only a choice has options" if options else check_answer(written.answer, answer_type)
    if len(options) < len(written.options) or any(len(letter) != 1 or not text for letter, text in options.items()):
        return "options need different single letters and a text each"
    return "too_few_options" if not options else check_answer(written.answer, answer_type, options)


def refusal_of(validation: Validation) -> Refusal | None:
    """The validator's refusal, under its own reason where it names a known one; None when it agrees."""
    if validation.valid:
        return None
    word = validation.reason.partition(":")[0].strip().lower()
    reason = next((r for r in VALIDATOR_REASONS if r.value == word), RejectReason.REFUSED_BY_VALIDATOR)
    return Refusal(Rejected(reason), validation.reason)
