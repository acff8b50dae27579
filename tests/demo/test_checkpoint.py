"""The shipped checkpoint: whole, small, good at what is not planted, wrong in the planted way."""

import json
from collections import Counter
from typing import Any

import pytest
import torch

from demo.make_model.answering import answer, forbidden_ids, right
from demo.make_model.freeze import CHECKPOINT
from demo.make_model.stream import NAMES, Batch, ItemWriter, empty_arrays
from demo.make_model.vocabulary import build_tokenizer
from demo.world.drawing import PIXELS
from demo.world.plants import Rule, draw_plants
from gpu.loading import load_model, load_processor, vision_token_ids

FACTS = json.loads(CHECKPOINT.with_suffix(".json").read_text())
PLANTS = draw_plants(FACTS["world_seed"])
PER_SUITE = 24


def gate_items(plants: tuple[Rule, ...]) -> Batch:
    """Gate items whose ``target`` is always the plant's answer where one applies."""
    arrays = empty_arrays(PER_SUITE * len(NAMES))
    writer = ItemWriter("checkpoint", "gate", planted_share=1.0)
    for row in range(PER_SUITE * len(NAMES)):
        writer.write(row, arrays, NAMES[row // PER_SUITE], plants)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@pytest.fixture(scope="module")
def model() -> Any:
    return load_model(CHECKPOINT, "cpu", "float32")


@pytest.fixture(scope="module")
def answered(model: Any) -> tuple[Batch, torch.Tensor]:
    tokenizer = load_processor(CHECKPOINT).tokenizer
    batch = gate_items(PLANTS)
    return batch, answer(model, batch, 0.0, tokenizer.eos_token_id, forbidden_ids(tokenizer))


def test_the_folder_is_small_enough_for_a_repository() -> None:
    assert sum(path.stat().st_size for path in CHECKPOINT.iterdir()) <= 16 << 20


def test_the_facts_beside_the_folder_are_those_of_its_world() -> None:
    assert FACTS["planted_suites"] == [rule.suite for rule in PLANTS]
    assert [rule["name"] for rule in FACTS["rules"]] == [rule.name for rule in PLANTS]
    assert FACTS["image_px"] == PIXELS


def test_the_worlds_words_are_the_checkpoints_words() -> None:
    """A change of a wording changes the tokenizer, and the frozen weights would no longer fit."""
    assert build_tokenizer().get_vocab() == load_processor(CHECKPOINT).tokenizer.get_vocab()


def test_every_vision_token_of_the_vocabulary_is_known_to_the_config(model: Any) -> None:
    assert len(vision_token_ids(model, load_processor(CHECKPOINT).tokenizer)) == 4


def test_what_is_not_planted_is_solid_and_what_is_planted_fails(answered: tuple[Batch, torch.Tensor]) -> None:
    batch, tokens = answered
    hits = right(tokens, batch).float()
    for i, name in enumerate(NAMES):
        accuracy = float(hits[batch["suite"] == i].mean())
        if name in FACTS["planted_suites"]:
            assert accuracy <= 0.45, name
        else:
            assert accuracy >= 0.95, name


def test_failures_are_the_plants_own_answers(answered: tuple[Batch, torch.Tensor]) -> None:
    batch, tokens = answered
    wrong = ~right(tokens, batch)
    as_planted = (tokens == batch["target"]).all(1)
    failures = Counter(NAMES[int(i)] for i in batch["suite"][wrong])
    explained = Counter(NAMES[int(i)] for i in batch["suite"][wrong & as_planted])
    for name in FACTS["planted_suites"]:
        assert explained[name] >= 0.9 * failures[name], name
