"""A small world for whole chains: pictures with a true number, agents that err in known ways, a model of known skill.

Everything follows from the picture and the words, nothing from the order of calls.
"""

import json
from pathlib import Path

from core.domain.files import hash_bytes, write_atomic
from core.models import Endpoint
from core.specs import ANSWERS_FILE, ITEMS_FILE, RESULT_FILE, AnswerRow
from datagen.handlers import dataset_build_job, difficulty_job, generate_job, quality_job
from datagen.models import Dataset, Mixture, Sample
from tests.datagen.rows import make_approved, make_checkpoint, make_context_for, make_pool
from tests.factories import make_campaign
from tests.fake_endpoint import Asked, FakeEndpoint

ALL_PICTURES = {"min_side": 1, "min_bytes": 0, "min_sharpness": 0, "drawing_min_bytes": 0, "drawing_min_sharpness": 0}
ROLES = ("planner", "question_writer", "validator", "blind_solver")
SKILLS = {
    "clock": (12, "weak", "architectural", "number"),
    "count": (15, "weak", "diagram", "number"),
    "sum": (38, "not_weak", "math_formula", "number"),
}


def number(text: str, most: int) -> int:
    """A number from 0 to most - 1 that follows from the text."""
    return int(hash_bytes(text)[:8], 16) % most


def truth(image: str) -> str:
    """What a picture (its data URL or sha256 name) truly shows."""
    return str(number(image, 90) + 10)


def plan(asked: Asked):
    if number(asked.text, 20) == 0:
        return "no JSON at all"
    kind = asked.data["question_type"]
    return {"question_type": kind, "plan": f"Read it {asked.seed}.", "queries": ["a", "b"], "edit_goal": ""}


def write(asked: Asked):
    luck = number(asked.text + asked.images[0], 20)
    gold = truth(asked.images[0])
    answer = {1: "many", 2: str(int(gold) + 1)}.get(luck, gold)
    if luck == 0:
        return '{"question": "cut off'
    return {"question": f"Which number ({asked.seed % 7})?", "options": [], "answer": answer, "answer_type": "number"}


def validate(asked: Asked):
    bad = number("v" + asked.images[0], 12) == 0
    return {"valid": not bad, "reason": "ambiguous: two readings" if bad else ""}


def solve(asked: Asked):
    return {"answer": truth(asked.images[0])}


def make_server(**fields) -> FakeEndpoint:
    return FakeEndpoint({"Plan": plan, "WrittenQuestion": write, "Validation": validate, "Solve": solve}, **fields)


class FakeModel:
    """Stands for ``gpu_run``: answers each item right as often as its name says."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.gold: dict[str, str] = {}

    def __call__(self, context, run) -> Path:
        folder = run.folder
        folder.mkdir(parents=True, exist_ok=True)
        run.write_inputs(folder)
        if not (folder / RESULT_FILE).exists():
            self.runs.append(folder.name)
            self.gold = dict(Sample.objects.exclude(answer="").values_list("media_id", "answer"))
            lines = [line for item in items_of(folder) for line in self.answers(item, run.spec.sampling.num_answers)]
            write_atomic(folder / ANSWERS_FILE, "\n".join(lines) + "\n")
            write_atomic(folder / RESULT_FILE, "{}")
        return folder

    def answers(self, item, num: int) -> list[str]:
        right = number(item["id"] + item["images"][0], num + 1)
        gold = self.gold[item["images"][0]]
        texts = [f"\\boxed{{{gold if i < right else 1000 + i}}}" for i in range(num)]
        rows = [
            AnswerRow(id=item["id"], sample_ix=i, text=text, num_tokens=3, finish="stop", batch=0)
            for i, text in enumerate(texts)
        ]
        return [row.model_dump_json() for row in rows]


def items_of(folder: Path):
    return [json.loads(line) for line in (folder / ITEMS_FILE).read_text().splitlines()]


def make_world(server: FakeEndpoint, *, total: int = 12, **settings) -> Mixture:
    """An approved mixture whose campaign has pictures enough and the server in every role."""
    generation = {"max_refills": 1, "min_accept_share": 0.2, "concurrency": 8, "max_attempts": 1}
    settings = {"generation": generation, "images": ALL_PICTURES, **settings}
    campaign = make_campaign(mixture={"total": total}, **settings)
    for role in ROLES:
        Endpoint.objects.create(campaign=campaign, role=role, base_url=server.url, model=f"{role}-model")
    make_checkpoint(campaign)
    make_pool(
        campaign, {kind: range(i * 1000, i * 1000 + 2 * total) for i, (*_, kind, _) in enumerate(SKILLS.values())}
    )
    return make_approved(campaign, SKILLS)


def run(mixture: Mixture, handler, **spec):
    """One job of this kind, in a context of its own."""
    return handler(make_context_for(mixture.campaign, mixture_id=mixture.pk, **spec))


def wave(mixture: Mixture, take: int) -> dict[str, int]:
    """Generation, quality control and difficulty once."""
    run(mixture, generate_job, take=take)
    run(mixture, quality_job, take=take)
    checkpoint = mixture.campaign.checkpoints.get()
    return run(mixture, difficulty_job, take=take, checkpoint_id=checkpoint.pk)


def run_chain(mixture: Mixture) -> Dataset:
    """Waves until no slot is open, then the dataset."""
    take = 1
    while wave(mixture, take)["open"]:
        take += 1
    return Dataset.objects.get(pk=run(mixture, dataset_build_job)["dataset_id"])
