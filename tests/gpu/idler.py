"""A child without torch: does what ``RUN_DIR/order`` says."""

import sys
import time
import warnings

from core.specs import AnswerResult, AnswerSpec
from gpu.errors import GpuFault
from gpu.runtime import Run, run_child


class OutOfMemoryError(RuntimeError):
    """Named as torch names it."""


def work(run: Run, spec: AnswerSpec) -> AnswerResult:
    order = run.folder / "order"
    while not order.exists():
        run.progress.show("generate", 0, 1, "answers")
        time.sleep(0.02)
    what = order.read_text()
    warnings.warn("This name goes away one day.", FutureWarning, stacklevel=1)
    if what == "fault":
        raise GpuFault("diverged", "The loss is not a number.")
    if what == "memory":
        raise OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")
    if what == "bug":
        raise KeyError("bug")
    return AnswerResult(num_answers=7, answers_hash="", **run.facts())


if __name__ == "__main__":
    sys.exit(run_child(AnswerSpec, work))
