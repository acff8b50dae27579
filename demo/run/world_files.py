"""The mini world's files under the import folder: written once, checked whenever the demo starts again."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from core.domain.files import hash_checkpoint, hash_file, write_atomic
from demo.run.client import DemoError
from demo.run.plan import Plan
from demo.world.files import benchmark_rows, write_pool, write_rows
from demo.world.splits import WorldSplit
from demo.world.suites import SUITES

Tick = Callable[[int, int], None]
SPLITS: tuple[WorldSplit, ...] = ("probe", "gate")
RECORD, MODEL, POOL, BENCHMARKS = "world.json", "mini-model", "pool", "benchmarks"


def write_world(plan: Plan, tick: Tick) -> None:
    """Write what is not written yet; the record with every file's hash comes last. ``tick`` gets parts done and all."""
    record = plan.world / RECORD
    if record.exists():
        return
    copy_checkpoint(plan)
    parts = len(SUITES) + 1
    for i, suite in enumerate(SUITES):
        tick(i, parts)
        rows = [row for split in SPLITS for row in benchmark_rows(suite, split, plan.sizes.bank, plan.seed)]
        write_rows(benchmark_path(plan, suite), rows)
    tick(len(SUITES), parts)
    write_pool(plan.world / POOL, plan.sizes.pool, plan.seed)
    hashes = {str(path.relative_to(plan.world)): hash_file(path) for path in world_files(plan)}
    facts = {"seed": plan.seed, "sizes": asdict(plan.sizes), "checkpoint": hash_checkpoint(plan.checkpoint)}
    write_atomic(record, json.dumps({**facts, "files": hashes}, indent=1))
    tick(parts, parts)


def copy_checkpoint(plan: Plan) -> None:
    """The shipped checkpoint among the files that may be imported."""
    target, partial = plan.world / MODEL, plan.world / f".{MODEL}"
    shutil.rmtree(target, ignore_errors=True)
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(plan.checkpoint, partial)
    partial.rename(target)


def benchmark_path(plan: Plan, suite: str) -> Path:
    """Where a suite's benchmark lies."""
    return plan.world / BENCHMARKS / f"{suite}.tsv"


def world_files(plan: Plan) -> Iterator[Path]:
    """The files whose content the record vouches for."""
    yield from (benchmark_path(plan, suite) for suite in SUITES)
    yield plan.world / POOL / "pool.jsonl"
    yield plan.world / MODEL / "model.safetensors"


def check_world(plan: Plan) -> None:
    """What an earlier run wrote is still what it wrote."""
    record = plan.world / RECORD
    if not record.exists():
        return
    remedy = f"delete {plan.world} to have it written again."
    try:
        hashes: dict[str, str] = json.loads(record.read_bytes())["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise DemoError(f"{record} cannot be read: {remedy}") from error
    for name, content in hashes.items():
        path = plan.world / name
        if not path.is_file():
            raise DemoError(f"{path} is missing: {remedy}")
        if hash_file(path) != content:
            raise DemoError(f"{path} is not the file that the demo wrote: {remedy}")
