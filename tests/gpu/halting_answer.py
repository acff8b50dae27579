"""``gpu.answer`` that stands still once it has written its fourth batch."""

import sys
import time
from pathlib import Path

import gpu.answer
from core.specs import AnswerSpec
from gpu.runtime import append_lines, run_child


def append_and_halt(path: Path, lines: list[str]) -> None:
    append_lines(path, lines)
    if any('"batch":3' in line for line in lines):
        time.sleep(600)


if __name__ == "__main__":
    vars(gpu.answer)["append_lines"] = append_and_halt
    sys.exit(run_child(AnswerSpec, gpu.answer.work))
