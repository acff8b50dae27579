"""Rows that tests of rounds and training need, made directly: no other app's services are tested here."""

import json
from pathlib import Path

from core.domain.files import hash_bytes, hash_checkpoint
from core.models import Campaign
from datagen.models import Dataset, Mixture, MixtureRow
from diagnostics.models import Answer, AnswerRun, Benchmark, Checkpoint, Item, Report, RunItem, SkillDiagnosis, Verdict
from tests.factories import NUMBERS, make_campaign

SKILLS = ("clock", "colour", "count")


def make_folder(path: Path, weights: bytes = b"w") -> Path:
    """A folder that can be registered as a checkpoint."""
    path.mkdir(parents=True, exist_ok=True)
    config = {"architectures": ["Qwen2_5_VLForConditionalGeneration"], "vision_config": {"depth": 1}}
    (path / "config.json").write_text(json.dumps(config))
    (path / "model.safetensors").write_bytes(weights)
    (path / "tokenizer.json").write_text("{}")
    (path / "preprocessor_config.json").write_text("{}")
    return path


def make_checkpoint(campaign: Campaign, folder: Path | None = None, **fields) -> Checkpoint:
    number = next(NUMBERS)
    content = hash_checkpoint(folder) if folder else hash_bytes(f"checkpoint {number}")
    given = {"name": f"model-{number}", "path": str(folder or "/nowhere"), "content_hash": content, "num_bytes": 100}
    return Checkpoint.objects.create(campaign=campaign, **{**given, **fields})


def make_bank(campaign: Campaign, items_a_skill: int = 4) -> list[Benchmark]:
    """A benchmark for every skill with probe and gate items."""
    benchmarks = []
    for skill in SKILLS:
        bench = Benchmark.objects.create(campaign=campaign, name=skill, file_hash="f", num_items=2 * items_a_skill)
        rows = [
            item_row(bench, f"{split}-{i}", split=split) for split in ("probe", "gate") for i in range(items_a_skill)
        ]
        Item.objects.bulk_create(rows)
        benchmarks.append(bench)
    return benchmarks


def item_row(bench: Benchmark, index: str, **fields) -> Item:
    content = hash_bytes(f"{bench.name} {index}")
    given = {
        "index": index,
        "content_hash": content,
        "cluster": content,
        "question": "What?",
        "answer": "3",
        "answer_type": "number",
        "skill": bench.name,
        "split": "gate",
    }
    return Item(benchmark=bench, **{**given, **fields})


def make_campaign_ready(**settings) -> Campaign:
    """A campaign that can start a round: a checkpoint, and items of three skills."""
    small = {"diagnosis": {"items_a_skill": 2}, "gate": {"items_a_suite": 2}, "generation": {"min_accept_share": 0.5}}
    campaign = make_campaign(**{**small, **settings})
    make_checkpoint(campaign, name="base")
    make_bank(campaign)
    return campaign


def make_run(campaign: Campaign, checkpoint: Checkpoint, items: list[Item], **fields) -> AnswerRun:
    given = {"split": "gate", "label": "run", "num_items": len(items), "spec": {}}
    run = AnswerRun.objects.create(campaign=campaign, checkpoint=checkpoint, **{**given, **fields})
    RunItem.objects.bulk_create([RunItem(run=run, item=item, position=i) for i, item in enumerate(items)])
    return run


def answer_all(run: AnswerRun, is_right) -> None:
    """Store an answer for every item: ``is_right(item)`` True, False, or None for unscored. Leniently all are right."""
    words = {True: "correct", False: "incorrect", None: "unscored"}
    for row in run.run_items.select_related("item__benchmark"):
        facts = {"sample_ix": 0, "text": "3", "num_tokens": 1, "finish": "stop"}
        answer = Answer.objects.create(run=run, item=row.item, **facts)
        word = words[is_right(row.item)]
        Verdict.objects.create(answer=answer, extractor_version=extractor(), strict=word, lenient="correct")
    AnswerRun.objects.filter(pk=run.pk).update(is_complete=True)


def extractor() -> str:
    from core.domain.answers import EXTRACTOR_VERSION

    return EXTRACTOR_VERSION


def make_report(campaign: Campaign, run: AnswerRun) -> Report:
    report = Report.objects.create(campaign=campaign, run=run, tau=0.7, alpha=0.05, num_scored=6, num_unscored=0)
    for skill in SKILLS:
        facts = {"image_type": "diagram", "answer_type": "number", "low": 0.1, "high": 0.9, "shrunken": 0.5}
        counts = {"n": 2, "k": 1, "k_lenient": 1, "posterior_a": 1.5, "posterior_b": 1.5}
        SkillDiagnosis.objects.create(report=report, skill=skill, verdict="weak", **facts, **counts)
    return report


def make_mixture(campaign: Campaign, report: Report, **fields) -> Mixture:
    given = {"policy": "calibrated", "total": 6, "seed": 1, "manifest_hash": hash_bytes(f"m{next(NUMBERS)}")}
    mixture = Mixture.objects.create(campaign=campaign, report=report, **{**given, **fields})
    for skill in SKILLS:
        purpose = "target" if skill == "clock" else "replay"
        facts = {"image_type": "diagram", "answer_type": "number", "weight": 1.0, "quota": 2, "why": "weak"}
        MixtureRow.objects.create(mixture=mixture, skill=skill, purpose=purpose, **facts)
    return mixture


def make_dataset(mixture: Mixture, path: Path | str = "/nowhere") -> Dataset:
    content = hash_bytes(f"dataset {mixture.pk}")
    return Dataset.objects.create(
        campaign=mixture.campaign,
        mixture=mixture,
        manifest_hash=content,
        file_hash=content,
        path=str(path),
        num_samples=6,
    )
