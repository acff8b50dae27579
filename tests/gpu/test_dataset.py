"""Rows reach the trainer whole, in an order that is the seed's alone."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from core.specs import DATASET_FILE
from gpu.dataset import TrainingRows, clean_prompt, schedule, training_dataset
from gpu.errors import GpuFault
from tests.gpu.training import make_rows, train_run


def read(tmp_path: Path, rows: list[dict[str, Any]]) -> TrainingRows:
    (tmp_path / "config.json").write_text("{}")
    train_run(tmp_path, tmp_path / "run", rows)
    return TrainingRows(tmp_path / "run" / DATASET_FILE)


def test_passes_follow_each_other_in_orders_of_their_own() -> None:
    order = schedule(5, 13, seed=1)
    assert [sorted(order[:5]), sorted(order[5:10])] == [list(range(5))] * 2
    assert order[:5] != order[5:10]
    assert len(set(order[10:])) == 3
    assert order == schedule(5, 13, seed=1) != schedule(5, 13, seed=2)
    assert schedule(5, 7, seed=1) == order[:7]


def test_the_trainer_gets_pictures_messages_and_columns(tmp_path: Path) -> None:
    dataset = training_dataset(read(tmp_path, make_rows()), [5, 0, 0])
    bare, first, again = dataset.__getitems__([0, 1, 2])
    assert bare["images"] == [] and bare["prompt"][0]["content"] == [
        {"type": "text", "text": bare["prompt"][0]["content"][0]["text"]}
    ]
    assert first["images"][0] is again["images"][0]
    assert first["images"][0].size == (56, 56)
    assert first["prompt"][0]["content"][0] == {"type": "image"}
    assert (first["solution"], first["skill"], first["sample_id"], first["options"]) == ("red", "warm", "s0", "")
    assert Counter(dataset[:]["sample_id"]) == {"s5": 1, "s0": 2}


def test_prompts_may_be_stored_as_json_too(tmp_path: Path) -> None:
    rows = [{**row, "prompt": json.dumps(row["prompt"])} for row in make_rows()]
    (tmp_path / "json").mkdir()
    stored_as_json, stored_as_structs = read(tmp_path / "json", rows), read(tmp_path, make_rows())
    assert stored_as_json({"row": [0, 5]})["prompt"] == stored_as_structs({"row": [0, 5]})["prompt"]


def test_keys_that_arrow_filled_with_nothing_are_not_taken_for_pictures() -> None:
    blocks = [{"type": "image", "text": None, "image": None}, {"type": "text", "text": "Red?", "image": None}]
    cleaned = clean_prompt([{"role": "user", "content": blocks}], "s0")
    assert cleaned == [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Red?"}]}]


def test_options_become_json_however_they_are_stored(tmp_path: Path) -> None:
    rows = [{**row, "options": {"A": "red", "B": "blue"}} for row in make_rows(2)]
    given = training_dataset(read(tmp_path, rows), [0])[0]["options"]
    assert given == '{"A": "red", "B": "blue"}'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": []}, "another number of pictures"),
        ({"prompt": "not json"}, "The prompt of sample s0 is not JSON"),
    ],
)
def test_a_sample_that_cannot_be_asked_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    rows = [{**row, "prompt": json.dumps(row["prompt"])} for row in make_rows()]
    with pytest.raises(GpuFault, match=message) as caught:
        read(tmp_path, [rows[0] | change, *rows[1:]])
    assert caught.value.code == "bad_input"


def test_a_file_without_its_columns_or_rows_is_bad_input(tmp_path: Path) -> None:
    lacking = [{k: v for k, v in row.items() if k != "skill"} for row in make_rows()]
    with pytest.raises(GpuFault, match="lacks the columns skill"):
        read(tmp_path, lacking)
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(GpuFault, match="cannot be read"):
        TrainingRows(tmp_path / "torn.parquet")


def test_a_picture_that_is_none_is_named_when_it_is_needed(tmp_path: Path) -> None:
    rows = make_rows()
    rows[0]["images"] = [{"bytes": b"no picture", "path": None}]
    with pytest.raises(GpuFault, match="The picture of sample s0 cannot be read"):
        training_dataset(read(tmp_path, rows), [0])[0]
