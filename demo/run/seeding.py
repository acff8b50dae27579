"""The mini world's campaign: files written once, everything else through REST. Doing it again changes nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path

from core.domain.files import write_atomic
from demo.run.client import Api
from demo.run.plan import CAMPAIGN, ROLES, Plan
from demo.world.files import benchmark_rows, write_pool, write_rows
from demo.world.splits import WorldSplit
from demo.world.suites import SUITES

Say = Callable[[str], None]
SPLITS: tuple[WorldSplit, ...] = ("probe", "gate")


def seed_campaign(plan: Plan, api: Api, say: Say) -> None:
    """Campaign, endpoints, checkpoint, benchmarks and pool."""
    say("writing the mini world's files")
    files = write_files(plan)
    body = {"slug": CAMPAIGN, "name": "Mini world", "seed": plan.seed, "settings": plan.settings()}
    api.post("campaigns", body)
    base = f"http://127.0.0.1:{plan.teacher_port}/v1"
    endpoints = [{"role": role, "base_url": base, "model": "teacher", "concurrency": 32} for role in ROLES]
    api.call("PUT", f"campaigns/{CAMPAIGN}/endpoints", {"endpoints": endpoints})
    jobs = []
    for kind, name, path in files:
        say(f"importing {name}")
        jobs.append(api.post(f"campaigns/{CAMPAIGN}/{kind}", {"name": name, "path": str(path)})["job"])
    for job in jobs:
        api.wait(job)


def write_files(plan: Plan) -> list[tuple[str, str, Path]]:
    """(collection, name, path) of everything to import; written on the first run."""
    files = [("checkpoints", "mini-base", copy_checkpoint(plan))]
    files += [("benchmarks", name, benchmark_file(plan, name)) for name in SUITES]
    return [*files, ("pools", "mini-pool", pool_folder(plan))]


def copy_checkpoint(plan: Plan) -> Path:
    """The shipped checkpoint among the files that may be imported."""
    target = plan.imports / "mini-base"
    if not target.exists():
        partial = target.with_name("mini-base.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(plan.checkpoint, partial)
        partial.rename(target)
    return target


def benchmark_file(plan: Plan, suite: str) -> Path:
    """One suite's TSV with its probe and gate items."""
    path = plan.imports / f"{suite}.tsv"
    if not path.exists():
        rows = [row for split in SPLITS for row in benchmark_rows(suite, split, plan.sizes.bank, plan.seed)]
        write_rows(path, rows)
    return path


def pool_folder(plan: Plan) -> Path:
    """The pool of unlabelled pictures; its marker is written last."""
    folder = plan.imports / "pool"
    marker = plan.imports / "pool.done"
    if not marker.exists():
        write_pool(folder, plan.sizes.pool, plan.seed)
        write_atomic(marker, "")
    return folder
