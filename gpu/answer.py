"""``python -m gpu.answer RUN_DIR``: answer every item of ``items.jsonl`` in fixed batches.

A batch is the unit of resume: its answers depend on the spec and its number alone, never on when the run was
interrupted, so a killed and resumed run leaves the very file that an undisturbed one leaves.
"""

import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import ValidationError

from core.domain.files import hash_file
from core.domain.seeds import seed_of
from core.specs import ANSWERS_FILE, ITEMS_FILE, AnswerItem, AnswerResult, AnswerRow, AnswerSpec
from gpu.asking import pictures_of, prompts_of
from gpu.errors import GpuFault, one_line
from gpu.loading import answer_tokens, load_model, load_processor, prepare_torch
from gpu.runtime import Run, append_lines, run_child
from gpu.sampling import sample_answers
from gpu.vision import speed_up_vision

if TYPE_CHECKING:
    from gpu.vllm_answers import VllmAnswerer


@dataclass(frozen=True)
class Answerer:
    """A loaded model that answers batches of one spec."""

    spec: AnswerSpec
    processor: Any
    model: Any

    def encode(self, batch: Sequence[AnswerItem]) -> dict[str, torch.Tensor]:
        """The batch as the model reads it: token ids padded left, patches, grids; on the CPU."""
        texts = prompts_of(self.processor, batch)
        pictures = [picture for item in batch for picture in pictures_of(item, self.spec.places.media)]
        return dict(self.processor(text=texts, images=pictures, padding=True, return_tensors="pt"))

    def answer(
        self, batch: Sequence[AnswerItem], inputs: dict[str, torch.Tensor], number: int, beat: Callable[[], None]
    ) -> list[AnswerRow]:
        """The batch's rows in the order of its items, ``num_answers`` for each; ``beat`` hears of every token."""
        generator = torch.Generator(self.spec.device).manual_seed(seed_of(self.spec.run_name(), number))
        on_device = {name: tensor.to(self.spec.device) for name, tensor in inputs.items()}
        tokens = answer_tokens(self.model, self.processor.tokenizer)
        answers = sample_answers(self.model, on_device, self.spec.sampling, tokens, generator, beat)
        return [
            AnswerRow(
                id=item.id,
                sample_ix=ix,
                text=self.processor.tokenizer.decode(ids, skip_special_tokens=True),
                num_tokens=len(ids),
                finish="stop" if ids[-1] in tokens.stop else "length",
                batch=number,
            )
            for item, samples in zip(batch, answers, strict=True)
            for ix, ids in enumerate(samples)
        ]


def read_items(path: Path) -> list[AnswerItem]:
    """The items in the order of the file; ``bad_input`` that names the first bad line."""
    items = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):  # as text, U+2028 would end a line
        try:
            items.append(AnswerItem.model_validate_json(line))
        except ValidationError as error:
            raise GpuFault("bad_input", f"{path.name}, line {number}: {one_line(error)}") from error
    return items


def resume(path: Path, sizes: Sequence[int]) -> int:
    """How many batches (of ``sizes`` rows) the file holds whole; what follows them is cut off."""
    if not path.exists():
        return 0
    lines = path.read_bytes().splitlines(keepends=True)
    whole, rows = 0, 0
    while whole < len(sizes) and _holds(lines[rows : rows + sizes[whole]], whole, sizes[whole]):
        rows += sizes[whole]
        whole += 1
    with path.open("ab") as file:
        file.truncate(sum(map(len, lines[:rows])))
    return whole


def _holds(lines: Sequence[bytes], batch: int, size: int) -> bool:
    whole = len(lines) == size and all(line.endswith(b"\n") for line in lines)
    return whole and all(json.loads(line)["batch"] == batch for line in lines)


def work(run: Run, spec: AnswerSpec) -> AnswerResult:
    """Answer what is not answered yet."""
    items = read_items(run.check_file(ITEMS_FILE, spec.items_hash))
    batches = [items[i : i + spec.batch_size] for i in range(0, len(items), spec.batch_size)]
    count, path = spec.sampling.num_answers, run.folder / ANSWERS_FILE
    done = resume(path, [len(batch) * count for batch in batches])
    if done < len(batches):
        answer_all(run, spec, batches, done)
    path.touch()
    return AnswerResult(num_answers=len(items) * count, answers_hash=hash_file(path), **run.facts())


def load_answerer(spec: AnswerSpec) -> "Answerer | VllmAnswerer":
    """The model in the engine that the spec names."""
    folder = spec.places.checkpoint
    if spec.engine == "vllm":
        from gpu.vllm_answers import load_vllm  # loads vLLM, which most machines lack

        return load_vllm(spec)
    return Answerer(spec, load_processor(folder), speed_up_vision(load_model(folder, spec.device, spec.dtype)))


def answer_all(run: Run, spec: AnswerSpec, batches: Sequence[Sequence[AnswerItem]], done: int) -> None:
    """Append the answers of every batch from ``done`` on; the next one is read while one is answered."""
    prepare_torch(spec)
    answerer, total = load_answerer(spec), sum(map(len, batches))
    with ThreadPoolExecutor(max_workers=1) as reader:
        following = reader.submit(answerer.encode, batches[done])
        for number in range(done, len(batches)):
            beat = partial(run.progress.show, "generate", sum(map(len, batches[:number])), total, "items")
            beat()
            inputs = following.result()
            if number + 1 < len(batches):
                following = reader.submit(answerer.encode, batches[number + 1])
            rows = answerer.answer(batches[number], inputs, number, beat)
            append_lines(run.folder / ANSWERS_FILE, [row.model_dump_json() for row in rows])
    run.progress.show("save", total, total, "items")


if __name__ == "__main__":
    sys.exit(run_child(AnswerSpec, work))
