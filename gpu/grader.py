"""Grading in a process of its own, so that no answer of a model can hold up a run.

A pattern or a number that takes for ever cannot be stopped inside a Python process; a process can be ended.
``python -m gpu.grader`` reads one JSON question a line and writes one JSON verdict a line.
"""

import json
import os
import select
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.domain.answers import AnswerType, Outcome, grade, has_format
from gpu.errors import GpuFault
from gpu.runtime import end_with_parent

LIMIT_S = 5.0
START_S = 20.0  # on a busy machine Python and the grading code take some seconds to start
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

    A time-out on the model's text is neither correct nor well-formed.
    """

    is_correct: bool | None
    has_format: bool
    timed_out: bool = False
    hung: bool = False


CONTROL = Question("\\boxed{1}", "1", "number", "", "stop")


def judge(question: Question) -> Verdict:
    """Lenient accuracy and strict format of one completion."""
    options = json.loads(question.options) if question.options else None
    answer_type = AnswerType(question.answer_type)
    graded = grade(question.text, question.gold, answer_type, options, finish=question.finish)
    outcome = graded.lenient.outcome
    return Verdict(None if outcome is Outcome.UNSCORED else outcome is Outcome.CORRECT, has_format(question.text))


class Grader:
    """Asks a grading process; one that is silent for ``limit_s`` is ended and replaced."""

    def __init__(
        self,
        limit_s: float = LIMIT_S,
        command: Sequence[str] = (sys.executable, "-m", "gpu.grader"),
        start_s: float = START_S,
    ) -> None:
        self._limit_s, self._start_s = limit_s, start_s
        self._command = list(command)
        self._child, self._rest, self._is_fresh = self._start(), b"", True

    def _start(self) -> "subprocess.Popen[bytes]":
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path}
        pipe = subprocess.PIPE
        return subprocess.Popen(self._command, stdin=pipe, stdout=pipe, env=environment, bufsize=0)

    def ask(self, question: Question) -> Verdict:
        """The verdict within ``limit_s``; a crash of the grading code is ``reward_failed``.

        After a time-out a fresh process is asked what it must know at once: if it is silent too, the reward hangs,
        and the model's text is not to blame.
        """
        reply = self._reply(question)
        if reply is not None:
            return _verdict(reply)
        self._replace()
        if self._reply(CONTROL) is not None:
            return Verdict(is_correct=False, has_format=False, timed_out=True)
        self._replace()
        return Verdict(is_correct=None, has_format=False, hung=True)

    def _replace(self) -> None:
        self.close()
        self._child, self._rest, self._is_fresh = self._start(), b"", True

    def _reply(self, question: Question) -> bytes | None:
        line = json.dumps(asdict(question)).encode() + b"\n"
        limit_s, self._is_fresh = self._limit_s + self._start_s * self._is_fresh, False
        try:
            assert self._child.stdin is not None
            self._child.stdin.write(line)
            return self._read_line(limit_s)
        except BrokenPipeError:
            return b""

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


def _verdict(reply: bytes) -> Verdict:
    if not reply:
        raise GpuFault("reward_failed", "The grading process ended by itself.")
    fields: dict[str, Any] = json.loads(reply)
    if "error" in fields:
        raise GpuFault("reward_failed", f"Grading crashed: {fields['error']}")
    return Verdict(**fields)


def main() -> None:
    """Answer questions until the input ends."""
    end_with_parent()
    for line in sys.stdin:
        try:
            reply = asdict(judge(Question(**json.loads(line))))
        except Exception:
            reply = {"error": traceback.format_exc(limit=-3)}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
