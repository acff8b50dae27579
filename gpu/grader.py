"""Grading in a process of its own, so that no answer of a model can hold up a run.

A pattern or a number that takes for ever cannot be stopped inside a Python process; a process can be ended.
``python -m gpu.grader [REWARD]`` reads a JSON list of questions a line and writes the JSON list of their verdicts,
with what the reward of that name says where it is one of one's own.
Formulas have limits of their own there (``core.domain.answer_verifier``); ``LIMIT_S`` is the net below them.
"""

import json
import os
import select
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from core.domain.answers import AnswerType, Graded, ModelText, Outcome, grade_many, has_format
from core.domain.rewards import BUILT_IN, COMPOSED, OwnReward, own_parts, own_reward
from gpu.errors import GpuFault
from gpu.runtime import end_with_parent

LIMIT_S = 30.0
CONTROL_S = 5.0
START_S = 20.0  # on a busy machine Python and the grading code take some seconds to start
BATCH = 16
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Question:
    """One completion and what it should have said. ``options`` is the JSON of letter -> text, or empty."""

    text: str
    gold: str
    answer_type: str
    options: str
    finish: str


@dataclass(frozen=True)
class Verdict:
    """``is_correct`` is None when the gold answer cannot be read, or when the reward itself ``hung``.

    What takes for ever is not correct, and says so. ``extracted`` is the answer that was read, ``detail`` why it
    counts as it does (core.domain.answers).
    """

    is_correct: bool | None
    has_format: bool
    timed_out: bool = False
    hung: bool = False
    extracted: str = ""
    detail: str = ""
    own: dict[str, float] | None = None  # the parts of a reward of one's own


CONTROL = Question("\\boxed{1}", "1", "number", "", "stop")


def judge(questions: Sequence[Question], own: OwnReward | None = None) -> list[Verdict]:
    """Lenient accuracy and strict format of each completion, and what a reward of one's own says of it."""
    graded = grade_many([text_of(question) for question in questions])
    verdicts = [verdict_of(*pair) for pair in zip(questions, graded, strict=True)]
    if own is None:
        return verdicts
    return [replace(v, own=own_parts(own(seen_by_own(q, v)))) for q, v in zip(questions, verdicts, strict=True)]


def seen_by_own(question: Question, verdict: Verdict) -> dict[str, Any]:
    """What a reward of one's own is given of one completion."""
    options = json.loads(question.options) if question.options else {}
    asked = {"text": question.text, "gold": question.gold, "answer_type": question.answer_type, "options": options}
    judged = {"is_correct": verdict.is_correct, "has_format": verdict.has_format, "extracted": verdict.extracted}
    return {**asked, **judged, "is_whole": question.finish == "stop"}


def text_of(question: Question) -> ModelText:
    """The question as grading knows it."""
    options = json.loads(question.options) if question.options else None
    return ModelText(question.text, question.gold, AnswerType(question.answer_type), options, question.finish)


def verdict_of(question: Question, graded: Graded) -> Verdict:
    """What a reward needs of a grade."""
    grade = graded.lenient
    return Verdict(
        is_correct=None if grade.outcome is Outcome.UNSCORED else grade.outcome is Outcome.CORRECT,
        has_format=has_format(question.text),
        timed_out=grade.detail == "timed_out",
        extracted=grade.extracted or "",
        detail=grade.detail,
    )


class Grader:
    """Asks a grading process; one that is silent for ``limit_s`` is ended and replaced."""

    def __init__(
        self,
        limit_s: float = LIMIT_S,
        command: Sequence[str] = (sys.executable, "-m", "gpu.grader"),
        start_s: float = START_S,
        reward: str = COMPOSED,
    ) -> None:
        self._limit_s, self._start_s = limit_s, start_s
        self._command = [*command, *([] if reward in BUILT_IN else [reward])]
        self._child, self._rest, self._is_fresh = self._start(), b"", True

    def _start(self) -> "subprocess.Popen[bytes]":
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path}
        pipe = subprocess.PIPE
        return subprocess.Popen(self._command, stdin=pipe, stdout=pipe, env=environment, bufsize=0)

    def ask(self, questions: Sequence[Question], beat: Callable[[], None] = lambda: None) -> list[Verdict]:
        """One verdict a question, each batch within ``limit_s``; a crash of the grading code is ``reward_failed``.

        ``beat`` hears of every exchange: a sign of life.
        """
        batches = (questions[start : start + BATCH] for start in range(0, len(questions), BATCH))
        return [verdict for batch in batches for verdict in self._ask_batch(batch, beat)]

    def _ask_batch(self, questions: Sequence[Question], beat: Callable[[], None]) -> list[Verdict]:
        """The batch's verdicts; when it takes too long, each question is asked alone to find the one that does.

        Before that, a fresh process is asked what it must know at once: if it is silent too, the reward hangs, and
        no model's text is to blame.
        """
        beat()
        reply = self._exchange(questions, self._limit_s)
        if reply is not None:
            return _verdicts(reply)
        self._replace()
        beat()
        if self._exchange([CONTROL], min(CONTROL_S, self._limit_s)) is None:
            self._replace()
            return [Verdict(is_correct=None, has_format=False, hung=True, detail="hung")] * len(questions)
        if len(questions) == 1:
            return [Verdict(is_correct=False, has_format=False, timed_out=True, detail="timed_out")]
        return [verdict for question in questions for verdict in self._ask_batch([question], beat)]

    def _replace(self) -> None:
        self.close()
        self._child, self._rest, self._is_fresh = self._start(), b"", True

    def _exchange(self, questions: Sequence[Question], limit_s: float) -> bytes | None:
        """The reply to one line of questions; empty when the process ended, None when time is up."""
        limit_s, self._is_fresh = limit_s + self._start_s * self._is_fresh, False
        line = json.dumps([asdict(question) for question in questions])
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:
            return b""
        return self._read_line(limit_s)

    def _read_line(self, limit_s: float) -> bytes | None:
        """One line; empty when the process ended, None when time is up."""
        assert self._child.stdout is not None
        deadline = time.monotonic() + limit_s
        while b"\n" not in self._rest:
            if not select.select([self._child.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                return None
            if not (data := os.read(self._child.stdout.fileno(), 1 << 16)):
                return b""
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def close(self) -> None:
        """End the grading process."""
        self._child.kill()
        self._child.communicate()


def _verdicts(reply: bytes) -> list[Verdict]:
    if not reply:
        raise GpuFault("reward_failed", "The grading process ended by itself.")
    said: Any = json.loads(reply)
    if "error" in said:
        raise GpuFault("reward_failed", f"Grading crashed: {said['error']}")
    return [Verdict(**fields) for fields in said]


def main() -> None:
    """Answer questions until the input ends."""
    end_with_parent()
    name = sys.argv[1] if len(sys.argv) > 1 else COMPOSED
    for line in sys.stdin:
        try:
            asked = [Question(**fields) for fields in json.loads(line)]
            reply: Any = [asdict(verdict) for verdict in judge(asked, own_reward(name))]
        except Exception:
            reply = {"error": traceback.format_exc(limit=-3)}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
