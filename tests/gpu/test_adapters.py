"""LoRA trains adapters on the language model alone; what is promoted is one full model that answers the same."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from core.specs import FINAL_FOLDER, GrpoSettings, TrainResult
from gpu.adapters import freeze, lora_config, merged
from gpu.errors import GpuFault
from gpu.grader import Grader
from gpu.loading import load_model
from gpu.runtime import Run
from gpu.train import build_trainer, work
from tests.gpu.test_vision import SAME, make_inputs
from tests.gpu.training import train_run

LORA: dict[str, Any] = {"lora_rank": 4, "lora_alpha": 8, "learning_rate": 2e-2}
Trained = tuple[Path, TrainResult]


@pytest.fixture(scope="module")
def undisturbed(speaking_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("lora") / "run"
    return folder, work(Run(folder), train_run(speaking_checkpoint, folder, **LORA))


def test_adapters_sit_on_every_linear_layer_of_the_language_model_and_nowhere_else(checkpoint: Path) -> None:
    model = load_model(checkpoint, "cpu", "float32")
    config = lora_config(model, GrpoSettings(lora_rank=4))
    assert config is not None and config.target_modules is not None
    names = {name.rsplit(".", 1)[1] for name in config.target_modules}
    assert names == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert len(config.target_modules) == 2 * 7
    assert all(name.startswith("model.language_model.layers.") for name in config.target_modules)
    assert lora_config(model, GrpoSettings()) is None


def test_the_final_folder_is_the_parent_with_other_language_weights(
    speaking_checkpoint: Path, undisturbed: Trained
) -> None:
    before, after = (load_file(p / "model.safetensors") for p in (speaking_checkpoint, undisturbed[0] / FINAL_FOLDER))
    assert {k: (v.dtype, v.shape) for k, v in before.items()} == {k: (v.dtype, v.shape) for k, v in after.items()}
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all("proj" in name and "visual" not in name for name in changed)


def test_the_merged_model_answers_as_the_model_with_adapters(speaking_checkpoint: Path, tmp_path: Path) -> None:
    spec = train_run(speaking_checkpoint, tmp_path / "run", **LORA)
    grader = Grader()
    model: Any = build_trainer(Run(tmp_path / "run"), spec, grader).model
    grader.close()
    torch.manual_seed(0)
    for name, weights in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.1)
    inputs = make_inputs(model.get_base_model(), SAME)
    with torch.no_grad():
        adapted = model(**inputs).logits
        with model.disable_adapter():
            base = model(**inputs).logits
        whole = merged(model)(**inputs).logits
    real = inputs["attention_mask"].bool()
    assert torch.allclose(adapted[real], whole[real], atol=1e-4)
    assert not torch.allclose(adapted[real], base[real], atol=1e-2)


def test_a_stopped_lora_run_goes_on_to_the_very_same_weights(
    speaking_checkpoint: Path, tmp_path: Path, undisturbed: Trained
) -> None:
    folder = tmp_path / "run"
    spec = train_run(speaking_checkpoint, folder, **LORA)
    (folder / "stop.json").write_text('{"attempt": 1, "by": "ada"}')
    with pytest.raises(GpuFault, match="stopped"):
        work(Run(folder), spec)
    (folder / "stop.json").unlink()
    assert work(Run(folder), spec).checkpoint_hash == undisturbed[1].checkpoint_hash


def test_the_reference_is_the_base_model_also_when_adapters_have_moved(
    speaking_checkpoint: Path, tmp_path: Path
) -> None:
    spec = train_run(speaking_checkpoint, tmp_path / "run", **LORA, steps_per_generation=1, micro_batch_size=8)
    grader = Grader()
    trainer: Any = build_trainer(Run(tmp_path / "run"), spec, grader)
    trainer.model.train()
    batch = next(iter(trainer.get_train_dataloader()))
    torch.manual_seed(0)
    fresh = trainer._prepare_inputs(batch)
    for name, weights in trainer.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.1)
    ids = torch.cat([fresh["prompt_ids"], fresh["completion_ids"]], 1)
    mask = torch.cat([fresh["prompt_mask"], fresh["completion_mask"]], 1)
    names = ("pixel_values", "image_grid_thw", "num_images", "mm_token_type_ids")
    fields = {name: fresh[name] for name in names if name in fresh}
    length = fresh["completion_ids"].shape[1]
    with torch.no_grad(), trainer.model.disable_adapter():
        base, _, _ = trainer._get_per_token_logps_and_entropies(trainer.model, ids, mask, length, **fields)
    with torch.no_grad():
        moved, _, _ = trainer._get_per_token_logps_and_entropies(trainer.model, ids, mask, length, **fields)
    grader.close()
    assert torch.allclose(fresh["ref_per_token_logps"], base, atol=1e-5)
    assert not torch.allclose(moved, base, atol=1e-2)


def test_a_frozen_vision_tower_learns_nothing(speaking_checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    work(Run(folder), train_run(speaking_checkpoint, folder, freeze_vision=True, steps=2))
    before, after = (load_file(p / "model.safetensors") for p in (speaking_checkpoint, folder / FINAL_FOLDER))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and not any("visual" in name for name in changed)


def test_freezing_is_off_unless_asked_for(checkpoint: Path) -> None:
    model = load_model(checkpoint, "cpu", "float32")
    assert all(p.requires_grad for p in freeze(model, GrpoSettings()).parameters())
