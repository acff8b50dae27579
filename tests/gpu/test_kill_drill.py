"""The drill that kills a run with -9 and compares it with one that nobody disturbs, on CPU and on a GPU."""

from pathlib import Path
from typing import Any

import pytest

from bench import kill_resume
from tests.gpu.runs import needs_cuda


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
def test_the_drill_kills_at_the_places_that_are_asked_for(tmp_path: Path, device: Any) -> None:
    between_two_updates = kill_resume.PLACES[3]
    found = kill_resume.compare(tmp_path, device, [between_two_updates])
    assert found["kills"] == 1
    assert found["same_prompts"]
    if device == "cpu":
        assert found["same_completions"]
        assert found["same_files"]
        assert found["max_weight_gap"] == 0
