"""Training ends with the same weights whatever happened on the way, and says what it did."""

import itertools
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.domain.files import hash_checkpoint
from core.specs import FINAL_FOLDER, METRICS_FILE, PROGRESS_FILE, RESULT_FILE, STOP_FILE, Progress, TrainResult
from gpu.checkpoints import COMPLETE_FILE
from gpu.errors import GpuFault
from gpu.loading import load_model, load_processor
from gpu.runtime import Run
from gpu.train import work
from tests.gpu.runs import run_child, start_child, wait_until
from tests.gpu.training import make_rows, read_curves, train_run

Trained = tuple[Path, TrainResult]
MEASURED = ("step_time", "num_tokens", "time/", "speed/", "memory/")


@pytest.fixture(scope="module")
def undisturbed(speaking_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    spec = train_run(speaking_checkpoint, folder)
    return folder, work(Run(folder), spec)


def test_the_final_folder_is_a_checkpoint_like_the_first_with_other_weights(
    speaking_checkpoint: Path, undisturbed: Trained
) -> None:
    folder, result = undisturbed
    final = folder / FINAL_FOLDER
    assert result.steps == 8
    assert result.checkpoint_hash == hash_checkpoint(final) != hash_checkpoint(speaking_checkpoint)
    before, after = (load_file(path / "model.safetensors") for path in (speaking_checkpoint, final))
    assert {k: (v.dtype, v.shape) for k, v in before.items()} == {k: (v.dtype, v.shape) for k, v in after.items()}
    assert any(not torch.equal(before[name], after[name]) for name in before)
    names = {path.name for path in final.iterdir()}
    assert names == {path.name for path in speaking_checkpoint.iterdir()}
    for name in names - {"model.safetensors"}:
        assert (final / name).read_bytes() == (speaking_checkpoint / name).read_bytes()
    load_processor(final)
    load_model(final, "cpu", "float32")
    assert not list(folder.glob("checkpoint-*"))


def test_rewards_rise_and_every_step_has_its_curves(undisturbed: Trained) -> None:
    curves = read_curves(undisturbed[0])
    every_step = {name for step, name, skill in curves if step == 8 and not skill}
    assert every_step >= {"loss", "grad_norm", "learning_rate", "kl", "entropy", "clip_ratio/region_mean", "step_time"}
    generations = {name for step, name, skill in curves if step == 1 and not skill}
    assert generations >= {"reward", "reward_std", "frac_reward_zero_std", "completions/mean_length"}
    assert generations >= {"completions/clipped_ratio", "rewards/accuracy", "rewards/format", "rewards/unscored"}
    assert (1, "reward", "warm") in curves
    assert (1, "frac_reward_zero_std", "cold") in curves
    assert {step for step, _, _ in curves} == set(range(1, 9))
    for name in ("rewards/accuracy", "completions/mean_length", "kl", "entropy", "clip_ratio/region_mean"):
        assert {skill for step, found, skill in curves if (step, found) == (1, name)} == {"", "warm", "cold"}, name
    assert every_step >= {"time/update", "memory/host_mb"}
    assert generations >= {"time/generate", "time/score", "speed/tokens_per_s"}
    assert curves[7, "reward", ""] > curves[1, "reward", ""]
    assert max(curves[step, "grad_norm", ""] for step in range(1, 9)) > 0


def test_a_run_killed_in_its_second_pass_ends_with_the_very_same_weights(
    speaking_checkpoint: Path, tmp_path: Path, undisturbed: Trained
) -> None:
    folder = tmp_path / "run"
    train_run(speaking_checkpoint, folder)
    child = start_child("tests.gpu.halting_train", folder)
    metrics = folder / METRICS_FILE
    wait_until(lambda: child.poll() is not None or (metrics.exists() and '"step":5' in metrics.read_text()))
    child.kill()
    child.wait()
    assert (folder / "checkpoint-4" / COMPLETE_FILE).exists()
    assert not (folder / RESULT_FILE).exists()
    assert not (folder / FINAL_FOLDER).exists()
    torn = folder / "checkpoint-6"
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"torn")
    with (folder / METRICS_FILE).open("a") as file:
        file.write('{"step": 5, "na')
    code, output = run_child("gpu.train", folder)
    assert code == 0, output
    result = TrainResult.model_validate_json((folder / RESULT_FILE).read_bytes())
    assert result.checkpoint_hash == undisturbed[1].checkpoint_hash
    wanted, got = ({k: v for k, v in read_curves(path).items() if not k[1].startswith(MEASURED)}
                   for path in (undisturbed[0], folder))  # fmt: skip
    assert got == wanted


def test_a_loss_that_explodes_ends_the_run_as_diverged(speaking_checkpoint: Path, tmp_path: Path) -> None:
    spec = train_run(speaking_checkpoint, tmp_path / "run", learning_rate=1e12, steps=4)
    with pytest.raises(GpuFault) as caught:
        work(Run(tmp_path / "run"), spec)
    assert caught.value.code == "diverged"
    assert not (tmp_path / "run" / FINAL_FOLDER).exists()


def test_progress_tells_the_phase_and_the_step(
    speaking_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    seen: list[Progress] = []

    def noted(path: Path, data: str) -> None:
        if path.name == PROGRESS_FILE:
            seen.append(Progress.model_validate_json(data))
        else:
            path.write_text(data)

    monkeypatch.setattr("gpu.runtime.write_atomic", noted)
    work(Run(folder), train_run(speaking_checkpoint, folder, steps=2, steps_per_generation=1, save_every=1))
    phases = [key for key, _ in itertools.groupby((news.phase, news.done) for news in seen)]
    assert phases[:5] == [("generate", 0), ("score", 0), ("update", 0), ("save", 1), ("generate", 1)]
    assert phases[-1] == ("save", 2)
    assert all(a.beat < b.beat for a, b in itertools.pairwise(seen))


def test_a_reward_that_cannot_be_computed_stops_the_run(speaking_checkpoint: Path, tmp_path: Path) -> None:
    rows = [{**row, "answer_type": "poem"} for row in make_rows()]
    spec = train_run(speaking_checkpoint, tmp_path / "run", rows)
    with pytest.raises(GpuFault, match="reward_failed"):
        work(Run(tmp_path / "run"), spec)


def test_a_run_that_is_asked_to_stop_ends_between_generations_and_goes_on_to_the_same_weights(
    speaking_checkpoint: Path, tmp_path: Path, undisturbed: Trained
) -> None:
    folder = tmp_path / "run"
    spec = train_run(speaking_checkpoint, folder, save_every=100)
    (folder / STOP_FILE).write_text('{"attempt": 1, "by": "ada"}')
    with pytest.raises(GpuFault, match="stopped: Stopped after step 2 of 8"):
        work(Run(folder), spec)
    assert (folder / "checkpoint-2" / COMPLETE_FILE).exists()
    (folder / STOP_FILE).unlink()
    result = work(Run(folder), spec)
    assert result.checkpoint_hash == undisturbed[1].checkpoint_hash
