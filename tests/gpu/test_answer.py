"""Answers come in order, once each, and are the same whatever happened to the process on the way."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.domain.files import hash_checkpoint, hash_file, write_atomic
from core.domain.prompts import PROMPT_VERSION, question_messages
from core.specs import (
    ANSWERS_FILE,
    ITEMS_FILE,
    RESULT_FILE,
    AnswerItem,
    AnswerResult,
    AnswerRow,
    AnswerSpec,
    Places,
    Sampling,
)
from gpu.answer import read_items, resume, work
from gpu.errors import GpuFault
from gpu.runtime import Run
from tests.gpu.runs import run_child, start_child, wait_until, write_spec

NUM_ITEMS = 24


def store_picture(media: Path, number: int, width: int = 84) -> str:
    """A picture of its own for every number, stored under its sha256; its name."""
    pixels = np.random.default_rng(number).integers(0, 255, (56 + 28 * (number % 2), width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    name = hashlib.sha256(buffer.getvalue()).hexdigest()
    write_atomic(media / name[:2] / name, buffer.getvalue())
    return name


def answer_run(checkpoint: Path, folder: Path, items: list[AnswerItem] | None = None, **choices: Any) -> AnswerSpec:
    """RUN_DIR with its spec; by default 24 items with a picture each, two sampled answers, batches of two."""
    media = folder.parent / "media"
    if items is None:
        pictures = [store_picture(media, i) for i in range(NUM_ITEMS)]
        asked = [question_messages(f"What is shown in {i}?") for i in range(NUM_ITEMS)]
        items = [AnswerItem(id=f"item-{i}", messages=asked[i], images=[pictures[i]]) for i in range(NUM_ITEMS)]
    write_atomic(folder / ITEMS_FILE, "".join(f"{item.model_dump_json()}\n" for item in items))
    choices = {"sampling": Sampling(num_answers=2, temperature=1.0, max_new_tokens=4), "batch_size": 2} | choices
    spec = AnswerSpec(
        checkpoint_hash=hash_checkpoint(checkpoint),
        seed=3,
        items_hash=hash_file(folder / ITEMS_FILE),
        prompt_version=PROMPT_VERSION,
        places=Places(checkpoint=checkpoint, media=media, threads=1),
        **choices,
    )
    write_spec(folder, spec)
    return spec


def read_rows(folder: Path) -> list[AnswerRow]:
    return [AnswerRow.model_validate_json(line) for line in (folder / ANSWERS_FILE).read_bytes().splitlines()]


@pytest.fixture(scope="module")
def undisturbed(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AnswerResult]:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    spec = answer_run(checkpoint, folder)
    return folder, work(Run(folder), spec)


def test_every_item_is_answered_as_often_as_asked_in_the_order_of_the_file(
    undisturbed: tuple[Path, AnswerResult],
) -> None:
    folder, result = undisturbed
    rows = read_rows(folder)
    assert [(row.id, row.sample_ix) for row in rows] == [(f"item-{i}", k) for i in range(NUM_ITEMS) for k in (0, 1)]
    assert [row.batch for row in rows] == [i // 2 for i in range(NUM_ITEMS) for _ in (0, 1)]
    assert all(1 <= row.num_tokens <= 4 and row.finish in ("stop", "length") for row in rows)
    assert result.num_answers == 2 * NUM_ITEMS
    assert result.answers_hash == hash_file(folder / ANSWERS_FILE)


def test_samples_of_an_item_differ_and_batches_have_seeds_of_their_own(undisturbed: tuple[Path, AnswerResult]) -> None:
    texts = [row.text for row in read_rows(undisturbed[0])]
    assert len(set(texts)) > NUM_ITEMS


def test_a_killed_and_resumed_run_leaves_the_very_same_file(
    checkpoint: Path, tmp_path: Path, undisturbed: tuple[Path, AnswerResult]
) -> None:
    folder = tmp_path / "run"
    answer_run(checkpoint, folder)
    path = folder / ANSWERS_FILE
    child = start_child("tests.gpu.halting_answer", folder)
    wait_until(lambda: child.poll() is not None or (path.exists() and b'"batch":3' in path.read_bytes()))
    child.kill()
    child.wait()
    assert not (folder / RESULT_FILE).exists()
    before = path.read_bytes()
    assert len(before.splitlines()) == 4 * 2 * 2
    path.write_bytes(before + before.splitlines()[-1][:20])
    code, output = run_child("gpu.answer", folder)
    assert code == 0, output
    result = AnswerResult.model_validate_json((folder / RESULT_FILE).read_bytes())
    assert path.read_bytes() == (undisturbed[0] / ANSWERS_FILE).read_bytes()
    assert path.read_bytes().startswith(before)
    assert result.answers_hash == undisturbed[1].answers_hash


def test_resuming_keeps_whole_batches_only(tmp_path: Path) -> None:
    path = tmp_path / ANSWERS_FILE
    lines = [json.dumps({"batch": batch}) + "\n" for batch in (0, 0, 1, 1, 2)]
    path.write_text("".join(lines))
    assert resume(path, [2, 2, 2, 1]) == 2
    assert path.read_text() == "".join(lines[:4])
    assert resume(path, [2, 2]) == 2
    assert resume(tmp_path / "nothing", [2]) == 0


def test_items_with_no_one_or_two_pictures_can_share_a_batch(checkpoint: Path, tmp_path: Path) -> None:
    name = store_picture(tmp_path / "media", 1)
    items = [
        AnswerItem(id="seen", messages=question_messages("What\u2028is it?"), images=[name]),
        AnswerItem(id="blind", messages=question_messages("What is it?", num_images=0), images=[]),
        AnswerItem(id="twice", messages=question_messages("What is it?", num_images=2), images=[name, name]),
    ]
    sampling = Sampling(max_new_tokens=12)
    spec = answer_run(checkpoint, tmp_path / "run", items, sampling=sampling, batch_size=8)
    work(Run(tmp_path / "run"), spec)
    assert [row.id for row in read_rows(tmp_path / "run")] == ["seen", "blind", "twice"]


@pytest.mark.parametrize(
    ("images", "num_images", "message"),
    [([], 1, "another number of pictures"), (["ab" * 32], 1, "is not in"), (["torn"], 1, "cannot be read")],
)
def test_items_that_cannot_be_asked_are_named(
    checkpoint: Path, tmp_path: Path, images: list[str], num_images: int, message: str
) -> None:
    write_atomic(tmp_path / "media" / "to" / "torn", b"\x89PNG\r\n not a picture")
    item = AnswerItem(id="odd", messages=question_messages("What?", num_images=num_images), images=images)
    spec = answer_run(checkpoint, tmp_path / "run", [item])
    with pytest.raises(GpuFault, match=message) as caught:
        work(Run(tmp_path / "run"), spec)
    assert caught.value.code == "bad_input"


def test_a_bad_line_or_a_changed_file_of_items_is_bad_input(checkpoint: Path, tmp_path: Path) -> None:
    spec = answer_run(checkpoint, tmp_path / "run")
    path = tmp_path / "run" / ITEMS_FILE
    path.write_text(path.read_text() + "{}\n")
    with pytest.raises(GpuFault, match="not the file that the spec names"):
        work(Run(tmp_path / "run"), spec)
    with pytest.raises(GpuFault, match=f"line {NUM_ITEMS + 1}"):
        read_items(path)
