"""Training killed with -9 at seven places and resumed, against a run that nobody disturbs.

``kills``: kills that struck; ``same_prompts``, ``same_completions``: every generation asked and answered the same;
``same_files``: the completions that are kept for the pages are the same files;
``max_weight_gap``: the largest difference of a final weight (0 is bit-equal). ``--device cuda`` on a GPU, where gaps
of rounding are to be expected; ``--places 4 6`` kills at the fourth and the sixth place alone.
"""

import argparse
import json
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from bench.kill_child import ROLLOUTS_FILE
from bench.runs import make_run, run_module
from core.domain.rollouts import ROLLOUTS_FOLDER
from core.specs import FINAL_FOLDER, GrpoSettings

# Six rows, two a step: from step 3 on the data is read a second time. Two updates are made from one generation, so
# "update 3" lies between them. Checkpoints are written after steps 2, 4, 6.
Place = tuple[str, int, int]
PLACES: list[Place] = [
    ("generate", 0, 3),
    ("update", 1, 1),
    ("torn", 2, 1),
    ("update", 3, 2),
    ("score", 4, 2),
    ("save", 6, 1),
    ("update", 7, 1),
]
CHOICES: dict[str, Any] = {
    "learning_rate": 1e-4, "beta": 0.04, "num_generations": 4, "prompts_per_step": 2, "steps": 8,
    "steps_per_generation": 2, "micro_batch_size": 4, "max_completion_tokens": 8, "save_every": 2,
    "mask_truncated_completions": False,
}  # fmt: skip


def rollouts(folder: Path, what: str) -> dict[int, list[list[int]]]:
    """By step; what a resumed run says again replaces what was said before the kill."""
    lines = (folder / ROLLOUTS_FILE).read_text().splitlines()
    return {row["step"]: row[what] for row in map(json.loads, lines)}


def kept(folder: Path) -> dict[str, bytes]:
    """The files that hold the completions for the pages."""
    return {path.name: path.read_bytes() for path in (folder / ROLLOUTS_FOLDER).iterdir()}


def weight_gap(one: Path, other: Path) -> float:
    """The largest absolute difference between two final folders."""
    first, second = (load_file(folder / FINAL_FOLDER / "model.safetensors") for folder in (one, other))
    return max(float((first[name].float() - second[name].float()).abs().max()) for name in first)


def compare(root: Path, device: Any, places: Sequence[Place] = PLACES, **more: Any) -> dict[str, Any]:
    """Both runs, and how far they are apart."""
    calm, wild = root / "calm", root / "wild"
    for folder in (calm, wild):
        make_run(folder, GrpoSettings(**CHOICES, **more), device=device)
    ends = [run_module("bench.kill_child", str(wild), *map(str, place)) for place in places]
    for folder in (calm, wild):
        if run_module("bench.kill_child", str(folder)):
            raise RuntimeError(f"{folder.name} did not come to its end")
    return {
        "kills": ends.count(-signal.SIGKILL),
        "same_prompts": rollouts(calm, "prompts") == rollouts(wild, "prompts"),
        "same_completions": rollouts(calm, "completions") == rollouts(wild, "completions"),
        "same_files": kept(calm) == kept(wild),
        "max_weight_gap": weight_gap(calm, wild),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    numbers = range(1, len(PLACES) + 1)
    parser.add_argument("--places", type=int, choices=numbers, nargs="+", default=list(numbers))
    choices = parser.parse_args()
    places = [PLACES[number - 1] for number in choices.places]
    with tempfile.TemporaryDirectory() as root:
        print(json.dumps(compare(Path(root), choices.device, places)))


if __name__ == "__main__":
    main()
