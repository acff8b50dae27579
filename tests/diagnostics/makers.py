"""Files and rows of the diagnosis for tests."""

import base64
import csv
import io
import json
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from core.domain.answers import EXTRACTOR_VERSION
from core.domain.files import hash_bytes
from core.models import Campaign
from diagnostics.models import Answer, AnswerRun, Benchmark, Checkpoint, Item, RunItem, Verdict
from tests.factories import NUMBERS, make_campaign

VISION = {"architectures": ["Qwen2VLForConditionalGeneration"], "vision_config": {}}


def png(seed: int = 0) -> bytes:
    """A small picture, another one for every seed."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (8, 8), Random(seed).randbytes(192)).save(buffer, "PNG")
    return buffer.getvalue()


def b64(seed: int = 0) -> str:
    return base64.b64encode(png(seed)).decode()


def tsv_row(n: int, **cells: str) -> dict[str, str]:
    """A good row; ``cells`` replace or add columns."""
    good = {"index": str(n), "image": b64(n), "question": f"What is {n}?", "A": "one", "B": "two", "answer": "B"}
    return {**good, "category": "shape.name", "l2-category": "geometric", "split": "probe", **cells}


def write_tsv(path: Path, rows: list[dict[str, str]], columns: tuple[str, ...] = ()) -> Path:
    """A tab-separated file with the columns that the rows have."""
    names = columns or tuple(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, delimiter="\t", restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue())
    return path


def make_folder(folder: Path, *, config: Any = VISION, without: str = "", weights: bytes = b"weights") -> Path:
    """A checkpoint folder of made-up bytes, ``without`` one of its files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "config.json": json.dumps(config).encode(),
        "model.safetensors": weights,
        "tokenizer.json": b"{}",
        "preprocessor_config.json": b"{}",
    }
    for name, data in files.items():
        if name != without:
            (folder / name).write_bytes(data)
    return folder


def make_adapter(folder: Path, *, without: str = "", **words: Any) -> Path:
    """A folder of LoRA adapters as PEFT writes them, of made-up bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"peft_type": "LORA", "r": 4, "base_model_name_or_path": "Qwen/base", "init_lora_weights": True, **words}
    files = {"adapter_config.json": json.dumps(told).encode(), "adapter_model.safetensors": b"adapters"}
    for name, data in files.items():
        if name != without:
            (folder / name).write_bytes(data)
    return folder


def make_checkpoint(campaign: Campaign, **fields: Any) -> Checkpoint:
    number = next(NUMBERS)
    good = {"name": f"checkpoint {number}", "path": "/nowhere", "content_hash": hash_bytes(str(number))}
    return Checkpoint.objects.create(campaign=campaign, **{**good, **fields})


def make_items(
    campaign: Campaign, skill: str, count: int, *, benchmark: Benchmark | None = None, **fields: Any
) -> list[Item]:
    """``count`` items of one skill in a benchmark of their own, whose gold answer is 7; each with its own picture."""
    name = f"bench{next(NUMBERS)}"
    benchmark = benchmark or Benchmark.objects.create(
        campaign=campaign, name=name, file_hash=hash_bytes(name), num_items=count
    )
    good = {"answer": "7", "answer_type": "number", "image_type": "geometric", "split": "probe"}
    items = []
    for i in range(count):
        number = next(NUMBERS)
        sha = hash_bytes(f"picture {number}")
        own = {"index": f"{skill}{number}", "content_hash": hash_bytes(str(number)), "images": [sha], "cluster": sha}
        own["question"] = f"How many? {i}"
        items.append(Item(benchmark=benchmark, skill=skill, **{**own, **good, **fields}))
    return Item.objects.bulk_create(items)


def make_run(campaign: Campaign | None = None, items: list[Item] | None = None, **fields: Any) -> AnswerRun:
    """A run that asks ``items`` and has no answers yet."""
    campaign = campaign or make_campaign()
    items = items if items is not None else make_items(campaign, "count", 4)
    good = {"checkpoint": make_checkpoint(campaign), "split": "probe", "label": "run", "num_items": len(items)}
    run = AnswerRun.objects.create(campaign=campaign, **{**good, **fields})
    RunItem.objects.bulk_create([RunItem(run=run, item=item, position=place) for place, item in enumerate(items)])
    return run


def make_answers(run: AnswerRun, outcomes: dict[Item, str]) -> AnswerRun:
    """Complete ``run``; a letter of an item's word is one answer: right, leniently right only, wrong, unscored."""
    words = {"r": ("correct",) * 2, "l": ("incorrect", "correct"), "w": ("incorrect",) * 2, "u": ("unscored",) * 2}
    said = [(item, ix, letter) for item, letters in outcomes.items() for ix, letter in enumerate(letters)]
    answers = Answer.objects.bulk_create(
        [
            Answer(run=run, item=item, sample_ix=ix, text=letter, num_tokens=1, finish="stop")
            for item, ix, letter in said
        ]
    )
    Verdict.objects.bulk_create(
        [
            Verdict(
                answer=answer,
                extractor_version=EXTRACTOR_VERSION,
                strict=words[answer.text][0],
                lenient=words[answer.text][1],
            )
            for answer in answers
        ]
    )
    run.is_complete, run.num_answers = True, max(map(len, outcomes.values()))
    run.save()
    return run
