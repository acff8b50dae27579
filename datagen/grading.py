"""How hard a sample is for a model: its answers graded by the one implementation, counted, and judged by the band."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.completion import clean_text
from core.domain.answers import AnswerType, Grade, ModelText, Outcome, grade_many, same_answer
from core.specs import AnswerRow
from datagen.domain.mixture import Purpose
from datagen.domain.quality import (
    Accepted,
    HardCandidate,
    QualityOutcome,
    Rejected,
    RejectReason,
    difficulty_outcome,
    gradient_probability,
    jeffreys,
    keep_hard,
)

MAX_SHOWN = 60


@dataclass(frozen=True)
class Asked:
    """A sample as the model was asked about it."""

    slot: int
    skill: str
    purpose: Purpose
    gold: str
    answer_type: AnswerType
    options: Mapping[str, str] | None
    is_gold_confirmed: bool


@dataclass(frozen=True)
class Score:
    """What the model's answers to one sample amount to. ``answers`` counts the extracted ones, most frequent first."""

    asked: Asked
    num_correct: int
    num_scored: int
    answers: tuple[tuple[str, int], ...]
    majority_other: bool
    outcome: QualityOutcome

    @property
    def gradient_probability(self) -> float:
        """How likely a group of rollouts has both right and wrong ones."""
        return gradient_probability(jeffreys(self.num_correct, self.num_scored))

    @property
    def is_too_hard(self) -> bool:
        """Whether the band alone keeps a target out, from below."""
        return self.outcome == Rejected(RejectReason.TOO_HARD) and self.asked.purpose is Purpose.TARGET


def score_of(asked: Asked, rows: Iterable[AnswerRow], num_answers: int) -> Score:
    """Grade the answers; missing ones count as unscored.

    The lenient verdict counts, because it is the one that training rewards: format has a reward of its own.
    """
    given = [ModelText(r.text, asked.gold, asked.answer_type, asked.options, r.finish) for r in rows]
    grades = [graded.lenient for graded in grade_many(given)]
    num_correct = sum(verdict.is_correct for verdict in grades)
    num_scored = sum(verdict.outcome is not Outcome.UNSCORED for verdict in grades)
    others = answers_counted([v for v in grades if not v.is_correct], asked)
    majority_other = bool(others) and 2 * others[0][1] > num_answers
    outcome = difficulty_outcome(
        num_correct=num_correct,
        num_scored=num_scored,
        num_answers=num_answers,
        purpose=asked.purpose,
        majority_other=majority_other,
        blind_passed=asked.is_gold_confirmed,
    )
    right = ((asked.gold[:MAX_SHOWN], num_correct),) if num_correct else ()
    answers = sorted([*right, *others], key=lambda pair: -pair[1])
    return Score(asked, num_correct, num_scored, tuple(answers), majority_other, outcome)


def answers_counted(grades: Sequence[Grade], asked: Asked) -> list[tuple[str, int]]:
    """Answers that mean the same counted together, most frequent first; texts without an answer are left out."""
    counted: list[tuple[str, int]] = []
    for verdict in grades:
        if verdict.extracted is None:
            continue
        same = (i for i, (a, _) in enumerate(counted) if is_same(a, verdict.extracted, asked))
        place = next(same, None)
        if place is None:
            counted.append((verdict.extracted, 1))
        else:
            counted[place] = (counted[place][0], counted[place][1] + 1)
    shown = [(clean_text(answer)[:MAX_SHOWN], count) for answer, count in counted]
    return sorted(shown, key=lambda pair: -pair[1])


def is_same(a: str, b: str, asked: Asked) -> bool:
    """Whether two wrong answers are the same one."""
    return a == b or same_answer(a, b, asked.answer_type, asked.options)


def hard_kept(scores: Sequence[Score], before: Sequence[HardCandidate], num_in_band: Mapping[str, int]) -> set[int]:
    """The slots of this wave's too hard samples that are kept all the same (method ``calibrated``).

    ``before`` are those kept in earlier waves, which count first; ``num_in_band`` counts samples by skill that
    earlier waves accepted by the band.
    """
    accepted = dict(num_in_band)
    for score in scores:
        if isinstance(score.outcome, Accepted):
            accepted[score.asked.skill] = accepted.get(score.asked.skill, 0) + 1
    now = [
        HardCandidate(s.asked.slot, s.asked.skill, s.num_correct, s.asked.is_gold_confirmed)
        for s in scores
        if s.is_too_hard
    ]
    first = 1 + max((c.slot for c in before), default=0)
    ranked = [HardCandidate(c.slot - first, c.skill, c.num_correct, c.blind_passed) for c in before]
    return {slot for slot in keep_hard([*ranked, *now], accepted) if slot >= 0}
