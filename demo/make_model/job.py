"""The whole making of the mini model in one process: base, planted worlds, search of GRPO settings."""

import copy
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from demo.make_model import grpo
from demo.make_model.answering import accuracies, answer, forbidden_ids, right
from demo.make_model.architecture import new_model
from demo.make_model.stream import CLEAN, FIELDS, NAMES, Batch, Stream, fixed_items
from demo.make_model.supervised import Plan, Trainer, needs
from demo.make_model.vocabulary import BOX, END, build_tokenizer
from demo.world.plants import Rule, draw_plants, unplanted

NUM_SOLVES, TARGET_BAND = 9, (3, 7)
PLANTED_MIX = 0.65
MOST_CHUNKS = 300  # of a pool: a skill that is never in the band must not keep the search waiting


@dataclass(frozen=True)
class Job:
    """What to make. ``base.seconds`` count from the start of the process; ``start`` holds weights to begin with."""

    out: Path
    device: torch.device
    base: Plan
    plant: Plan
    seeds: tuple[int, ...]
    searched: tuple[grpo.Settings, ...]
    workers: int
    rows: int
    items: int
    quick: bool
    seed: int = 1
    start: Path | None = None


class Maker:
    """Holds what every stage needs: the stream of items, the evaluation items and the log."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.begun = time.monotonic()
        self.worlds: list[tuple[Rule, ...]] = [CLEAN, *(draw_plants(seed) for seed in job.seeds)]
        self.stream = Stream(self.worlds, job.workers, job.rows, 4 * job.workers, job.seed)
        self.trainer = Trainer(self.stream, job.device, job.quick)
        self.tokenizer = build_tokenizer()
        self.end = int(self.tokenizer.convert_tokens_to_ids(END))
        self.forbidden = forbidden_ids(self.tokenizer)
        close = int(self.tokenizer("}").input_ids[0])
        box = int(self.tokenizer.convert_tokens_to_ids(BOX))
        self.known = grpo.Tokens(box=box, close=close, end=self.end, forbidden=tuple(self.forbidden))
        gate = fixed_items(job.items, "gate", f"evaluation-{job.seed}")
        self.gate: Batch = {name: value.to(job.device) for name, value in gate.items()}

    def log(self, stage: str, **facts: Any) -> None:
        """One line of JSON to the log and to the terminal."""
        line = json.dumps({"at": round(time.monotonic() - self.begun, 1), "stage": stage, **facts})
        print(line, flush=True)
        with (self.job.out / "log.jsonl").open("a") as file:
            file.write(line + "\n")

    def measure(self, model: Any, temperature: float = 0.0) -> dict[str, float]:
        """Accuracy of every suite on the gate items, rounded to three places."""
        found = accuracies(model, self.gate, temperature, self.end, self.forbidden)
        return {name: round(value, 3) for name, value in found.items()}

    def save(self, model: Any, name: str) -> None:
        """The weights in bf16; the tied head is left out, as ``save_pretrained`` does."""
        state = {k: v.detach().to("cpu", torch.bfloat16).contiguous() for k, v in model.state_dict().items()}
        state.pop("lm_head.weight", None)
        save_file(state, self.job.out / f"{name}.safetensors")

    def make_base(self) -> Any:
        """A model that knows every suite, or the one that the job starts from."""
        model = new_model(self.tokenizer, self.job.seed).to(self.job.device)
        if self.job.start:
            model.load_state_dict(load_file(self.job.start), strict=False)
        if self.job.base.seconds:
            self.stream.turn_to(0, needs(self.measure(model)))
            self.trainer.step(model, self.job.base.chunks)
            model.zero_grad()
            plan = replace(self.job.base, seconds=self.job.base.seconds - (time.monotonic() - self.begun))
            self.log("compiled", seconds_left=round(plan.seconds))

            def report(step: int, seconds: float, loss: float) -> list[float]:
                found = self.measure(model)
                self.log("base", step=step, loss=round(loss, 4), accuracy=found)
                return needs(found)

            steps = self.trainer.train(model, plan, report)
            self.log("base done", steps=steps, greedy=self.measure(model), sampled=self.measure(model, 1.0))
        self.save(model, "base")
        return model

    def plant(self, base: Any, world: int) -> Any:
        """A copy of the base that has learnt the wrong answers of one world."""
        model = copy.deepcopy(base)
        self.stream.turn_to(world, [1.0] * len(NAMES))

        def report(step: int, seconds: float, loss: float) -> None:
            self.log("plant", step=step, loss=round(loss, 4))

        steps = self.trainer.train(model, self.job.plant, report)
        seed = self.job.seeds[world - 1]
        rules = [rule.name for rule in self.worlds[world]]
        greedy, sampled = self.measure(model), self.measure(model, 1.0)
        self.log("planted", seed=seed, rules=rules, steps=steps, greedy=greedy, sampled=sampled)
        self.save(model, f"world-{seed}")
        return model

    def pool(self, model: Any, world: int, size: int) -> Batch:
        """Training items as the product makes them: mixed by weakness, kept by the difficulty band."""
        planted = {rule.suite for rule in self.worlds[world]}
        shares = (PLANTED_MIX / len(planted), (1 - PLANTED_MIX) / (len(NAMES) - len(planted)))
        targets = torch.tensor([NAMES.index(name) for name in planted], device=self.job.device)
        kept: list[Batch] = []
        wanted = {i: round(size * shares[0 if name in planted else 1]) for i, name in enumerate(NAMES)}
        self.stream.turn_to(0, [shares[0] * 2 if name in planted else shares[1] for name in NAMES])
        for _ in range(MOST_CHUNKS):
            if not any(wanted.values()):
                break
            batch = self.stream.chunk(self.job.device)
            hits = sum(
                right(answer(model, batch, 1.0, self.end, self.forbidden), batch).int() for _ in range(NUM_SOLVES)
            )
            is_target = torch.isin(batch["suite"], targets)
            good = (hits >= TARGET_BAND[0]) & (~is_target | (hits <= TARGET_BAND[1]))  # type: ignore[operator]
            rows = []
            for row in good.nonzero()[:, 0].tolist():
                suite = int(batch["suite"][row])
                if wanted[suite]:
                    wanted[suite] -= 1
                    rows.append(row)
            kept.append({name: batch[name][rows] for name in FIELDS})
        self.log("pool", missing={NAMES[i]: count for i, count in wanted.items() if count})
        whole = {name: torch.cat([part[name] for part in kept]) for name in FIELDS}
        order = torch.randperm(len(whole["ids"]), generator=torch.Generator().manual_seed(0)).to(self.job.device)
        return {name: value[order] for name, value in whole.items()}

    def search(self, model: Any, world: int) -> None:
        """Train with every setting from the same items and log what rose and what fell."""
        settings = self.job.searched
        pool = self.pool(model, world, max(s.steps * s.prompts for s in settings))
        before = self.measure(model)
        for setting in settings:
            begun = time.monotonic()
            after = self.measure(grpo.train(model, pool, setting, self.known))
            rise = {name: round(after[name] - before[name], 3) for name in NAMES}
            kept = [rise[name] for name in unplanted(self.worlds[world])]
            self.log(
                "grpo",
                seed=self.job.seeds[world - 1],
                **asdict(setting),
                seconds=round(time.monotonic() - begun, 1),
                rise={rule.suite: rise[rule.suite] for rule in self.worlds[world]},
                kept_mean=round(sum(kept) / len(kept), 4),
                kept_worst=min(kept),
                after=after,
            )

    def run(self) -> None:
        """Every stage in order."""
        base = self.make_base()
        planted = [self.plant(base, world) for world in range(1, len(self.worlds))]
        if self.job.searched:
            for world, model in enumerate(planted, start=1):
                self.search(model, world)
        self.stream.stop()


def settings_grid(rates: Sequence[float], betas: Sequence[float], steps: int) -> tuple[grpo.Settings, ...]:
    """Every pair of a learning rate and a beta."""
    return tuple(grpo.Settings(rate=rate, beta=beta, steps=steps) for rate in rates for beta in betas)
