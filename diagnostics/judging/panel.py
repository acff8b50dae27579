"""A panel of judges on one answer: the first speaks, the others only where that settles nothing."""

from dataclasses import dataclass

from core.domain.answers import Outcome
from core.ledger import Ledger
from diagnostics.domain.panel import settle
from diagnostics.judging.asking import Fault, word_ask
from diagnostics.judging.cases import Docket
from diagnostics.judging.requests import judge_request
from diagnostics.judging.schemas import Judgement

NO_PICTURE = Fault("picture_missing")
Word = Judgement | Fault


@dataclass(frozen=True)
class Heard:
    """What the judges said of one answer, by role in the order of asking, and what that makes of it."""

    words: tuple[tuple[str, Word], ...]
    settled: Outcome | None

    @property
    def said(self) -> Outcome:
        """The first judge's own word."""
        return outcome_of(self.words[0][1])

    @property
    def needs_person(self) -> bool:
        """Whether judges spoke and settled nothing; where none could speak it is our fault and stays unscored."""
        return self.settled is None and any(isinstance(word, Judgement) for _, word in self.words)

    @property
    def detail(self) -> str:
        """Why it stands as it does, in a word."""
        if self.settled is not None:
            return "agreed" if len(self.words) == 1 else f"settled_by_{self.words[-1][0]}"
        return "judges_disagree" if self.needs_person else self.faults[0]

    @property
    def faults(self) -> list[str]:
        """Why judges had no word."""
        return [word.name for _, word in self.words if isinstance(word, Fault)]


async def panel_hear(ledger: Ledger, roles: list[str], docket: Docket) -> Heard:
    """Ask one judge after the other until the answer is settled or no judge is left."""
    words: list[tuple[str, Word]] = []
    settled = None
    for role in roles:
        words.append((role, await judge_hear(ledger, role, docket)))
        settled = settle(docket.before.lenient, [outcome_of(word) for _, word in words])
        if settled is not None:
            break
    return Heard(tuple(words), settled)


async def judge_hear(ledger: Ledger, role: str, docket: Docket) -> Word:
    """One judge's word, or why there is none."""
    if docket.case is None:
        return NO_PICTURE
    return await word_ask(ledger, judge_request(docket.case, role), docket.case.answer, Judgement)


def outcome_of(word: Word) -> Outcome:
    """A judge's word as an outcome; a fault leaves the answer unscored."""
    return Outcome.UNSCORED if isinstance(word, Fault) else Outcome(word.verdict)
