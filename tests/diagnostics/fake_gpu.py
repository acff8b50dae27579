"""A GPU child without a GPU: writes RUN_DIR as gpu/answer.py does, by a rule instead of a model."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.domain.files import hash_bytes, hash_file, write_atomic
from core.gpu_runs import GpuRun
from core.jobs.context import JobContext
from core.specs import ANSWERS_FILE, ITEMS_FILE, RESULT_FILE, AnswerResult, AnswerRow, AnswerSpec


@dataclass
class FakeGpu:
    """Answers every item by ``rule(item id, sample_ix)`` and remembers what it was asked."""

    rule: Callable[[str, int], str]
    finish: str = "stop"
    runs: list[AnswerSpec] = field(default_factory=list)
    items: list[dict] = field(default_factory=list)

    def __call__(self, context: JobContext, run: GpuRun) -> Path:
        assert run.module == "gpu.answer"
        folder = run.folder
        if not (folder / RESULT_FILE).exists():
            folder.mkdir(parents=True, exist_ok=True)
            run.write_inputs(folder)
            self.runs.append(run.spec)
            self.answer(run.spec, folder)
        return folder

    def answer(self, spec: AnswerSpec, folder: Path) -> None:
        text = (folder / ITEMS_FILE).read_text()
        assert hash_bytes(text) == spec.items_hash
        self.items = [json.loads(line) for line in text.splitlines()]
        write_answers(folder, self.rows(spec))

    def rows(self, spec: AnswerSpec) -> list[AnswerRow]:
        def row(name: str, ix: int) -> AnswerRow:
            return AnswerRow(id=name, sample_ix=ix, text=self.rule(name, ix), num_tokens=3, finish=self.finish, batch=0)

        return [row(item["id"], ix) for item in self.items for ix in range(spec.sampling.num_answers)]


def write_answers(folder: Path, rows: list[AnswerRow]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / ANSWERS_FILE, "".join(row.model_dump_json() + "\n" for row in rows))
    result = AnswerResult(
        seconds=1.0,
        peak_rss_mb=1.0,
        versions={"torch": "0"},
        num_answers=len(rows),
        answers_hash=hash_file(folder / ANSWERS_FILE),
    )
    write_atomic(folder / RESULT_FILE, result.model_dump_json())
