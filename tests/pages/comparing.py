"""Comparisons, datasets and answers as the jobs leave them: numbers that fit their answers, files that exist."""

import json
from pathlib import Path
from random import Random

from django.conf import settings

from core.domain.answers import EXTRACTOR_VERSION
from core.domain.files import hash_bytes, hash_file
from core.models import Campaign
from datagen.models import Dataset, Mixture, Sample
from datagen.parquet import parquet_write
from datagen.services.datasets import training_row
from diagnostics.models import Answer, AnswerRun, Benchmark, Checkpoint, Item, RunItem, Verdict
from tests.pages.rows import SKILLS, make_checkpoint, make_picture
from training.models import Evaluation, EvaluationRow, Round
from training.services.comparison import gate_verdict, suites_of, summary_of
from training.services.evaluation_work import paired_items, row_of

WORDS = {True: "correct", False: "incorrect", None: "unscored"}
# What happens to the items of a suite, again and again: before, after.
CHANGES = ((False, True), (True, True), (True, True), (False, False), (True, False), (True, True))


def make_gate_items(campaign: Campaign, num_items: int, split: str = "gate") -> list[Item]:
    """Items of every skill, each with a picture of its own kind."""
    pictures = [make_picture(campaign, number) for number in range(min(6, num_items))]
    items = []
    for place, (skill, (_, _, image_type, answer_type)) in enumerate(SKILLS.items()):
        named = {"name": f"mini {skill}", "campaign": campaign}
        benchmark, _ = Benchmark.objects.get_or_create(**named, defaults={"file_hash": f"{place:064x}", "num_items": 9})
        options = {"A": "the red bar", "B": "the blue bar"} if answer_type == "choice" else {}
        for number in range(num_items):
            key = hash_bytes(f"{benchmark.pk} {split} {number}")
            items.append(
                Item(
                    benchmark=benchmark,
                    index=f"{split}-{number}",
                    content_hash=key,
                    images=[pictures[number % len(pictures)]],
                    cluster=key,
                    question=f"Look at the picture. What is the {skill}?",
                    options=options,
                    answer="B" if options else "4",
                    answer_type=answer_type,
                    skill=skill,
                    image_type=image_type,
                    split=split,
                )
            )
    return Item.objects.bulk_create(items)


def make_gate_run(campaign: Campaign, checkpoint: Checkpoint, items: list[Item], label: str) -> AnswerRun:
    """A complete run that asked the items and has no answers yet."""
    run = AnswerRun.objects.create(
        campaign=campaign, checkpoint=checkpoint, split="gate", label=label, num_items=len(items), is_complete=True
    )
    RunItem.objects.bulk_create([RunItem(run=run, item=item, position=place) for place, item in enumerate(items)])
    return run


def answer_items(run: AnswerRun, words: dict[Item, list[bool | None]]) -> None:
    """Answers of each item in turn: right, wrong or unscored."""
    said = [(item, ix, word) for item, answers in words.items() for ix, word in enumerate(answers)]
    facts = {"num_tokens": 21, "finish": "stop"}
    answers = Answer.objects.bulk_create(
        [Answer(run=run, item=item, sample_ix=ix, text=text_of(item, word), **facts) for item, ix, word in said]
    )
    Verdict.objects.bulk_create(
        [
            Verdict(
                answer=answer,
                extractor_version=EXTRACTOR_VERSION,
                strict=WORDS[word],
                lenient=WORDS[word],
                extracted=answer.text[-2],
                detail="boxed",
            )
            for answer, (_, _, word) in zip(answers, said, strict=True)
        ]
    )


def text_of(item: Item, word: bool | None) -> str:
    return f"I look at the bars one by one. The answer is \\boxed{{{item.answer if word else 'C'}}}"


def make_comparison(round: Round, num_items: int = 6, changes=CHANGES) -> Evaluation:
    """Parent and child on gate items of every skill, with rows and the gate's word made from the answers."""
    campaign = round.campaign
    child = round.child or make_checkpoint(campaign, f"child of round {round.number}", parent=round.parent)
    items = list(Item.objects.filter(benchmark__campaign=campaign, split="gate").order_by("pk"))
    items = items or make_gate_items(campaign, num_items)
    runs = [
        make_gate_run(campaign, one, items, f"{round}, gate, {who}")
        for one, who in ((round.parent, "parent"), (child, "child"))
    ]
    for side, run in enumerate(runs):
        answer_items(run, {item: [changes[place % len(changes)][side]] for place, item in enumerate(items)})
    targets = [skill for skill, (k, n, *_) in SKILLS.items() if k / n < 0.7]
    evaluation = Evaluation.objects.create(
        round=round, before=runs[0], after=runs[1], margin=0.03, target_skills=targets
    )
    return evaluation_count(evaluation)


def evaluation_count(evaluation: Evaluation) -> Evaluation:
    """Write what the jobs write: rows, summary, the gate's word."""
    items = paired_items(evaluation)
    evaluation.rows.all().delete()
    EvaluationRow.objects.bulk_create([row_of(evaluation, suite) for suite in suites_of(items)])
    verdict, reasons = gate_verdict(items, evaluation.margin, 0.05)
    evaluation.verdict, evaluation.reasons, evaluation.result = verdict.value, reasons, summary_of(items)
    evaluation.save()
    return evaluation


def make_dataset(mixture: Mixture) -> Dataset:
    """The mixture's accepted samples as a dataset with its file and a manifest."""
    rows = Sample.objects.filter(slot__mixture=mixture, status="accepted")
    accepted = list(rows.select_related("slot").order_by("slot__index"))
    random, lines = Random(3), [training_row(mixture, sample) for sample in accepted]
    folder = Path(settings.DATASETS_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hash_bytes(mixture.manifest_hash)}.parquet"
    parquet_write(path, lines, lambda: None)
    manifest = {
        "version": 1,
        "file": hash_file(path),
        "mixture": mixture.manifest_hash,
        "policy": mixture.policy,
        "seed": mixture.seed,
        "campaign_seed": 7,
        "agents": [["question_writer", "teacher", "question_writer-v1"], ["validator", "teacher", "validator-v1"]],
        "prompts": {"question_writer-v1": "a" * 64, "validator-v1": "b" * 64},
        "answer_prompt": "boxed-1",
        "extractor": EXTRACTOR_VERSION,
        "counts": {"slots": mixture.total, "filled": len(accepted)},
        "samples": [
            [line.sample_id, line.image, sample.slot.index, sample.try_ix, random.randint(3, 7), 9]
            for sample, line in zip(accepted, lines, strict=True)
        ],
        "shortfall": [{"skill": "word", "wanted": 3, "got": 2, "reasons": "too_easy 4, gold_suspect 1"}],
    }
    path.with_suffix(".json").write_text(json.dumps(manifest))
    return Dataset.objects.create(
        campaign=mixture.campaign,
        mixture=mixture,
        manifest_hash=path.stem,
        file_hash=manifest["file"],
        path=str(path),
        num_samples=len(accepted),
        manifest=manifest,
    )
