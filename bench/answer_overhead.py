"""An answer run through the whole machinery, against a bare loop over the same items: ``{"ratio"}``, at most 1.05.

``machinery``: a job is claimed and executed: items written, the child watched, its answers checked, stored and graded
in the database, the run completed. ``bare``: a child process with the same model, batches and sampler that forgets
what it decoded (``bench.bare_answers``); both start a process and load the model, each with the same threads. They
take turns, each on the mini world's gate items with the demo's model on the CPU; ``ratio`` is the median over turns of
seconds of one over seconds of the other in the same turn, ``ratio_cpu`` the same of processor time, which a busy
machine disturbs less (it leaves out waiting). OVERHEAD_STOCK=1 adds a loop by transformers' ``generate``.
"""

import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.runs import MINI, run_module

Times = dict[str, list[float]]
SUITES = ("colour", "shape", "count", "relation", "number", "word", "tallest", "bar_value", "clock", "sum")
ITEMS, TURNS = int(os.environ.get("OVERHEAD_ITEMS", "200")), int(os.environ.get("OVERHEAD_TURNS", "5"))
WAYS = ("machinery", "ours", *(["stock"] if os.environ.get("OVERHEAD_STOCK") == "1" else []))
ENGINE = {"device": "cpu", "batch_size": 64, "threads": 1, "max_new_tokens": 16}


def main() -> None:
    """Make a campaign in a folder of its own, measure, print the figures."""
    with tempfile.TemporaryDirectory() as var:
        os.environ |= {"DPE_VAR": var, "DPE_IMPORT_ROOTS": var, "DJANGO_SETTINGS_MODULE": "dpe_site.settings"}
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        no_broker()
        print(json.dumps(measure(Path(var))))


def no_broker() -> None:
    """Hints go nowhere: this process takes the jobs itself."""
    from celery import current_app

    current_app.conf.update(broker_url="memory://")


def measure(var: Path) -> dict[str, Any]:
    """The ratios over all turns."""
    campaign = campaign_made(var)
    wall: Times = {way: [] for way in WAYS}
    cpu: Times = {way: [] for way in WAYS}
    for turn in range(TURNS):
        run, folder = run_waiting(campaign, turn), var / f"bare-{turn}"
        inputs_written(run, folder)
        for way in WAYS if turn % 2 == 0 else WAYS[::-1]:
            started, used = time.monotonic(), cpu_seconds()
            answer_by_job(run) if way == "machinery" else answer_bare(folder, way)
            wall[way].append(time.monotonic() - started)
            cpu[way].append(cpu_seconds() - used)
        print({way: (round(wall[way][-1], 2), round(cpu[way][-1], 2)) for way in WAYS}, file=sys.stderr, flush=True)
    seconds = {f"{way}_s": round(statistics.median(wall[way]), 2) for way in WAYS}
    stock = {"ratio_stock": ratio(wall, "stock")} if "stock" in WAYS else {}
    ratios = {"ratio": ratio(wall, "ours"), "ratio_cpu": ratio(cpu, "ours"), **stock}
    return {**ratios, **seconds, "items": ITEMS * len(SUITES), "turns": TURNS}


def cpu_seconds() -> float:
    """Processor time of this process and of all children that ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def ratio(times: Times, way: str) -> float:
    """The median over turns of the machinery's seconds over those of ``way``."""
    pairs = zip(times["machinery"], times[way], strict=True)
    return round(statistics.median(machinery / bare for machinery, bare in pairs), 4)


def campaign_made(var: Path) -> Any:
    """A campaign with the mini world's items, imported like any benchmark, and the demo's model."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from core.campaigns import campaign_create
    from demo.world.files import write_benchmark
    from diagnostics.services.benchmarks import benchmark_submit
    from diagnostics.services.checkpoints import checkpoint_submit

    call_command("migrate", verbosity=0)
    actor = User.objects.create_superuser("bench")
    campaign = campaign_create(actor=actor, slug="bench", name="bench", seed=3, settings={"engine": ENGINE})
    shutil.copytree(MINI, var / "model")
    checkpoint_submit(actor=actor, campaign=campaign, name="mini", path=str(var / "model"))
    for suite in SUITES:
        path = var / f"{suite}.tsv"
        write_benchmark(path, suite, "gate", ITEMS, 5)
        benchmark_submit(actor=actor, campaign=campaign, name=suite, path=str(path))
    work_off("work")
    return campaign


def work_off(queue: str) -> None:
    """Run what waits; a job that did not succeed ends the measurement."""
    from core.jobs.engine import execute_next
    from core.models import Job
    from dpe_site.stage_table import HANDLERS

    while execute_next(queue, HANDLERS):
        pass
    for job in Job.objects.exclude(status__in=("succeeded", "waiting")):
        raise RuntimeError(f"{job}: {job.error_message}")


def run_waiting(campaign: Any, turn: int) -> Any:
    """A new run over all items whose job waits; another turn has another seed, so that nothing is reused."""
    from core.specs import Sampling
    from diagnostics.services.run_submit import answer_run_submit

    checkpoint = campaign.checkpoints.get()
    return answer_run_submit(
        actor=campaign.created_by,
        campaign=campaign,
        checkpoint_id=checkpoint.pk,
        split="gate",
        items_a_skill=ITEMS,
        sampling=Sampling(),
        label=f"turn {turn}",
        round_number=turn + 1,
    )[0]


def inputs_written(run: Any, folder: Path) -> None:
    """What the bare loop reads: the same items in the same order, and the same settings."""
    from core.domain.files import hash_bytes, write_atomic
    from core.specs import ITEMS_FILE, SPEC_FILE, AnswerSpec
    from diagnostics.services.answer_runs import items_text, places_of, run_items

    text = items_text(run_items(run))
    facts = {name: value for name, value in run.spec.items() if name in AnswerSpec.model_fields}
    spec = AnswerSpec.model_validate({**facts, "items_hash": hash_bytes(text), "places": places_of(run)})
    write_atomic(folder / ITEMS_FILE, text)
    write_atomic(folder / SPEC_FILE, spec.model_dump_json())


def answer_by_job(run: Any) -> None:
    """From the claim of the job to the completed run."""
    work_off("gpu")
    run.refresh_from_db()
    if not run.is_complete or run.answers.count() != run.num_items:
        raise RuntimeError(f"{run} is not complete")


def answer_bare(folder: Path, way: str) -> None:
    """The bare loop in a process of its own."""
    if run_module("bench.bare_answers", str(folder), way):
        raise RuntimeError(f"the bare loop failed in {folder}")


if __name__ == "__main__":
    main()
