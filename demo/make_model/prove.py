"""``python -m demo.make_model.prove OUT``: one round of GRPO from the shipped checkpoint, by the product's children.

Answers the gate items, makes training items in the difficulty band, trains, answers again, and prints what rose and
what fell, paired by item.
"""

import argparse
import json
import math
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.domain.files import hash_bytes, hash_checkpoint, hash_file, write_atomic
from core.domain.prompts import PROMPT_VERSION, question_messages
from core.specs import AnswerItem, AnswerSpec, GrpoSettings, Places, Sampling, Spec, TrainSpec
from demo.make_model.freeze import CHECKPOINT
from demo.world.files import draw_scenes
from demo.world.plants import Rule, draw_plants
from demo.world.scenes import to_png
from demo.world.splits import WorldSplit
from demo.world.suites import SUITES, Question

BOXED = re.compile(r"\\boxed\{(.*)\}")
NUM_SOLVES, LOWEST, HIGHEST = 9, 3, 7
PLANTED_SHARE, SPARE, ONE_SIDED = 0.65, 1.8, 1.645


@dataclass(frozen=True)
class Item:
    """A question about a picture, named by suite and number."""

    name: str
    question: Question
    png: bytes


def items(suite: str, split: WorldSplit, number: int, seed: int) -> list[Item]:
    """``number`` items of one suite and split."""
    rng = Random(f"{suite}-{seed}")
    scenes = draw_scenes(suite, split, seed)
    drawn = [next(scenes) for _ in range(number)]
    return [Item(f"{suite}-{i}", SUITES[suite].ask(scene, rng), to_png(scene)) for i, scene in enumerate(drawn)]


@dataclass(frozen=True)
class Bench:
    """Runs the children in folders under ``out``."""

    out: Path
    threads: int

    def _child(self, module: str, folder: Path, spec: Spec) -> None:
        write_atomic(folder / "spec.json", spec.model_dump_json())
        begun, used = time.monotonic(), self._cpu_seconds()
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads)}
        subprocess.run([sys.executable, "-m", module, str(folder)], check=True, env=environment)
        used, passed = self._cpu_seconds() - used, time.monotonic() - begun
        print(f"{module} took {passed:.1f} s and {used:.1f} s of CPU", flush=True)

    @staticmethod
    def _cpu_seconds() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def _places(self, checkpoint: Path) -> Places:
        return Places(checkpoint=checkpoint, media=self.out / "media", threads=self.threads)

    def answers(self, name: str, asked: list[Item], checkpoint: Path, sampling: Sampling) -> dict[str, float]:
        """The share of right answers of every item."""
        folder = self.out / name
        lines = []
        for item in asked:
            digest = hash_bytes(item.png)
            write_atomic(self.out / "media" / digest[:2] / digest, item.png)
            messages = question_messages(item.question.question, item.question.options)
            lines.append(AnswerItem(id=item.name, messages=messages, images=[digest]).model_dump_json())
        write_atomic(folder / "items.jsonl", "\n".join(lines) + "\n")
        spec = AnswerSpec(
            checkpoint_hash=hash_checkpoint(checkpoint),
            seed=1,
            places=self._places(checkpoint),
            items_hash=hash_file(folder / "items.jsonl"),
            prompt_version=PROMPT_VERSION,
            sampling=sampling,
        )
        print(f"{name}: {len(asked)} items x {sampling.num_answers}", flush=True)
        self._child("gpu.answer", folder, spec)
        gold = {item.name: item.question.answer for item in asked}
        shares = dict.fromkeys(gold, 0.0)
        for line in (folder / "answers.jsonl").read_text().splitlines():
            row = json.loads(line)
            found = BOXED.search(row["text"])
            shares[row["id"]] += (found is not None and found[1] == gold[row["id"]]) / sampling.num_answers
        return shares

    def train(self, name: str, kept: list[Item], checkpoint: Path, settings: GrpoSettings, seed: int) -> Path:
        """The trained folder."""
        folder = self.out / name
        folder.mkdir(parents=True, exist_ok=True)
        rows: list[dict[str, Any]] = [
            {
                "prompt": json.dumps(question_messages(item.question.question, item.question.options)),
                "images": [{"bytes": item.png, "path": None}],
                "solution": item.question.answer,
                "answer_type": item.question.answer_type,
                "options": json.dumps(item.question.options) if item.question.options else "",
                "skill": SUITES[item.question.suite].skill,
                "sample_id": item.name,
            }
            for item in kept
        ]
        pq.write_table(pa.Table.from_pylist(rows), folder / "dataset.parquet")
        spec = TrainSpec(
            checkpoint_hash=hash_checkpoint(checkpoint),
            seed=seed,
            places=self._places(checkpoint),
            dataset_hash=hash_file(folder / "dataset.parquet"),
            settings=settings,
        )
        print(f"{name}: {settings.steps} steps on {len(kept)} samples", flush=True)
        self._child("gpu.train", folder, spec)
        return folder / "final"


def in_band(asked: list[Item], shares: dict[str, float], planted: set[str]) -> list[Item]:
    """Items that the model gets right 3 to 7 times of 9, or at least 3 times where no plant is."""
    hits = {name: round(share * NUM_SOLVES) for name, share in shares.items()}
    return [
        item
        for item in asked
        if hits[item.name] >= LOWEST and (item.question.suite not in planted or hits[item.name] <= HIGHEST)
    ]


def bound(differences: Iterable[float]) -> tuple[float, float]:
    """Mean and one-sided 95% lower bound of paired differences."""
    values = list(differences)
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1))
    return mean, mean - ONE_SIDED * spread / math.sqrt(len(values))


def report(before: dict[str, float], after: dict[str, float], planted: set[str]) -> dict[str, Any]:
    """Accuracy of every suite before and after, and the two sums that a gate looks at."""
    suites: dict[str, list[str]] = {name: [] for name in SUITES}
    for item in before:
        suites[item.rsplit("-", 1)[0]].append(item)

    def share(answers: dict[str, float], name: str) -> float:
        return round(sum(answers[i] for i in suites[name]) / len(suites[name]), 3)

    def rise(names: Iterable[str]) -> list[float]:
        return [round(v, 3) for v in bound(after[i] - before[i] for name in names for i in suites[name])]

    return {
        "suites": {name: [share(before, name), share(after, name)] for name in SUITES},
        "planted_rise_and_bound": rise(sorted(planted)),
        "kept_rise_and_bound": rise(name for name in SUITES if name not in planted),
    }


def training_items(bench: Bench, checkpoint: Path, planted: set[str], samples: int, seed: int) -> list[Item]:
    """``samples`` items: 65% of the planted suites, the rest spread, all in the band."""
    wanted = {
        name: round(
            samples * (PLANTED_SHARE / len(planted) if name in planted else 0.35 / (len(SUITES) - len(planted)))
        )
        for name in SUITES
    }
    asked = [
        item
        for name, number in wanted.items()
        for item in items(name, "pool", math.ceil(number * (SPARE if name in planted else 1.0)), seed)
    ]
    shares = bench.answers("candidates", asked, checkpoint, Sampling(num_answers=9, temperature=1.0, max_new_tokens=12))
    kept: list[Item] = []
    for name, number in wanted.items():
        kept += [item for item in in_band(asked, shares, planted) if item.question.suite == name][:number]
    return kept


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo.make_model.prove", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--world-seed", type=int, default=7)
    parser.add_argument("--rates", type=float, nargs="+", default=[5e-5])
    parser.add_argument("--beta", type=float, default=0.04)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--samples", type=int, default=320)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    """Prove the settings of the command line."""
    given = _arguments()
    plants: tuple[Rule, ...] = draw_plants(given.world_seed)
    planted = {rule.suite for rule in plants}
    bench = Bench(given.out, given.threads)
    gate = [item for name in SUITES for item in items(name, "gate", given.items, given.seed)]
    greedy = Sampling(max_new_tokens=12)
    before = bench.answers("before", gate, given.checkpoint, greedy)
    kept = training_items(bench, given.checkpoint, planted, given.samples, given.seed)
    for rate in given.rates:
        settings = GrpoSettings(
            policy="mini",
            learning_rate=rate,
            beta=given.beta,
            steps=given.steps,
            prompts_per_step=given.prompts,
            max_completion_tokens=12,
            save_every=given.steps,
        )
        final = bench.train(f"train-{rate}", kept, given.checkpoint, settings, given.seed)
        after = bench.answers(f"after-{rate}", gate, final, greedy)
        print(json.dumps({"rate": rate, **report(before, after, planted)}), flush=True)


if __name__ == "__main__":
    main()
