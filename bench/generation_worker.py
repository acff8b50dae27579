"""A worker of data generation for the benches: ``python -m bench.generation_worker`` takes jobs until it is killed.

It is the job engine with the stage table's handlers in a process of its own, without Celery's hints in between. The
model behind the difficulty filter is a stand-in that answers each item right as often as the item's name says.
"""

import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench.answers import draw
from bench.generation_world import django_start

PAUSE_S: Final = 0.05


def model_stands_in(context: Any, run: Any) -> Path:
    """In place of ``gpu_run``: inputs and answers as the child leaves them, the result last; the folder."""
    from core.domain.files import write_atomic
    from core.specs import ANSWERS_FILE, ITEMS_FILE, RESULT_FILE

    folder: Path = run.folder
    folder.mkdir(parents=True, exist_ok=True)
    run.write_inputs(folder)
    if not (folder / RESULT_FILE).exists():
        with (folder / ITEMS_FILE).open() as items, (folder / ANSWERS_FILE).open("w") as answers:
            for item in map(json.loads, items):
                answers.writelines(f"{line}\n" for line in answers_of(context, item, run.spec.sampling.num_answers))
        write_atomic(folder / RESULT_FILE, "{}")
    return folder


def answers_of(context: Any, item: dict[str, Any], number: int) -> Iterator[str]:
    """The lines of one item's answers; the gold answer is the sample's own."""
    from core.specs import AnswerRow
    from datagen.models import Sample

    slot, try_ix = item["id"][1:].split("/t")
    samples = Sample.objects.filter(slot__mixture=context.spec["mixture_id"], slot__index=slot, try_ix=try_ix)
    gold = samples.values_list("answer", flat=True).get()
    right = draw(item["id"] + item["images"][0], number + 1)
    for place in range(number):
        text = f"\\boxed{{{gold if place < right else 1000 + place}}}"
        row = AnswerRow(id=item["id"], sample_ix=place, text=text, num_tokens=3, finish="stop", batch=0)
        yield row.model_dump_json()


def main() -> None:
    """Work, and say after each job how much memory was ever used."""
    django_start()
    from django.utils import timezone

    from core.jobs.engine import execute_next, reap
    from datagen.services import difficulty
    from dpe_site.stage_table import HANDLERS

    vars(difficulty)["gpu_run"] = model_stands_in
    while True:
        reap(timezone.now())
        while job := execute_next("work", HANDLERS):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(json.dumps({"kind": job.kind, "peak_rss_mb": round(peak, 1)}), flush=True)
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
