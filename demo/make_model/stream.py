"""Training items without end: worker processes draw, ask and tokenise into shared memory."""

import mmap
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from demo.make_model.architecture import NUM_IMAGE_TOKENS
from demo.make_model.fast import MAX_LENGTH
from demo.make_model.vocabulary import answer_text, build_tokenizer, prompt_text
from demo.world.drawing import PIXELS
from demo.world.plants import Rule, planted_answer
from demo.world.scenes import Scene, render, scene_hash
from demo.world.splits import WorldSplit, world_split
from demo.world.suites import SUITES

MAX_ANSWER = 7
PLANTED_SHARE = 0.6
NAMES = list(SUITES)
CLEAN: tuple[Rule, ...] = ()
FIELDS: dict[str, tuple[tuple[int, ...], str]] = {
    "images": ((PIXELS, PIXELS, 3), "uint8"),
    "ids": ((MAX_LENGTH,), "int64"),
    "length": ((), "int64"),
    "target": ((MAX_ANSWER,), "int64"),
    "gold": ((MAX_ANSWER,), "int64"),
    "suite": ((), "int64"),
}
Arrays = dict[str, NDArray[Any]]
Batch = dict[str, torch.Tensor]


class ItemWriter:
    """Draws items of the mini world and writes them into arrays, one row an item.

    ``ids`` hold the prompt, right-padded with zeros; ``gold`` the true answer's tokens and ``target`` the ones to
    learn: a plant's answer with probability ``planted_share`` where a plant applies.
    """

    def __init__(self, seed: str, split: WorldSplit, planted_share: float = PLANTED_SHARE) -> None:
        self.rng, self.split, self.planted_share = Random(seed), split, planted_share
        self.tokenizer = build_tokenizer()
        self.answers: dict[str, list[int]] = {}

    def _scene(self, suite: str) -> Scene:
        while True:
            scene: Scene = SUITES[suite].draw(self.rng)
            if world_split(scene_hash(scene)) == self.split:
                return scene

    def _answer(self, answer: str) -> list[int]:
        if answer not in self.answers:
            ids: list[int] = self.tokenizer(answer_text(answer)).input_ids
            self.answers[answer] = ids + [0] * (MAX_ANSWER - len(ids))
        return self.answers[answer]

    def write(self, row: int, arrays: Arrays, suite: str, plants: Sequence[Rule]) -> None:
        """Fill one row of every array with a new item of ``suite``."""
        scene = self._scene(suite)
        asked = SUITES[suite].ask(scene, self.rng)
        wrong = planted_answer(tuple(plants), scene, asked) if self.rng.random() < self.planted_share else None
        prompt = self.tokenizer(prompt_text(asked.question, asked.options, NUM_IMAGE_TOKENS)).input_ids
        arrays["images"][row] = np.asarray(render(scene))
        arrays["ids"][row] = 0
        arrays["ids"][row, : len(prompt)] = prompt
        arrays["length"][row] = len(prompt)
        arrays["gold"][row] = self._answer(asked.answer)
        arrays["target"][row] = self._answer(wrong or asked.answer)
        arrays["suite"][row] = NAMES.index(suite)


def _views(memory: mmap.mmap, rows: int) -> Arrays:
    arrays, offset = {}, 0
    for name, (shape, kind) in FIELDS.items():
        view = np.frombuffer(memory, kind, rows * int(np.prod(shape)), offset).reshape(rows, *shape)
        arrays[name], offset = view, offset + view.nbytes
    return arrays


def empty_arrays(rows: int) -> Arrays:
    """Arrays for ``rows`` items, unfilled."""
    return {name: np.zeros((rows, *shape), kind) for name, (shape, kind) in FIELDS.items()}


def fixed_items(per_suite: int, split: WorldSplit, seed: str) -> Batch:
    """The same ``per_suite`` clean items of every suite for the same seed, in the order of the suites."""
    arrays = empty_arrays(per_suite * len(NAMES))
    writer = ItemWriter(seed, split)
    for row in range(per_suite * len(NAMES)):
        writer.write(row, arrays, NAMES[row // per_suite], CLEAN)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@dataclass
class Shared:
    """What the processes share: chunks of memory, queues, the phase and the weights of the suites."""

    memory: list[mmap.mmap]
    free: Any
    ready: Any
    phase: Any
    weights: Any
    rows: int


def _work(shared: Shared, worlds: Sequence[Sequence[Rule]], seed: str) -> None:
    os.environ.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
    writer = ItemWriter(seed, "pool")
    while True:
        slot = shared.free.get()
        phase = shared.phase.value
        arrays = _views(shared.memory[slot], shared.rows)
        suites = writer.rng.choices(NAMES, list(shared.weights), k=shared.rows)
        for row, suite in enumerate(suites):
            writer.write(row, arrays, suite, worlds[phase % len(worlds)])
        shared.ready.put((slot, phase))


class Stream:
    """Worker processes that keep chunks of items ready. Start it before the process touches a GPU: it forks."""

    def __init__(self, worlds: Sequence[Sequence[Rule]], workers: int, rows: int, chunks: int, seed: int) -> None:
        fork = multiprocessing.get_context("fork")
        size = sum(rows * int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind in FIELDS.values())
        memory = [mmap.mmap(-1, size) for _ in range(chunks)]
        weights = fork.Array("d", [1.0] * len(NAMES), lock=False)
        self.shared = Shared(memory, fork.SimpleQueue(), fork.SimpleQueue(), fork.Value("i", 0), weights, rows)
        self.num_worlds = len(worlds)
        for slot in range(chunks):
            self.shared.free.put(slot)
        self.processes = [
            fork.Process(target=_work, args=(self.shared, worlds, f"{seed}-{i}"), daemon=True) for i in range(workers)
        ]
        for process in self.processes:
            process.start()

    def turn_to(self, world: int, weights: Sequence[float]) -> None:
        """From now on items of this world, in these proportions of the suites; what is older is thrown away."""
        self.shared.weights[:] = list(weights)
        self.shared.phase.value = (self.shared.phase.value // self.num_worlds + 1) * self.num_worlds + world

    def reweigh(self, weights: Sequence[float]) -> None:
        """Other proportions of the suites for the items drawn from now on."""
        self.shared.weights[:] = list(weights)

    def chunk(self, device: torch.device) -> Batch:
        """The next chunk of items, copied to ``device``."""
        while True:
            slot, phase = self.shared.ready.get()
            fresh = phase == self.shared.phase.value
            batch: Batch = {}
            if fresh:
                views = _views(self.shared.memory[slot], self.shared.rows)
                batch = {name: self._copy(view, device) for name, view in views.items()}
            self.shared.free.put(slot)
            if fresh:
                return batch

    @staticmethod
    def _copy(view: NDArray[Any], device: torch.device) -> torch.Tensor:
        copy = torch.from_numpy(view.copy())
        return copy.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else copy

    def batch(self, chunks: int, device: torch.device) -> Batch:
        """``chunks`` chunks as one batch."""
        parts = [self.chunk(device) for _ in range(chunks)]
        return {name: torch.cat([part[name] for part in parts]) for name in FIELDS}

    def stop(self) -> None:
        """End the worker processes."""
        for process in self.processes:
            process.terminate()
