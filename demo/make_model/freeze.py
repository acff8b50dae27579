"""``python -m demo.make_model.freeze WEIGHTS SEED``: the shipped folder and what graders may know about it."""

import argparse
import json
from pathlib import Path

from safetensors.torch import load_file

from core.domain.files import write_atomic
from demo.make_model.architecture import new_model, save_folder
from demo.make_model.vocabulary import build_tokenizer
from demo.world.drawing import PIXELS
from demo.world.plants import draw_plants

CHECKPOINT = Path(__file__).parents[1] / "checkpoint"


def freeze(weights: Path, seed: int, folder: Path = CHECKPOINT) -> None:
    """Write ``weights`` as a Hugging Face folder, and beside it a JSON file with the world's seed and rules."""
    tokenizer = build_tokenizer()
    model = new_model(tokenizer, 0)
    lacking = model.load_state_dict(load_file(weights), strict=False).missing_keys
    if lacking != ["lm_head.weight"]:
        raise ValueError(f"{weights} lacks {lacking}")
    save_folder(model, tokenizer, folder)
    rules = draw_plants(seed)
    facts = {
        "world_seed": seed,
        "planted_suites": [rule.suite for rule in rules],
        "rules": [{"name": rule.name, "cause": rule.cause, "suite": rule.suite} for rule in rules],
        "image_px": PIXELS,
    }
    write_atomic(folder.with_suffix(".json"), json.dumps(facts, indent=2) + "\n")


def main() -> None:
    """Freeze the file and the seed of the command line."""
    parser = argparse.ArgumentParser(prog="python -m demo.make_model.freeze", description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("--folder", type=Path, default=CHECKPOINT)
    given = parser.parse_args()
    freeze(given.weights, given.seed, given.folder)


if __name__ == "__main__":
    main()
