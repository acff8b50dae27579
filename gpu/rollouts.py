"""What every completion of a generation got, kept for the pages: a file a generation, a line of the index a prompt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.rollouts import (
    MAX_EXTRACTED,
    TURNS_FILE,
    Rollout,
    Said,
    rollouts_path,
    rollouts_write,
    turn_of,
)
from gpu.grader import Verdict
from gpu.runtime import append_lines, is_first, truncate_torn_line


@dataclass(frozen=True)
class Scored:
    """One completion with its verdict; ``parts`` add up to the reward, which is None where nothing can be compared."""

    text: str
    num_tokens: int
    is_whole: bool
    verdict: Verdict
    parts: dict[str, float]
    reward: float | None
    sample_id: str
    skill: str
    purpose: str

    @property
    def said(self) -> Said:
        """The verdict in one word."""
        if self.verdict.is_correct is None:
            return "unscored"
        return "correct" if self.verdict.is_correct else "incorrect"


class RolloutFiles:
    """Keeps each generation under the step that learns from it first; a replayed one is written again."""

    def __init__(self, folder: Path, step: Callable[[], int]) -> None:
        """``step`` says which step comes next."""
        self._folder, self._step = folder, step
        if is_first():
            truncate_torn_line(folder / TURNS_FILE)

    def __call__(self, groups: Sequence[Sequence[Scored]]) -> None:
        """Write the generation's file, then its lines: a line never names a file that is not there."""
        if not is_first():
            return
        step = self._step()
        written = [[rollout(ix, one) for ix, one in enumerate(group)] for group in groups]
        rollouts_write(rollouts_path(self._folder, step), written)
        turns = [
            turn_of(rows, step=step, place=place, sample_id=of.sample_id, skill=of.skill, purpose=of.purpose)
            for place, (rows, (of, *_)) in enumerate(zip(written, groups, strict=True))
        ]
        append_lines(self._folder / TURNS_FILE, [turn.model_dump_json() for turn in turns])


def rollout(ix: int, one: Scored) -> Rollout:
    """A completion as its file holds it."""
    return Rollout(
        sample_ix=ix,
        text=one.text,
        num_tokens=one.num_tokens,
        is_truncated=not one.is_whole,
        reward=one.reward,
        parts=one.parts,
        extracted=one.verdict.extracted[:MAX_EXTRACTED],
        detail=one.verdict.detail,
        verdict=one.said,
    )
