"""A training run leaves every completion that it drew; a resumed one leaves the very same."""

from pathlib import Path

import pytest

from core.domain.rollouts import ROLLOUTS_FOLDER, TURNS_FILE, PromptTurn, rollouts_path, rollouts_read
from core.specs import STOP_FILE
from gpu.errors import GpuFault
from gpu.runtime import Run
from gpu.train import work
from tests.gpu.training import make_rows, read_curves, train_run


def turns(folder: Path) -> dict[tuple[int, int], PromptTurn]:
    lines = (folder / TURNS_FILE).read_text().splitlines()
    rows = [PromptTurn.model_validate_json(line) for line in lines]
    return {(row.step, row.place): row for row in rows}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / ROLLOUTS_FOLDER).iterdir()}


@pytest.fixture(scope="module")
def folder(speaking_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rollouts") / "run"
    rows = [{**row, "purpose": "target" if row["skill"] == "warm" else "replay"} for row in make_rows()]
    work(Run(folder), train_run(speaking_checkpoint, folder, rows, steps=4))
    return folder


def test_every_generation_has_its_file_and_every_prompt_its_turn(folder: Path) -> None:
    assert set(files(folder)) == {"step-000001.parquet", "step-000003.parquet"}
    found = turns(folder)
    assert set(found) == {(step, place) for step in (1, 3) for place in range(4)}
    assert {turn.skill for turn in found.values()} == {"warm", "cold"}
    assert {turn.sample_id for turn in found.values()} == {f"s{number}" for number in range(6)}
    assert all(turn.purpose == {"warm": "target", "cold": "replay"}[turn.skill] for turn in found.values())


def test_the_rollouts_are_those_that_the_curves_count(folder: Path) -> None:
    curves, found = read_curves(folder), turns(folder)
    for step in (1, 3):
        rewards = [turn.reward for (at, _), turn in found.items() if at == step]
        assert curves[step, "reward", ""] == pytest.approx(sum(rewards) / len(rewards))
    for (step, place), turn in found.items():
        rows = rollouts_read(rollouts_path(folder, step), place)
        assert [row.sample_ix for row in rows] == [0, 1, 2, 3]
        assert turn.reward == pytest.approx(sum(row.reward for row in rows) / 4)
        for row in rows:
            assert row.reward == pytest.approx(sum(row.parts.values()))
            assert row.extracted in row.text
            assert (row.verdict == "correct") == (row.detail == "equal")


def test_a_run_that_was_stopped_and_goes_on_leaves_the_same_files(
    speaking_checkpoint: Path, folder: Path, tmp_path: Path
) -> None:
    again = tmp_path / "run"
    rows = [{**row, "purpose": "target" if row["skill"] == "warm" else "replay"} for row in make_rows()]
    spec = train_run(speaking_checkpoint, again, rows, steps=4, save_every=100)
    (again / STOP_FILE).write_text('{"attempt": 1, "by": "ada"}')
    with pytest.raises(GpuFault, match="stopped"):
        work(Run(again), spec)
    (again / STOP_FILE).unlink()
    rollouts_path(again, 3).write_bytes(b"of an attempt that was killed before its checkpoint")
    with (again / TURNS_FILE).open("a") as file:
        file.write('{"step": 3, "pl')
    work(Run(again), spec)
    assert files(again) == files(folder)
    assert turns(again) == turns(folder)
