"""vLLM in the pre-flight, on the very way on which training draws: is it there, does it see the same, does it agree?"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.check_specs import CheckLine
from core.specs import Precision, Sampling
from gpu.checks.lines import line
from gpu.checks.parity import Drawn, parity_lines
from gpu.errors import one_line

log = logging.getLogger(__name__)

DRAWING = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "max_completion_length": "max_new_tokens"}
# What to change, by words of the error: vLLM and TRL's client have no exceptions of their own for these.
ADVICE = (
    (("no module named", "not available", "not installed"), "Install a vLLM that TRL takes: pip install '.[vllm]'."),
    (
        ("restart it", "request failed", "404"),
        "Start the server with the line in docs/training.md, on another GPU than the trainer's.",
    ),
    (
        ("memory", "kv cache"),
        "Change vllm_memory_share: what vLLM takes must hold the model and one prompt, and leave the trainer its own.",
    ),
)
LOOK = "Read the traceback in the run's log, and compare the versions of vLLM, torch and TRL with docs/training.md."
PIXELS = (
    "vLLM reads pictures by the checkpoint's own limits: raise max_pixels above the smallest size that "
    "preprocessor_config.json allows, or start the server with the very checkpoint that is trained."
)


@dataclass(frozen=True)
class VllmGenerator:
    """vLLM behind the trainer; ``pictures`` are those of each prompt, or None."""

    trainer: Any
    pictures: Sequence[list[Any] | None]
    name: str = "vLLM"

    @property
    def precision(self) -> Precision:
        """vLLM's own: it takes the dtype that the checkpoint's config names, whatever the trainer computes in."""
        vllm = self.trainer.vllm_generation
        if vllm.mode == "server":
            dtype = vllm.vllm_client.get_server_info()["model_config"]["dtype"]
        else:
            dtype = vllm.llm.llm_engine.model_config.dtype
        return "float32" if str(dtype).endswith("float32") else "bfloat16"

    def draw(self, inputs: dict[str, Tensor], sampling: Sampling) -> Drawn:
        """Answers with the log-probabilities that correct the loss: at temperature, with barred tokens barred."""
        count, device = sampling.num_answers, inputs["input_ids"].device
        pictures = copied(self.pictures, count) if any(self.pictures) else None
        with drawing(self.trainer.vllm_generation, sampling):
            answers, log_probs = self.trainer.generate_elsewhere(copied(unpadded(inputs), count), pictures, count)
        chances = [torch.tensor(row, dtype=torch.float32, device=device) for row in log_probs]
        return Drawn(grouped(answers, count), grouped(chances, count))

    def picture_tokens(self, inputs: dict[str, Tensor]) -> list[int]:
        """How many tokens vLLM itself makes of each prompt's pictures."""
        vllm, pictures = self.trainer.vllm_generation, self.trainer.sized(list(self.pictures), 1)
        if vllm.mode == "server":
            made = vllm.vllm_client.image_features(pictures)
            return [sum(place["length"] for place in one["mm_placeholders"]["image"]) if one else 0 for one in made]
        prompts = self.trainer.prompts_elsewhere(unpadded(inputs))
        with drawing(vllm, Sampling(temperature=1.0, max_new_tokens=1)):
            read, *_ = vllm.generate(prompts=prompts, images=pictures, num_generations=1)
        return [ids.count(self.trainer.processing_class.image_token_id) for ids in read]


def vllm_lines(build: Callable[[], tuple[VllmGenerator, dict[str, Tensor]]], sampling: Sampling) -> Iterator[CheckLine]:
    """All that is looked at of vLLM; whatever stops it is a line that says what to change."""
    try:
        generator, prompts = build()
        limits = limits_line(generator, prompts)
        yield limits
        if limits.status != "fail":
            yield from parity_lines(generator.trainer, generator, prompts, sampling)
    except Exception as error:
        log.exception("vLLM cannot be looked at")
        yield line("vLLM", f"vLLM does not generate: {one_line(error)}", fails=True, change=advice(error))


def advice(error: BaseException) -> str:
    """What to change, by what the error says."""
    said = str(error).lower()
    return next((words for signs, words in ADVICE if any(sign in said for sign in signs)), LOOK)


def limits_line(generator: VllmGenerator, prompts: dict[str, Tensor]) -> CheckLine:
    """Whether vLLM makes as many tokens of the batch's pictures as the trainer."""
    ours = (prompts["input_ids"] == generator.trainer.processing_class.image_token_id).sum(1).tolist()
    theirs = generator.picture_tokens(prompts)
    where = "on a server" if generator.trainer.vllm_generation.mode == "server" else "in the trainer's own process"
    return line(
        "pixel limits of vLLM",
        f"vLLM, {where} and in {generator.precision}, makes {sum(theirs)} tokens of the batch's pictures, the trainer "
        f"{sum(ours)}.",
        fails=ours != theirs,
        change=PIXELS,
    )


@contextmanager
def drawing(vllm: Any, sampling: Sampling) -> Iterator[None]:
    """While this lasts, vLLM draws as ``sampling`` says."""
    before = {name: getattr(vllm, name) for name in DRAWING}
    for name, ours in DRAWING.items():
        setattr(vllm, name, getattr(sampling, ours))
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(vllm, name, value)


def unpadded(inputs: dict[str, Tensor]) -> list[list[int]]:
    """Each prompt's ids without its padding."""
    rows = zip(inputs["input_ids"], inputs["attention_mask"].bool(), strict=True)
    return [ids[is_there].tolist() for ids, is_there in rows]


def copied(rows: Sequence[Any], count: int) -> list[Any]:
    """Every row ``count`` times."""
    return [row for row in rows for _ in range(count)]


def grouped(rows: list[Any], count: int) -> list[list[Any]]:
    """Rows by their prompt."""
    return [rows[start : start + count] for start in range(0, len(rows), count)]
