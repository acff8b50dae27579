"""Rows that tests of data generation need, and pictures that differ."""

import io
import json
from pathlib import Path

from PIL import Image

from core.media import media_store, picture_check
from core.models import Campaign
from datagen.models import Mixture, Pool, PoolImage
from datagen.services.mixtures import mixture_approve, mixture_propose
from diagnostics.models import AnswerRun, Benchmark, Checkpoint, Item, Report, SkillDiagnosis
from tests.factories import NUMBERS, make_campaign, make_context, make_job

# skill: (right of 40, verdict, image type, answer type)
SKILLS = {
    "clock": (12, "weak", "architectural", "number"),
    "colour": (38, "not_weak", "diagram", "choice"),
    "word": (28, "not_enough_data", "text_dense", "text"),
}


def png(number: int) -> bytes:
    """A small picture that no other number has."""
    buffer = io.BytesIO()
    image = Image.new("RGB", (28, 28), (number % 256, number // 256 % 256, number // 65536))
    image.save(buffer, "PNG")
    return buffer.getvalue()


def make_checkpoint(campaign: Campaign, **fields) -> Checkpoint:
    facts = {"name": f"model-{next(NUMBERS)}", "path": "/nowhere", "content_hash": "c" * 64, **fields}
    return Checkpoint.objects.create(campaign=campaign, **facts)


def make_report(campaign: Campaign, skills=None) -> Report:
    checkpoint = Checkpoint.objects.filter(campaign=campaign).first() or make_checkpoint(campaign)
    run = AnswerRun.objects.create(campaign=campaign, checkpoint=checkpoint, split="probe", label="diagnosis")
    report = Report.objects.create(campaign=campaign, run=run, tau=0.7, alpha=0.05, num_scored=1, num_unscored=0)
    for skill, (k, verdict, image_type, answer_type) in (skills or SKILLS).items():
        SkillDiagnosis.objects.create(
            report=report, skill=skill, image_type=image_type, answer_type=answer_type, verdict=verdict,
            n=40, k=k, k_lenient=k, low=0.1, high=0.9, shrunken=k / 40, posterior_a=k + 1, posterior_b=41 - k,
        )  # fmt: skip
    return report


def make_context_for(campaign: Campaign, kind: str = "test", **spec):
    return make_context(make_job(campaign=campaign, kind=kind, spec=spec))


def make_mixture(campaign: Campaign | None = None, skills=None, *, total: int = 12) -> Mixture:
    """A submitted mixture of a campaign that wants ``total`` samples."""
    campaign = campaign or make_campaign(mixture={"total": total})
    return mixture_propose(make_context_for(campaign), make_report(campaign, skills))


def make_approved(campaign: Campaign | None = None, skills=None, *, total: int = 12) -> Mixture:
    mixture = make_mixture(campaign, skills, total=total)
    actor = mixture.campaign.created_by
    return mixture_approve(actor=actor, mixture_id=mixture.pk, manifest_hash=mixture.manifest_hash)


def make_pool(campaign: Campaign, pictures: dict[str, range], name: str = "pool") -> Pool:
    """A pool with pictures by image type."""
    pool = Pool.objects.create(campaign=campaign, name=name, file_hash="f")
    rows = []
    for image_type, numbers in pictures.items():
        checked = [picture_check(png(number)) for number in numbers]
        media_store(campaign, checked)
        rows += [
            PoolImage(pool=pool, media_id=p.sha256, image_type=image_type, licence="CC0", source="t") for p in checked
        ]
    PoolImage.objects.bulk_create(rows)
    Pool.objects.filter(pk=pool.pk).update(num_images=len(rows))
    return pool


def make_benchmark_item(campaign: Campaign, picture: bytes) -> Item:
    checked = picture_check(picture)
    bench = Benchmark.objects.create(campaign=campaign, name=f"bench-{next(NUMBERS)}", file_hash="f", num_items=1)
    facts = {"content_hash": checked.sha256, "cluster": checked.sha256, "question": "?", "answer": "1"}
    return Item.objects.create(
        benchmark=bench, index="1", images=[checked.sha256], answer_type="number", skill="clock", split="gate", **facts
    )


def write_pool(folder: Path, number: int, image_type: str = "map") -> Path:
    """A folder with ``number`` pictures and the pool.jsonl that lists them."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for i in range(number):
        (folder / f"{i}.png").write_bytes(png(i))
        lines.append({"file": f"{i}.png", "image_type": image_type, "licence": "CC0-1.0", "source": "test"})
    (folder / "pool.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    return folder
