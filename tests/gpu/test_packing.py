"""Packed log-probabilities are those of rows of their own, gradients included."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from trl.trainer.utils import add_fused_lm_head

import gpu.packing
from gpu.loading import load_model
from gpu.packing import Answers, _pack_mask, fits, packed_log_probs
from tests.gpu.test_vision import qwen2, qwen3

LENGTH = 5


def make_answers(model: Any, group: list[int], grids: list[tuple[int, int]]) -> Answers:
    """Rows answering ``len(grids)`` prompts of unequal length; prompt p has a picture of ``grids[p]`` patches."""
    torch.manual_seed(0)
    image, prompts = model.config.image_token_id, []
    for p, (h, w) in enumerate(grids):
        prompts.append([30 + p, *[image] * (h * w // 4), *range(40, 44 + 2 * p)])
    width = max(map(len, prompts))
    rows = [[0] * (width - len(prompts[p])) + prompts[p] for p in group]
    prompt_mask = torch.tensor([[0] * (width - len(prompts[p])) + [1] * len(prompts[p]) for p in group])
    lengths = torch.tensor([1 + i % LENGTH for i in range(len(group))])
    answer_mask = (torch.arange(LENGTH) < lengths[:, None]).long()
    ids = torch.cat([torch.tensor(rows), torch.randint(50, 250, (len(group), LENGTH))], 1)
    pictures = [torch.randn(h * w, 3 * 2 * 14 * 14) for h, w in grids]
    return Answers(
        input_ids=ids,
        attention_mask=torch.cat([prompt_mask, answer_mask], 1),
        length=LENGTH,
        group=torch.tensor(group),
        mm_token_type_ids=(ids == image).int(),
        pixel_values=torch.cat([pictures[p] for p in group]),
        image_grid_thw=torch.tensor([(1, *grids[p]) for p in group]),
        num_images=[1] * len(group),
    )


def stock_log_probs(model: Any, answers: Answers) -> tuple[torch.Tensor, torch.Tensor]:
    """As ``GRPOTrainer._get_per_token_logps_and_entropies`` has it."""
    labels = answers.input_ids.masked_fill(answers.attention_mask == 0, -100)
    labels[:, : -answers.length] = -100
    names = ("input_ids", "attention_mask", "mm_token_type_ids", "pixel_values", "image_grid_thw")
    inputs = {name: getattr(answers, name) for name in names}
    output = model(**inputs, labels=labels, fused_lm_head=True)
    return output.log_probs[:, -answers.length :], output.entropy[:, -answers.length :]


def build(kind: str, checkpoint: Path) -> Any:
    torch.manual_seed(1)
    model = {"qwen2": qwen2, "qwen3": qwen3}.get(kind, lambda: load_model(checkpoint, "cpu", "float32"))()
    add_fused_lm_head(model, temperature=0.7, outputs=("log_probs", "entropy"))
    return model.train()


@pytest.mark.parametrize(
    ("group", "grids"),
    [([0, 0, 0, 1, 1, 1], [(6, 6), (6, 6)]), ([2, 0, 1, 0, 0, 2, 1], [(6, 6), (4, 8), (8, 8)])],
    ids=["groups in order", "groups mixed and of unequal size"],
)
@pytest.mark.parametrize("kind", ["qwen2", "qwen2.5", "qwen3"])
def test_log_probs_entropies_and_gradients_are_those_of_stock_rows(
    checkpoint: Path, kind: str, group: list[int], grids: list[tuple[int, int]]
) -> None:
    model = build(kind, checkpoint)
    answers = make_answers(model, group, grids)
    weights = torch.randn(len(group), LENGTH) * answers.attention_mask[:, -LENGTH:]
    results: list[Any] = []
    for log_probs, entropy in (stock_log_probs(model, answers), packed_log_probs(model, answers)):
        model.zero_grad()
        torch.autograd.backward((log_probs * weights).sum())
        gradients = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        results.append((log_probs.detach(), entropy, gradients))
    (stock, stock_entropy, stock_gradients), (packed, entropy, gradients) = results
    assert stock.abs().sum() > 1
    assert torch.allclose(stock, packed, atol=1e-5)
    assert torch.allclose(stock_entropy, entropy, atol=1e-5)
    assert torch.allclose(stock_gradients, gradients, atol=1e-5 * float(stock_gradients.abs().max()))


def test_an_answer_that_is_masked_whole_scores_zero_and_gives_finite_gradients(checkpoint: Path) -> None:
    model = build("qwen2.5", checkpoint)
    answers = make_answers(model, [0, 0, 1], [(6, 6), (6, 6)])
    answers.attention_mask[1, -LENGTH:] = 0
    log_probs, _ = packed_log_probs(model, answers)
    torch.autograd.backward(log_probs.sum())
    assert log_probs[1].abs().sum() == 0
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_every_token_sees_itself_so_that_no_row_of_the_mask_is_empty() -> None:
    mask = _pack_mask(torch.tensor([[False, False, True], [True, True, True]]), width=2, length=2)
    assert mask.diagonal(dim1=1, dim2=2).all()
    assert mask[0, :, :2].sum() == 2, "padding is seen by itself alone"


def test_a_prompt_and_its_picture_run_once(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("qwen2.5", checkpoint)
    answers = make_answers(model, [0, 1, 0, 1, 0, 1], [(6, 6), (6, 6)])
    seen: list[int] = []
    stock = model.model.visual.forward

    def counted(pixels: torch.Tensor, **kwargs: Any) -> Any:
        seen.append(len(pixels))
        return stock(pixels, **kwargs)

    monkeypatch.setattr(model.model.visual, "forward", counted)
    packed_log_probs(model, answers)
    assert seen == [2 * 36]


def test_rows_without_pictures_are_packed_too(checkpoint: Path) -> None:
    model = build("qwen2.5", checkpoint)
    answers = make_answers(model, [0, 0, 1], [(0, 0), (0, 0)])
    answers = replace(answers, pixel_values=None, image_grid_thw=None, num_images=None, mm_token_type_ids=None)
    log_probs, _ = packed_log_probs(model, answers)
    inputs = {"input_ids": answers.input_ids, "attention_mask": answers.attention_mask}
    labels = answers.input_ids.masked_fill(answers.attention_mask == 0, -100)
    output = model(**inputs, labels=labels, fused_lm_head=True)
    assert torch.allclose(log_probs, output.log_probs[:, -LENGTH:], atol=1e-5)


def test_rows_that_would_grow_too_long_do_not_fit(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = make_answers(build("qwen2.5", checkpoint), [0, 0, 0, 1], [(6, 6), (6, 6)])
    assert fits(answers)
    monkeypatch.setattr(gpu.packing, "MAX_ROW_TOKENS", 29)
    assert not fits(answers)
