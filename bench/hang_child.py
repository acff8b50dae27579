"""``python -m bench.hang_child RUN_DIR``: ``gpu.train`` whose grading process never answers."""

import sys

import gpu.train
from core.specs import TrainSpec
from gpu.grader import Grader
from gpu.runtime import run_child

SILENT = (sys.executable, "-c", "import time; time.sleep(3600)")


def silent_grader(reward: str) -> Grader:
    """A grader that was given a reward that never returns, whatever its name."""
    return Grader(command=SILENT)


if __name__ == "__main__":
    vars(gpu.train)["Grader"] = silent_grader
    sys.exit(run_child(TrainSpec, gpu.train.work))
