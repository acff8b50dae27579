"""Quality control's decisions. A sample that is no good is a value: Rejected or Held, with a reason to count."""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import scipy

from core.domain.answer_text import plain
from core.domain.answers import AnswerType, grade, same_answer
from core.domain.gradients import gradient_chance
from datagen.domain.mixture import Purpose
from datagen.domain.slots import BANDS
from diagnostics.domain.intervals import Posterior

GROUP_SIZE: Final = 8
HARD_SHARE: Final = 0.2
BLIND_AGREEMENT: Final = 2
IMAGE_BLIND_LEVEL: Final = 0.02
OPEN_GUESS: Final = 0.125


class RejectReason(StrEnum):
    """Why a sample is out; it can be appealed."""

    MALFORMED = "malformed"
    BAD_ANSWER = "bad_answer"
    BAD_IMAGE = "bad_image"
    NO_USABLE_IMAGE = "no_usable_image"
    OFF_SKILL = "off_skill"
    AMBIGUOUS = "ambiguous"
    ANSWER_LEAKED = "answer_leaked"
    ANSWER_NOT_IN_IMAGE = "answer_not_in_image"
    REFUSED_BY_VALIDATOR = "refused_by_validator"
    ENDPOINT_REFUSED = "endpoint_refused"
    GOLD_SUSPECT = "gold_suspect"
    IMAGE_BLIND = "image_blind"
    DUPLICATE = "duplicate"
    CONTAMINATED = "contaminated"
    TOO_EASY = "too_easy"
    TOO_HARD = "too_hard"
    REJECTED_BY_PERSON = "rejected_by_person"


class HeldReason(StrEnum):
    """Why a person must look; neither accepted nor rejected until then."""

    SOLVERS_SPLIT = "solvers_split"
    MAJORITY_DISAGREES = "majority_disagrees"
    UNSCORED = "unscored"
    LOOKS_LIKE_BENCHMARK = "looks_like_benchmark"


REJECT_REASONS: Final[Mapping[RejectReason, str]] = MappingProxyType(
    {
        RejectReason.MALFORMED: "The writer's reply could not be read.",
        RejectReason.BAD_ANSWER: "The answer does not fit the question's type or options.",
        RejectReason.BAD_IMAGE: "The image is too small, too large, damaged or blurred.",
        RejectReason.NO_USABLE_IMAGE: "No candidate image reached its type's score, as found or edited.",
        RejectReason.OFF_SKILL: "The question does not test the skill of its slot.",
        RejectReason.AMBIGUOUS: "The question allows more than one answer.",
        RejectReason.ANSWER_LEAKED: "The question's text gives the answer away.",
        RejectReason.ANSWER_NOT_IN_IMAGE: "The image does not show what the answer needs.",
        RejectReason.REFUSED_BY_VALIDATOR: "The validator refused it for another reason, which it gave.",
        RejectReason.ENDPOINT_REFUSED: "An endpoint answers other questions and refuses this one.",
        RejectReason.GOLD_SUSPECT: "Blind solvers agree on another answer than the writer's.",
        RejectReason.IMAGE_BLIND: "It can be answered without the image.",
        RejectReason.DUPLICATE: "The same question about the same image exists already.",
        RejectReason.CONTAMINATED: "It matches an item of a registered benchmark.",
        RejectReason.TOO_EASY: "The current model answers it too often: it would teach nothing.",
        RejectReason.TOO_HARD: "The current model answers it too seldom to learn from it.",
        RejectReason.REJECTED_BY_PERSON: "A person looked at it and took it out.",
    }
)
HELD_REASONS: Final[Mapping[HeldReason, str]] = MappingProxyType(
    {
        HeldReason.SOLVERS_SPLIT: "Blind solvers neither confirm the answer nor agree on another one.",
        HeldReason.MAJORITY_DISAGREES: "The current model agrees on another answer, and this one is unconfirmed.",
        HeldReason.UNSCORED: "Answers without a score could move it in or out of the band.",
        HeldReason.LOOKS_LIKE_BENCHMARK: "Its image looks like one of a registered benchmark.",
    }
)


@dataclass(frozen=True)
class Accepted:
    """Nothing speaks against the sample."""


@dataclass(frozen=True)
class Rejected:
    """The sample is out."""

    reason: RejectReason


@dataclass(frozen=True)
class Held:
    """A person decides; counted apart from accepted and rejected."""

    reason: HeldReason


QualityOutcome = Accepted | Rejected | Held


@dataclass(frozen=True)
class Candidate:
    """What tells two samples apart: ``image`` is the sha256 of the pixels."""

    slot: int
    question: str
    image: str


@dataclass(frozen=True)
class HardCandidate:
    """A target sample that the band called too hard, with the model's right answers of nine."""

    slot: int
    skill: str
    num_correct: int
    blind_passed: bool


def blind_solve_outcome(
    gold: str, solves: Sequence[str | None], answer_type: AnswerType, options: Mapping[str, str] | None = None
) -> QualityOutcome:
    """Grade the answers of solvers who never saw the gold, as a model's are; None is a solve without an answer.

    At least 2 agree with gold: accepted. None does and at least 2 share another: gold suspect. Else a person.
    """
    grades = [(grade(solve, gold, answer_type, options).lenient, solve) for solve in solves if solve is not None]
    agreeing = sum(verdict.is_correct for verdict, _ in grades)
    if agreeing >= BLIND_AGREEMENT:
        return Accepted()
    given = [verdict.extracted or solve for verdict, solve in grades]
    shared = max((sum(same_answer(a, b, answer_type, options) for b in given) for a in given), default=0)
    if agreeing == 0 and shared >= BLIND_AGREEMENT:
        return Rejected(RejectReason.GOLD_SUSPECT)
    return Held(HeldReason.SOLVERS_SPLIT)


def image_blind_outcome(k: int, draws: int, num_options: int) -> QualityOutcome:
    """Reject when k right of ``draws`` without the image happen to guessers in at most 2% of cases.

    ``num_options`` 0 is an open question (guess .125). Questions with two options cannot be judged alone: they pass
    here and are judged by ``image_blind_group_outcome``.
    """
    if num_options == 2:
        return Accepted()
    return _unlikely_guess(k, draws, 1 / num_options if num_options else OPEN_GUESS)


def image_blind_group_outcome(num_right: int, num_asked: int, majority_share: float) -> QualityOutcome:
    """The verdict on a slot group of yes/no questions, against always giving its most frequent gold answer."""
    return _unlikely_guess(num_right, num_asked, max(0.5, majority_share))


def difficulty_outcome(
    *, num_correct: int, num_scored: int, num_answers: int, purpose: Purpose, majority_other: bool, blind_passed: bool
) -> QualityOutcome:
    """Keep what lies in the purpose's band for the current model (targets 3..7 of 9, replay 3..9 of 9).

    Where most answers agree on something other than gold, a person looks only if no blind solve confirmed the gold:
    a systematic blind spot makes a model agree on a wrong answer, and those are the samples it needs.
    Missing scores count as neither right nor wrong: when they could change the outcome, it is held as unscored.
    """
    if not 0 <= num_correct <= num_scored <= num_answers or num_answers < 1:
        raise ValueError(f"{num_correct} right of {num_scored} scored of {num_answers} answers cannot be.")
    if majority_other and not blind_passed:
        return Held(HeldReason.MAJORITY_DISAGREES)
    worst = _in_band(num_correct, num_answers, purpose)
    best = _in_band(num_correct + num_answers - num_scored, num_answers, purpose)
    return worst if worst == best else Held(HeldReason.UNSCORED)


def keep_hard(
    candidates: Iterable[HardCandidate], num_accepted: Mapping[str, int], share: float = HARD_SHARE
) -> frozenset[int]:
    """The slots of too hard samples that ``calibrated`` keeps: k = 1..2 with a confirmed gold, in slot order.

    At most ``share`` of a skill's samples are kept hard ones; ``num_accepted`` counts those inside the band.
    """
    kept: set[int] = set()
    num_kept: dict[str, int] = {}
    for candidate in sorted(candidates, key=lambda c: c.slot):
        so_far = num_kept.get(candidate.skill, 0)
        room = so_far + 1 <= share * (so_far + 1 + num_accepted.get(candidate.skill, 0)) + 1e-9
        if room and candidate.blind_passed and 1 <= candidate.num_correct <= 2:
            kept.add(candidate.slot)
            num_kept[candidate.skill] = so_far + 1
    return frozenset(kept)


def jeffreys(num_correct: int, num_scored: int) -> Posterior:
    """Jeffreys' posterior of the current model's accuracy on one sample."""
    return Posterior(num_correct + 0.5, num_scored - num_correct + 0.5)


def gradient_probability(posterior: Posterior, group_size: int = GROUP_SIZE) -> float:
    """E[1 - p^g - (1-p)^g]: how likely a group of g rollouts has both right and wrong ones, and so a gradient."""
    return gradient_chance(posterior.alpha, posterior.beta, group_size)


def text_key(question: str) -> str:
    """The form in which questions are equal: plain, case folded, letters, digits and signs only, single spaces."""
    return " ".join(re.sub(r"[^\w+<>=%-]+", " ", plain(question).casefold()).split())


def dedup(
    candidates: Iterable[Candidate], seen: AbstractSet[tuple[str, str]] = frozenset()
) -> dict[int, Accepted | Rejected]:
    """The first of equal samples stays, in slot order; ``seen`` holds (image, text key) of earlier rounds.

    Only the same question about the same image is a duplicate: templates ask the same words of many images.
    """
    taken = set(seen)
    outcomes: dict[int, Accepted | Rejected] = {}
    for candidate in sorted(candidates, key=lambda c: c.slot):
        key = (candidate.image, text_key(candidate.question))
        outcomes[candidate.slot] = Rejected(RejectReason.DUPLICATE) if key in taken else Accepted()
        taken.add(key)
    return outcomes


def _unlikely_guess(k: int, draws: int, guess: float) -> QualityOutcome:
    by_chance = float(scipy.special.bdtrc(k - 1, draws, guess)) if k > 0 else 1.0
    return Rejected(RejectReason.IMAGE_BLIND) if by_chance <= IMAGE_BLIND_LEVEL else Accepted()


def _in_band(k: int, num_answers: int, purpose: Purpose) -> QualityOutcome:
    band = BANDS[purpose]
    if k * band.of < band.low * num_answers:
        return Rejected(RejectReason.TOO_HARD)
    return Rejected(RejectReason.TOO_EASY) if k * band.of > band.high * num_answers else Accepted()
