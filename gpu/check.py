"""``python -m gpu.check RUN_DIR``: look at everything that a training run needs, before it costs hours of a GPU.

The table has a line for every question, with what to change where the answer is no. What needs no model comes first;
the model is loaded once, for parity, canary, vision tokens and one dry step, in the trainer of the run itself.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from core.check_specs import CheckLine, CheckResult, CheckSpec, train_spec_of
from core.specs import DATASET_FILE, GrpoSettings, Sampling
from gpu.checks.blocking import blocking_line
from gpu.checks.data import (
    Length,
    Reading,
    batch_lines,
    gradient_line,
    length_lines,
    pixels_line,
    prompt_lengths,
    schema_lines,
    words_line,
)
from gpu.checks.dry_step import dry_settings, step_line, take_step
from gpu.checks.estimate import Shape, disk_lines, free_memory_gb, memory_line, shape_of, time_line
from gpu.checks.features import features_line
from gpu.checks.lines import DATA_CHANGE, line, looked
from gpu.checks.parity import TransformersGenerator, parity_lines
from gpu.checks.rewards import reward_lines
from gpu.checks.vllm_parity import VllmGenerator, vllm_lines
from gpu.dataset import TrainingRows
from gpu.grader import Grader
from gpu.grpo import batches
from gpu.loading import answer_tokens, check_folder, load_processor, prepare_torch
from gpu.runtime import Run, run_child
from gpu.servers import check_server
from gpu.train import build_trainer
from gpu.vision import core_of

BATCH_ROWS, BATCH_ANSWERS, BATCH_TOKENS = 2, 4, 64


class Check:
    """One pre-flight: its lines so far, and what later looks need of earlier ones."""

    def __init__(self, run: Run, spec: CheckSpec, grader: Grader) -> None:
        self.run, self.spec, self.grader = run, spec, grader
        self.folder, self.settings = spec.places.checkpoint, spec.settings
        self.lines: list[CheckLine] = []

    def beat(self) -> None:
        """A sign of life."""
        self.run.progress.show("score", len(self.lines), 20, "checks")

    def look(self, name: str, lines: Iterator[CheckLine], change: str = "") -> bool:
        """Add the lines of one look; whether none of them failed."""
        self.beat()
        found = looked(name, lambda: lines, change)
        self.lines += found
        return all(one.status != "fail" for one in found)

    def everything(self) -> None:
        """All looks, cheapest first; those that have nothing to look at are left out and say so."""
        can_compute = self.look("device", self.device())
        has_data = self.look("dataset", self.data(), DATA_CHANGE)
        self.look("batches", self.plain())
        fits = can_compute and has_data and self.look("memory", self.size())
        is_served = self.look("generator", self.generator())
        if not fits:
            why = "Not looked at: what failed above comes first."
            self.lines.append(line("model", why, warns=True, change="Mend it, then check again."))
            return
        if self.is_too_large():
            why = "Not looked at: a pre-flight has one GPU, and the run divides its weights between several."
            self.lines.append(line("model", why, warns=True, change="Look at the curves of the first steps."))
            return
        self.look("model", self.model())
        if self.settings.by_vllm and is_served:
            self.look("vLLM", vllm_lines(self.vllm, self.sampling()))

    def device(self) -> Iterator[CheckLine]:
        """Whether the device is there."""
        prepare_torch(self.spec)
        name = torch.cuda.get_device_name() if self.spec.device == "cuda" else "CPU"
        yield line("device", f"{name}, computing in {self.spec.dtype}.")

    def data(self) -> Iterator[CheckLine]:
        """The samples themselves, their lengths and their rewards."""
        self.rows = TrainingRows(self.run.check_file(DATASET_FILE, self.spec.dataset_hash), is_checked=False)
        yield from schema_lines(self.rows)
        yield words_line(self.rows)
        self.processor = load_processor(self.folder, self.settings.max_pixels)
        reading = Reading.of(self.processor.image_processor)
        self.lengths = prompt_lengths(self.rows, self.processor)
        yield from length_lines(self.lengths, reading, self.settings, context_of(self.folder))
        answering = Reading.of(load_processor(self.folder).image_processor)
        yield pixels_line(self.rows, reading, answering)
        yield from reward_lines(self.rows, self.settings, self.grader, self.beat)
        yield from batch_lines(len(self.rows), self.settings)

    def plain(self) -> Iterator[CheckLine]:
        """What follows from numbers alone."""
        yield gradient_line(self.spec.difficulty, self.settings.num_generations)

    def size(self) -> Iterator[CheckLine]:
        """Memory and disk."""
        self.shape: Shape = shape_of(self.spec)
        longest = max(length.total for length in self.lengths) + self.settings.max_completion_tokens
        tokens = batches(self.settings).micro * longest
        yield memory_line(
            self.spec, self.shape, tokens, free_memory_gb(self.spec.device, self.settings.vllm_memory_share)
        )
        yield from disk_lines(self.shape, self.run.folder)

    def is_too_large(self) -> bool:
        """Whether a divided run's weights do not fit on the one GPU that is here."""
        alone = replace(self.shape, shards=1, gathered_bytes=0)
        free = free_memory_gb(self.spec.device, self.settings.vllm_memory_share)
        return self.shape.shards > 1 and alone.least_gb > free

    def generator(self) -> Iterator[CheckLine]:
        """Whether the server that generates is well, if one does."""
        if url := self.settings.vllm_url:
            check_server(url)
            yield line("generator", f"The vLLM server at {url} is well.")

    def model(self) -> Iterator[CheckLine]:
        """What needs the model, in the trainer that the run would use; the dry step ends the trainer's use."""
        trainer = self.trainer(dry_settings(self.settings))
        model, processor = trainer.accelerator.unwrap_model(trainer.model), trainer.processing_class
        tokens, prompts = answer_tokens(core_of(model), processor.tokenizer), self.prompts(trainer)
        yield features_line(core_of(model), processor, prompts, self.chosen())
        yield blocking_line(model, processor.tokenizer, tokens, prompts)
        if not self.settings.by_vllm:
            yield from parity_lines(trainer, TransformersGenerator(trainer, tokens), prompts, self.sampling())
        step = take_step(trainer)
        yield step_line(step, self.settings.learning_rate)
        yield time_line(self.spec, self.shape, step.tokens_a_second)

    def vllm(self) -> tuple[VllmGenerator, dict[str, Tensor]]:
        """A trainer of its own with vLLM beside it, and the batch: a fault of vLLM's spoils nothing else."""
        trainer = self.trainer(dry_settings(self.settings, keeps_vllm=True))
        pictures = [row or None for row in self.batch()["images"]]
        return VllmGenerator(trainer, pictures), self.prompts(trainer)

    def trainer(self, settings: GrpoSettings) -> Any:
        """The trainer of the run under other settings."""
        return build_trainer(self.run, train_spec_of(self.spec, settings), self.grader)

    def chosen(self) -> list[Length]:
        """The lengths of the batch's samples: those with pictures first, spread over the file."""
        with_pictures = [length for length in self.lengths if length.num_pictures] or self.lengths
        return with_pictures[:: max(1, len(with_pictures) // BATCH_ROWS)][:BATCH_ROWS]

    def batch(self) -> dict[str, list[Any]]:
        """The batch's samples."""
        return self.rows({"row": [self.lengths.index(length) for length in self.chosen()]})

    def prompts(self, trainer: Any) -> dict[str, Tensor]:
        """The batch as the model reads it, on the device."""
        rows = self.batch()
        texts = [self.processor.apply_chat_template(one, add_generation_prompt=True) for one in rows["prompt"]]
        inputs = self.processor(text=texts, images=rows["images"], padding=True, return_tensors="pt")
        return {name: tensor.to(trainer.accelerator.device) for name, tensor in inputs.items()}

    def sampling(self) -> Sampling:
        """How the batch's answers are drawn: the run's temperature, and nothing cut away."""
        length = min(BATCH_TOKENS, self.settings.max_completion_tokens)
        return Sampling(num_answers=BATCH_ANSWERS, temperature=self.settings.temperature, max_new_tokens=length)


def context_of(folder: Any) -> int:
    """How many tokens the model takes."""
    config = check_folder(folder)
    return int(getattr(config, "text_config", config).max_position_embeddings)


def work(run: Run, spec: CheckSpec) -> CheckResult:
    """The whole table."""
    grader = Grader()
    try:
        check = Check(run, spec, grader)
        check.everything()
    finally:
        grader.close()
    run.progress.show("save", len(check.lines), len(check.lines), "checks")
    return CheckResult(lines=tuple(check.lines), **run.facts())


if __name__ == "__main__":
    sys.exit(run_child(CheckSpec, work))
