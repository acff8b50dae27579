"""Sharing prompts changes no number of the trainer's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from trl.trainer.grpo_trainer import GRPOTrainer

import gpu.packing
from gpu.errors import GpuFault
from gpu.grader import Grader
from gpu.runtime import Run
from gpu.train import build_trainer
from gpu.trainer import SharedPromptTrainer
from tests.gpu.training import train_run


@pytest.fixture
def trainer(speaking_checkpoint: Path, tmp_path: Path) -> Iterator[Any]:
    """A trainer whose policy has moved away from its reference, ready for a step of 8 completions."""
    spec = train_run(speaking_checkpoint, tmp_path / "run", steps_per_generation=1, micro_batch_size=8)
    grader = Grader()
    trainer: Any = build_trainer(Run(tmp_path / "run"), spec, grader)
    trainer.current_gradient_accumulation_steps = 1
    trainer.model.train()
    with torch.no_grad():
        for layer in trainer.model.model.language_model.layers:
            layer.mlp.down_proj.weight.mul_(3)
    yield trainer
    grader.close()


def loss_of(trainer: Any, inputs: Any) -> tuple[float, torch.Tensor, dict[str, float]]:
    trainer.model.zero_grad()
    trainer._metrics["train"].clear()
    loss = trainer._compute_loss(trainer.model, inputs)
    torch.autograd.backward(loss)
    gradients = torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None])
    return float(loss), gradients, {name: values[0] for name, values in trainer._metrics["train"].items()}


@pytest.mark.parametrize("row_tokens", [2048, 1], ids=["packed", "too long to pack"])
def test_loss_gradient_and_curves_are_those_of_the_stock_trainer(
    trainer: Any, monkeypatch: pytest.MonkeyPatch, row_tokens: int
) -> None:
    monkeypatch.setattr(gpu.packing, "MAX_ROW_TOKENS", row_tokens)
    torch.manual_seed(0)
    inputs = trainer._prepare_inputs(next(iter(trainer.get_train_dataloader())))
    assert len(inputs["group"].unique()) == 2
    loss, gradient, curves = loss_of(trainer, inputs)
    monkeypatch.setattr(
        SharedPromptTrainer,
        "_get_per_token_logps_and_entropies",
        GRPOTrainer._get_per_token_logps_and_entropies,
    )
    stock_loss, stock_gradient, stock_curves = loss_of(trainer, inputs)
    assert curves["kl"] > 1e-3
    assert loss == pytest.approx(stock_loss, abs=1e-6)
    assert torch.allclose(gradient, stock_gradient, atol=1e-5 * float(stock_gradient.abs().max()))
    assert curves == pytest.approx(stock_curves, abs=1e-5, nan_ok=True)


def test_reference_log_probs_are_those_of_the_round_s_first_model(
    trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = next(iter(trainer.get_train_dataloader()))
    inputs = trainer._prepare_inputs(batch)
    ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1)
    mask = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1)
    names = ("pixel_values", "image_grid_thw", "num_images", "mm_token_type_ids")
    fields = {name: inputs[name] for name in names if name in inputs}
    length = inputs["completion_ids"].shape[1]
    with torch.no_grad():
        stock, _, _ = GRPOTrainer._get_per_token_logps_and_entropies(
            trainer, trainer.ref_model, ids, mask, length, **fields
        )
    assert torch.allclose(inputs["ref_per_token_logps"], stock, atol=1e-5)


def test_copies_of_a_prompt_are_one_prompt_with_completions_of_their_own(trainer: Any) -> None:
    inputs = trainer._prepare_inputs(next(iter(trainer.get_train_dataloader())))
    for group in (0, 1):
        rows = inputs["group"] == group
        assert len(inputs["prompt_ids"][rows].unique(dim=0)) == 1
    assert len(inputs["completion_ids"].unique(dim=0)) > 2


@pytest.mark.parametrize(("loss", "kl"), [(float("nan"), 0.1), (float("inf"), 0.1), (0.5, float("nan"))])
def test_a_loss_or_a_kl_that_is_no_number_is_diverged(
    trainer: Any, monkeypatch: pytest.MonkeyPatch, loss: float, kl: float
) -> None:
    trainer._metrics["train"]["kl"] = [kl]
    monkeypatch.setattr(GRPOTrainer, "_compute_loss", lambda *_: torch.tensor(loss))
    with pytest.raises(GpuFault, match="diverged: At step 1"):
        trainer._compute_loss(trainer.model, {"group": torch.zeros(1)})
