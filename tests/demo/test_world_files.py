"""The mini world's benchmark files and image pools."""

import base64
import csv
import json
from pathlib import Path

from demo.world.files import COLUMNS, benchmark_rows, write_benchmark, write_pool
from demo.world.scenes import read_scene, scene_hash
from demo.world.splits import world_split
from demo.world.suites import SUITES, understand


def test_a_benchmark_file_holds_true_answers_to_its_own_pictures(tmp_path: Path) -> None:
    write_benchmark(tmp_path / "shape.tsv", "shape", "gate", 20, seed=1)
    with (tmp_path / "shape.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 20
    assert tuple(rows[0]) == COLUMNS
    for row in rows:
        scene = read_scene(base64.b64decode(row["image"]))
        asked = understand(scene, row["question"], {letter: row[letter] for letter in "ABCD"})
        assert asked is not None
        assert (asked.answer, row["split"], row["category"]) == (row["answer"], "gate", "shape.name")
        assert world_split(scene_hash(scene)) == "gate"


def test_an_open_question_leaves_the_options_empty() -> None:
    row = benchmark_rows("clock", "probe", 1, seed=1)[0]
    assert [row[letter] for letter in "ABCD"] == [""] * 4
    assert row["answer_type"] == "number"


def test_a_pool_lists_every_picture_and_never_its_skill(tmp_path: Path) -> None:
    index = write_pool(tmp_path, per_suite=3, seed=1)
    lines = [json.loads(line) for line in index.read_text().splitlines()]
    assert len(lines) == 3 * len(SUITES)
    for line in lines:
        assert set(line) == {"file", "image_type", "licence", "source", "caption"}
        scene = read_scene((tmp_path / line["file"]).read_bytes())
        assert world_split(scene_hash(scene)) == "pool"


def test_equal_seeds_give_equal_pools(tmp_path: Path) -> None:
    one, other = write_pool(tmp_path / "a", 2, seed=4), write_pool(tmp_path / "b", 2, seed=4)
    assert one.read_bytes() == other.read_bytes()
    assert one.read_bytes() != write_pool(tmp_path / "c", 2, seed=5).read_bytes()
