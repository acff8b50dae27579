"""``gpu.train`` whose first rank ends every answer at its first token, and whose second never ends one."""

import sys
from dataclasses import replace
from typing import Any

import gpu.train
import gpu.trainer
from core.specs import TrainSpec
from gpu.runtime import is_first, run_child
from gpu.sampling import Tokens, sample_answers


def uneven_answers(model: Any, batch: Any, sampling: Any, tokens: Tokens, **more: Any) -> Any:
    ends = list(range(model.config.get_text_config().vocab_size)) if is_first() else []
    return sample_answers(model, batch, sampling, replace(tokens, stop=ends), **more)


if __name__ == "__main__":
    vars(gpu.trainer)["sample_answers"] = uneven_answers
    sys.exit(run_child(TrainSpec, gpu.train.work))
