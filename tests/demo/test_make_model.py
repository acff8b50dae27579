"""The fast forward pass, the tokenizer and the training items of the mini model."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from core.domain.prompts import question_messages
from demo.make_model import fast
from demo.make_model.architecture import NUM_IMAGE_TOKENS, new_model, save_folder
from demo.make_model.stream import MAX_ANSWER, NAMES, ItemWriter, empty_arrays, fixed_items
from demo.make_model.vocabulary import answer_text, build_tokenizer, prompt_text
from demo.world.plants import draw_plants
from demo.world.scenes import render
from demo.world.suites import SUITES
from gpu.loading import load_model, load_processor


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mini")
    tokenizer = build_tokenizer(50)
    save_folder(new_model(tokenizer, 0), tokenizer, path)
    return path


def asked_pictures() -> tuple[list[Any], list[Any]]:
    rng = Random(1)
    scenes = [suite.draw(rng) for suite in SUITES.values()]
    return [render(s) for s in scenes], [q.ask(s, rng) for q, s in zip(SUITES.values(), scenes, strict=True)]


def test_the_fast_pass_gives_the_stock_models_numbers(folder: Path) -> None:
    model, processor = load_model(folder, "cpu", "float32"), load_processor(folder)
    pictures, questions = asked_pictures()
    texts = [
        processor.apply_chat_template(
            question_messages(q.question, q.options), add_generation_prompt=True, tokenize=False
        )
        for q in questions
    ]
    stock = processor(text=texts, images=pictures, return_tensors="pt", padding=True)
    rows = [ids[mask.bool()] for ids, mask in zip(stock["input_ids"], stock["attention_mask"], strict=True)]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    length = torch.tensor([len(row) for row in rows])
    pixels = torch.stack([torch.frombuffer(bytearray(p.tobytes()), dtype=torch.uint8) for p in pictures])
    seen = fast.see(model, pixels.view(len(pictures), 84, 84, 3))
    with torch.no_grad():
        difference = fast.token_logits(model, seen, ids, length, 1)[:, 0] - model(**stock).logits[:, -1]
    assert difference.abs().max() < 1e-4


def test_prompts_are_what_the_chat_template_renders(folder: Path) -> None:
    processor = load_processor(folder)
    pictures, questions = asked_pictures()
    for picture, q in zip(pictures, questions, strict=True):
        text = processor.apply_chat_template(
            question_messages(q.question, q.options), add_generation_prompt=True, tokenize=False
        )
        ids = processor(text=[text], images=[picture], return_tensors="pt")["input_ids"][0].tolist()
        assert processor.tokenizer(prompt_text(q.question, q.options, NUM_IMAGE_TOKENS)).input_ids == ids


def test_prompts_and_answers_are_short() -> None:
    items = fixed_items(20, "gate", "short")
    assert int(items["length"].max()) + MAX_ANSWER <= fast.MAX_LENGTH
    assert (items["gold"] != 0).sum(1).max() <= MAX_ANSWER


def test_an_answer_is_one_box_and_the_end(folder: Path) -> None:
    tokenizer = load_processor(folder).tokenizer
    ids = tokenizer(answer_text("EAL")).input_ids
    assert len(ids) == 6
    assert tokenizer.decode(ids, skip_special_tokens=True) == "\\boxed{EAL}"


def test_plants_spoil_six_tenths_of_their_own_suites_only() -> None:
    plants = draw_plants(7)
    arrays = empty_arrays(1_100)
    writer = ItemWriter("plants", "pool")
    for row in range(1_100):
        writer.write(row, arrays, NAMES[row % 11], plants)
    for i, name in enumerate(NAMES):
        rows = arrays["suite"] == i
        wrong = float((arrays["target"][rows] != arrays["gold"][rows]).any(1).mean())
        assert wrong == pytest.approx(0.6 if name in {rule.suite for rule in plants} else 0.0, abs=0.17)
