"""One tiny model for all tests of the GPU side."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Qwen2.5-VL as a Hugging Face folder."""
    from tests.gpu.tiny import build_checkpoint

    return build_checkpoint(tmp_path_factory.mktemp("tiny"))
