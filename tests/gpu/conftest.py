"""One tiny model for all tests of the GPU side."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Qwen2.5-VL as a Hugging Face folder."""
    from tests.gpu.tiny import build_checkpoint

    return build_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def speaking_checkpoint(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, taught to answer red, blue or without a box, so that rewards differ."""
    from tests.gpu.tiny import teach_answers

    answers = ["\\boxed{red}", "\\boxed{blue}", "red"]
    return teach_answers(checkpoint, tmp_path_factory.mktemp("speaking"), answers)


@pytest.fixture(scope="module")
def grader() -> Iterator[Any]:
    """A grading process for tests that only read verdicts."""
    from gpu.grader import Grader

    one = Grader()
    yield one
    one.close()
