"""``python -m bench.bare_answers RUN_DIR {ours,stock}``: nothing but a model and a loop over batches, for comparison.

The items, batches, picture reading and limits of a RUN_DIR of ``gpu.answer``; answers are decoded and forgotten.
``ours`` draws tokens by our own sampler on our faster vision tower, ``stock`` by transformers' ``generate``.
"""

import sys
from pathlib import Path
from typing import Any

import torch

from core.specs import ITEMS_FILE, SPEC_FILE, AnswerItem, AnswerSpec
from gpu.answer import Answerer
from gpu.loading import answer_tokens, load_model, load_processor, prepare_torch
from gpu.sampling import sample_answers
from gpu.vision import speed_up_vision


def main(folder: Path, way: str) -> None:
    """Load, then answer batch by batch."""
    spec = AnswerSpec.model_validate_json((folder / SPEC_FILE).read_bytes())
    items = [AnswerItem.model_validate_json(line) for line in (folder / ITEMS_FILE).read_bytes().splitlines()]
    prepare_torch(spec)
    model = load_model(spec.places.checkpoint, spec.device, spec.dtype)
    processor = load_processor(spec.places.checkpoint)
    answerer = Answerer(spec, processor, speed_up_vision(model) if way == "ours" else model)
    for start in range(0, len(items), spec.batch_size):
        inputs = answerer.encode(items[start : start + spec.batch_size])
        rows = ours(answerer, inputs) if way == "ours" else stock(answerer, inputs)
        processor.tokenizer.batch_decode(rows, skip_special_tokens=True)


def ours(answerer: Answerer, inputs: dict[str, torch.Tensor]) -> list[list[int]]:
    """The batch's greedy answers by our sampler."""
    tokens = answer_tokens(answerer.model, answerer.processor.tokenizer)
    return [ids for some in sample_answers(answerer.model, inputs, answerer.spec.sampling, tokens) for ids in some]


def stock(answerer: Answerer, inputs: dict[str, torch.Tensor]) -> Any:
    """The batch's greedy answers as a script would get them."""
    limit = answerer.spec.sampling.max_new_tokens
    with torch.no_grad():
        made = answerer.model.generate(**inputs, max_new_tokens=limit, do_sample=False)
    return made[:, inputs["input_ids"].shape[1] :]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
