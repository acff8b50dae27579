"""Answers are drawn as stock generation would draw them, whatever way they are laid out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import gpu.sampling
from core.domain.prompts import question_messages
from core.specs import Sampling
from gpu.errors import GpuFault
from gpu.loading import load_model, load_processor, vision_token_ids
from gpu.sampling import Tokens, draw, sample_answers
from gpu.vision import speed_up_vision

Loaded = tuple[Any, dict[str, torch.Tensor], Tokens]


@pytest.fixture(scope="module")
def loaded(checkpoint: Path) -> Loaded:
    """The tiny model, four prompts of unequal length (one without a picture), and the tokens that matter."""
    processor, model = load_processor(checkpoint), speed_up_vision(load_model(checkpoint, "cpu", "float32"))
    with torch.no_grad():  # strong layers, so that the next token is not simply the last one again
        for layer in model.model.language_model.layers:
            layer.mlp.down_proj.weight.mul_(150)
    random = np.random.default_rng(0)
    pictures = [Image.fromarray(random.integers(0, 255, (84, 84, 3), dtype=np.uint8)) for _ in range(3)]
    messages: Any = [question_messages("What colour is it?" + " Well?" * i, num_images=int(i < 3)) for i in range(4)]
    texts = [processor.apply_chat_template(m, add_generation_prompt=True) for m in messages]
    inputs = dict(processor(text=texts, images=pictures, padding=True, return_tensors="pt"))
    tokenizer = processor.tokenizer
    blocked = vision_token_ids(model, tokenizer)
    return model, inputs, Tokens([tokenizer.eos_token_id, *range(40, 300, 9)], blocked, tokenizer.pad_token_id)


def stock_greedy(loaded: Loaded, length: int) -> list[list[int]]:
    model, inputs, tokens = loaded
    choice = {"do_sample": False, "suppress_tokens": tokens.blocked, "eos_token_id": tokens.stop}
    ids = model.generate(**inputs, max_new_tokens=length, pad_token_id=tokens.pad, **choice)
    new = ids[:, inputs["input_ids"].shape[1] :].tolist()
    cuts = [next((i + 1 for i, t in enumerate(row) if t in tokens.stop), length) for row in new]
    return [row[:cut] for row, cut in zip(new, cuts, strict=True)]


@pytest.mark.parametrize("side_by_side", [2048, 0])
def test_greedy_answers_are_those_of_stock_generation(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch, side_by_side: int
) -> None:
    monkeypatch.setattr(gpu.sampling, "SIDE_BY_SIDE_TOKENS", side_by_side)
    model, inputs, tokens = loaded
    answers = sample_answers(model, inputs, Sampling(num_answers=2, max_new_tokens=24), tokens)
    wanted = stock_greedy(loaded, 24)
    assert [first for first, _ in answers] == wanted
    assert [second for _, second in answers] == wanted
    assert len({len(answer) for answer in wanted}) > 1, "rows must end at different steps for this test to bite"


@pytest.mark.parametrize("side_by_side", [2048, 0])
def test_every_token_is_drawn_from_the_logits_of_the_whole_text_before_it(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch, side_by_side: int
) -> None:
    monkeypatch.setattr(gpu.sampling, "SIDE_BY_SIDE_TOKENS", side_by_side)
    monkeypatch.setattr(gpu.sampling, "KEEP_FINISHED", 0.0)
    model, inputs, tokens = loaded
    steps: list[torch.Tensor] = []

    def recorded(logits: torch.Tensor, *rest: Any) -> torch.Tensor:
        steps.append(logits.reshape(12, -1))
        return draw(logits, *rest)

    monkeypatch.setattr(gpu.sampling, "draw", recorded)
    torch.manual_seed(3)
    answers = sample_answers(model, inputs, Sampling(num_answers=3, temperature=2.0, max_new_tokens=6), tokens)
    for number, answer in enumerate(answer for group in answers for answer in group):
        one = {k: inputs[k][number // 3 : number // 3 + 1] for k in ("input_ids", "attention_mask")}
        added = torch.tensor([answer[:-1]], dtype=torch.long)
        ids = torch.cat([one["input_ids"], added], 1)
        mask = torch.cat([one["attention_mask"], torch.ones_like(added)], 1)
        whole = {"input_ids": ids, "attention_mask": mask, "mm_token_type_ids": (ids == 6).int()}
        if number // 3 < 3:
            picture = slice(36 * (number // 3), 36 * (number // 3 + 1))
            whole |= {"pixel_values": inputs["pixel_values"][picture], "image_grid_thw": inputs["image_grid_thw"][:1]}
        with torch.no_grad():
            wanted = model(**whole).logits[0, -len(answer) :]
        got = torch.stack([steps[i][number] for i in range(len(answer))])
        assert torch.allclose(got, wanted, atol=1e-4)


def test_a_pad_token_that_also_ends_answers_does_not_lengthen_finished_ones(loaded: Loaded) -> None:
    model, inputs, tokens = loaded
    sampling = Sampling(num_answers=3, temperature=1.0, max_new_tokens=12)
    padded_by_stop = Tokens(tokens.stop, tokens.blocked, tokens.stop[0])
    answers = sample_answers(model, inputs, sampling, padded_by_stop, torch.Generator().manual_seed(0))
    for answer in (answer for group in answers for answer in group):
        assert all(token not in tokens.stop for token in answer[:-1])


def test_sampled_answers_differ_within_a_prompt_and_repeat_with_the_seed(loaded: Loaded) -> None:
    model, inputs, tokens = loaded
    sampling = Sampling(num_answers=8, temperature=1.0, max_new_tokens=8)
    first, again, other = (
        sample_answers(model, inputs, sampling, tokens, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len({tuple(answer) for answer in first[0]}) > 1


def test_blocked_tokens_are_never_drawn() -> None:
    logits = torch.zeros(50, 10)
    logits[:, 4] = 100.0
    drawn = draw(logits, Sampling(temperature=1.0), [4], None)
    assert 4 not in drawn.tolist()
    assert draw(logits, Sampling(), [4], None).tolist() != [4] * 50


def test_top_k_and_top_p_leave_only_the_likeliest() -> None:
    chances = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().expand(400, 4)
    assert set(draw(chances, Sampling(temperature=1.0, top_k=2), [], None).tolist()) == {0, 1}
    assert set(draw(chances, Sampling(temperature=1.0, top_p=0.6), [], None).tolist()) == {0, 1}
    assert set(draw(chances, Sampling(temperature=1.0, top_p=0.9), [], None).tolist()) == {0, 1, 2}
    assert set(draw(chances, Sampling(temperature=1.0), [], None).tolist()) == {0, 1, 2, 3}


def test_logits_that_are_no_numbers_end_the_run_by_name() -> None:
    with pytest.raises(GpuFault, match="diverged"):
        draw(torch.tensor([[1.0, float("nan")]]), Sampling(), [], None)
