"""Sharing prompts changes no number of the trainer's."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from trl.trainer.grpo_trainer import GRPOTrainer

import gpu.packing
from gpu.errors import GpuFault
from gpu.grader import Grader
from gpu.loading import load_processor
from gpu.runtime import Run
from gpu.train import build_trainer
from gpu.trainer import SharedPromptTrainer
from tests.gpu.training import make_rows, train_run


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


class Elsewhere:
    """Stands for vLLM in the trainer's process: it writes a picture's tokens itself, by the folder's own limits."""

    def __init__(self, checkpoint: Path, **limits: int) -> None:
        self.processor = load_processor(checkpoint)
        self.processor.image_processor.size = limits or self.processor.image_processor.size
        self.did: list[str] = []
        self.llm = SimpleNamespace(llm_engine=self)
        self.vllm_client = SimpleNamespace(base_url="http://a", session=SimpleNamespace(post=self.post))

    def sync_weights(self) -> None:
        self.did.append("sync")

    def reset_encoder_cache(self) -> None:
        self.did.append("forget")

    def post(self, url: str) -> Any:
        self.did.append(url)
        return SimpleNamespace(raise_for_status=lambda: None)

    def generate(self, prompts: list[list[int]], images: Any, num_generations: int) -> Any:
        self.given = prompts
        read = [self.read(ids, row or []) for ids, row in zip(prompts, images, strict=True)]
        return read, [[40, 2]] * len(prompts), [[[-1.5], [-0.5]]] * len(prompts), None

    def read(self, ids: list[int], pictures: list[Any]) -> list[int]:
        token, written = self.processor.image_token_id, list(ids)
        place = 0
        for picture in pictures:
            grid = self.processor.image_processor([picture], return_tensors="pt")["image_grid_thw"][0]
            place = written.index(token, place)
            written[place : place + 1] = [token] * int(grid.prod() // 4)
            place += int(grid.prod() // 4)
        return written


@pytest.fixture
def lowered(speaking_checkpoint: Path, tmp_path: Path) -> Iterator[Any]:
    """A trainer that sees pictures smaller than the folder's limits would have them, and generates elsewhere."""
    choices = {"max_pixels": 56 * 56, "steps_per_generation": 1, "micro_batch_size": 8}
    grader = Grader()
    spec = train_run(speaking_checkpoint, tmp_path / "run", make_rows(side=112), **choices)
    trainer: Any = build_trainer(Run(tmp_path / "run"), spec, grader)
    trainer.current_gradient_accumulation_steps, trainer._last_loaded_step = 1, -1
    trainer.use_vllm, trainer.vllm_mode = True, "colocate"
    trainer.vllm_generation = Elsewhere(speaking_checkpoint)
    yield trainer
    grader.close()


def test_vllm_reads_the_very_prompts_of_the_trainer_though_it_writes_the_pictures_tokens_itself(lowered: Any) -> None:
    inputs = lowered._prepare_inputs(next(iter(lowered.get_train_dataloader())))
    assert lowered.vllm_generation.did == ["sync", "forget"]
    places = (inputs["prompt_ids"] == lowered.processing_class.image_token_id).sum(1)
    assert set(places.tolist()) <= {0, 4} and int(places.sum()) > 0
    assert all(ids.count(lowered.processing_class.image_token_id) <= 1 for ids in lowered.vllm_generation.given)
    assert torch.equal(inputs["sampling_per_token_logps"], torch.tensor([[-1.5, -0.5]]).expand(8, -1))


def test_a_vllm_server_gets_the_prompts_with_all_of_the_pictures_tokens(lowered: Any) -> None:
    lowered.vllm_mode = "server"
    lowered.vllm_generation.read = lambda ids, pictures: ids
    inputs = lowered._prepare_inputs(next(iter(lowered.get_train_dataloader())))
    assert lowered.vllm_generation.did == ["sync", "http://a/reset_encoder_cache"]
    given = sum(ids.count(lowered.processing_class.image_token_id) for ids in lowered.vllm_generation.given)
    assert given == int((inputs["prompt_ids"] == lowered.processing_class.image_token_id).sum()) > 8


def test_prompts_that_vllm_reads_otherwise_end_the_run(lowered: Any, speaking_checkpoint: Path) -> None:
    lowered.vllm_generation = Elsewhere(speaking_checkpoint, shortest_edge=112 * 112, longest_edge=112 * 112)
    with pytest.raises(GpuFault, match="vLLM reads other prompts") as caught:
        lowered._prepare_inputs(next(iter(lowered.get_train_dataloader())))
    assert caught.value.code == "bad_input"
