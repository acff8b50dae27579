"""A campaign with a round at any stage, with pictures, answers, samples and curves that look like real ones."""

import io
import math
from datetime import timedelta
from random import Random
from typing import Any

from django.utils import timezone
from PIL import Image, ImageDraw

from core.media import media_store, picture_check
from core.models import Campaign, Endpoint, Job, ModelCall
from datagen.domain.mixture import manifest_hash
from datagen.models import Dataset, Mixture, MixtureRow, Pool, Sample, Slot
from datagen.proposals import proposal_of
from diagnostics.models import Answer, AnswerRun, Benchmark, Checkpoint, Item, Report, RunItem, SkillDiagnosis, Verdict
from tests.factories import NUMBERS, make_campaign, make_job
from training.domain.stages import Stage
from training.models import Evaluation, EvaluationRow, Metric, Prompt, Round, RoundStage, TrainingRun, Turn

SKILLS = {
    "clock hour": (38, 200, "diagram", "choice"),
    "count": (66, 200, "everyday_object", "number"),
    "tallest bar": (108, 200, "chart_graph", "choice"),
    "bar value": (131, 200, "chart_graph", "number"),
    "relation": (137, 200, "natural_scene", "choice"),
    "word": (144, 200, "text_dense", "text"),
    "sum of two digits": (158, 200, "math_formula", "number"),
    "number": (181, 200, "text_dense", "number"),
    "count of one colour": (176, 200, "mixed", "number"),
    "colour": (198, 200, "artistic", "choice"),
    "shape": (199, 200, "geometric", "choice"),
}
VERDICTS = {
    "bar value": ("not_enough_data", 618),
    "relation": ("not_enough_data", None),
    "word": ("not_enough_data", 1043),
}
REASONS = ("too_easy", "too_hard", "gold_suspect", "duplicate", "malformed", "off_skill", "answer_not_in_image")
QUEUES = {
    "diagnose": "gpu",
    "difficulty": "gpu",
    "train": "gpu",
    "evaluate": "gpu",
    "generate": "agents",
    "quality": "agents",
}
PEOPLE = ("approve", "decide")


def make_picture(campaign: Campaign, number: int) -> str:
    """The sha256 of a stored picture: bars, numbered by colour."""
    image = Image.new("RGB", (224, 224), "#f7f5ef")
    draw, random = ImageDraw.Draw(image), Random(number)
    for place in range(4):
        top = random.randint(30, 180)
        draw.rectangle(
            (20 + 50 * place, top, 55 + 50 * place, 204), fill=random.choice(("#1c4f8f", "#c2571a", "#0d7a6b"))
        )
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    picture = picture_check(buffer.getvalue())
    media_store(campaign, [picture])
    return picture.sha256


def make_checkpoint(campaign: Campaign, name: str = "mini-6M", **fields: Any) -> Checkpoint:
    content = f"{campaign.pk}{name}".encode().hex().ljust(64, "0")[:64]
    return Checkpoint.objects.create(
        campaign=campaign, name=name, path=f"/models/{name}", content_hash=content, num_bytes=24_400_000, **fields
    )


def make_run(campaign: Campaign, checkpoint: Checkpoint, num_items: int = 2) -> AnswerRun:
    """A run over ``num_items`` items a skill with their answers and verdicts."""
    run = AnswerRun.objects.create(
        campaign=campaign, checkpoint=checkpoint, split="probe", label="Round 1, diagnosis", num_items=11 * num_items
    )
    pictures = [make_picture(campaign, number) for number in range(min(6, num_items))]
    for place, (skill, (_, _, image_type, answer_type)) in enumerate(SKILLS.items()):
        benchmark, _ = Benchmark.objects.get_or_create(
            campaign=campaign, name=f"mini {skill}", defaults={"file_hash": f"{place:064x}", "num_items": 2000}
        )
        for number in range(num_items):
            make_item(run, benchmark, skill, number, image_type, answer_type, pictures[number % len(pictures)])
    return run


def make_item(run, benchmark, skill, number, image_type, answer_type, sha256) -> Item:
    options = (
        {"A": "the red bar", "B": "the blue bar", "C": "the green bar", "D": "none"} if answer_type == "choice" else {}
    )
    item, _ = Item.objects.get_or_create(
        benchmark=benchmark,
        index=str(number),
        defaults={
            "content_hash": f"{benchmark.pk:032x}{number:032x}",
            "images": [sha256],
            "cluster": sha256,
            "question": f"Look at the picture. What is the {skill}?",
            "options": options,
            "answer": "B" if options else "4",
            "answer_type": answer_type,
            "skill": skill,
            "image_type": image_type,
            "split": "probe",
        },
    )
    RunItem.objects.create(run=run, item=item, position=benchmark.pk * 1000 + number)
    is_right = number % 3 == 0
    said = item.answer if is_right else "C"
    text = f"I look at the bars one by one. The answer is \\boxed{{{said}}}"
    answer = Answer.objects.create(run=run, item=item, sample_ix=0, text=text, num_tokens=21, finish="stop")
    outcome = "correct" if is_right else "incorrect"
    Verdict.objects.create(
        answer=answer, extractor_version="1", strict=outcome, lenient=outcome, extracted=text[-2], detail="boxed"
    )
    return item


def make_report(run: AnswerRun) -> Report:
    report = Report.objects.create(campaign=run.campaign, run=run, tau=0.7, alpha=0.05, num_scored=2194, num_unscored=6)
    for skill, (k, n, image_type, answer_type) in SKILLS.items():
        share = k / n
        half = 1.96 * math.sqrt(share * (1 - share) / n) + 0.006
        verdict, more = VERDICTS.get(skill, ("weak" if share < 0.7 else "not_weak", None))
        SkillDiagnosis.objects.create(
            report=report,
            skill=skill,
            image_type=image_type,
            answer_type=answer_type,
            n=n,
            k=k,
            k_lenient=min(n, k + 7),
            low=max(0.0, share - half),
            high=min(1.0, share + half),
            shrunken=0.97 * share + 0.03 * 0.68,
            posterior_a=k + 1.0,
            posterior_b=n - k + 1.0,
            verdict=verdict,
            num_more=more,
            effective_images=float(n),
            is_decidable=verdict != "not_enough_data" or more is not None,
        )
    return report


def make_mixture(report: Report, total: int = 256, status: str = "submitted") -> Mixture:
    mixture = Mixture.objects.create(
        campaign=report.campaign,
        report=report,
        policy="calibrated",
        total=total,
        seed=7,
        status=status,
    )
    weights = {skill: (2.0 if k / n < 0.7 else 0.5) for skill, (k, n, *_) in SKILLS.items()}
    used = 0
    for skill, (k, n, image_type, answer_type) in SKILLS.items():
        weak, share = k / n < 0.7, weights[skill] / sum(weights.values())
        why = f"{k} of {n} right: expected weight {weights[skill]:.2f}"
        used += MixtureRow.objects.create(
            mixture=mixture,
            skill=skill,
            purpose="target" if weak else "replay",
            image_type=image_type,
            answer_type=answer_type,
            weight=share,
            quota=total - used if skill == "shape" else round(share * total),
            why=why if weak else f"{why}; replay keeps what the model can do",
        ).quota
    mixture.manifest_hash = manifest_hash(proposal_of(mixture, list(mixture.rows.order_by("id"))))
    mixture.save()
    return mixture


def make_samples(mixture: Mixture, share_done: float = 1.0) -> None:
    """Slots of the mixture, the first ``share_done`` of them with what became of their tries."""
    random, first = Random(1), mixture.slots.count()
    pictures = [make_picture(mixture.campaign, number) for number in range(6)]
    rows = [row for row in mixture.rows.order_by("pk") for _ in range(row.quota)]
    for place, row in enumerate(rows):
        slot = Slot.objects.create(
            mixture=mixture,
            index=first + place,
            skill=row.skill,
            purpose=row.purpose,
            image_type=row.image_type,
            question_type="number",
        )
        if place < share_done * len(rows):
            fill(slot, random, pictures)


def fill(slot: Slot, random: Random, pictures: list[str]) -> None:
    num_rejected = random.choice((0, 0, 0, 1, 2))
    for try_ix in range(num_rejected):
        make_sample(slot, try_ix, "rejected", random.choice(REASONS), random.choice(pictures))
    status = random.choices(("accepted", "held", "rejected"), (90, 4, 6))[0]
    reason = {"accepted": "", "held": "solvers_split"}.get(status, random.choice(REASONS))
    make_sample(slot, num_rejected, status, reason, random.choice(pictures))
    slot.status = {"accepted": "filled", "held": "open", "rejected": "given_up"}[status]
    slot.save()


def make_sample(slot: Slot, try_ix: int, status: str, reason: str, sha256: str) -> Sample:
    return Sample.objects.create(
        slot=slot,
        try_ix=try_ix,
        media_id=sha256,
        question=f"How many bars are taller than the second one? ({slot.skill})",
        answer="3",
        answer_type="number",
        status=status,
        reason=reason,
        is_gold_confirmed=status == "accepted",
        num_correct=4,
        num_scored=9,
        gradient_probability=0.98,
        evidence={"plan": "Ask for a comparison of heights.", "blind_solves": ["3", "3", "2"]},
    )


def make_training(round: Round, mixture: Mixture, num_steps: int = 31) -> TrainingRun:
    dataset = Dataset.objects.create(
        campaign=round.campaign,
        mixture=mixture,
        manifest_hash="9" * 64,
        file_hash="8" * 64,
        path="/data/dataset.parquet",
        num_samples=244,
    )
    settings = round.campaign.config.grpo.model_dump(mode="json")
    run = TrainingRun.objects.create(
        campaign=round.campaign, dataset=dataset, parent=round.parent, seed=7, spec={"settings": settings}
    )
    random = Random(2)
    rows = []
    for step in range(1, num_steps + 1):
        rise = 1 - math.exp(-step / 12)
        values = {
            "reward": 0.42 + 0.4 * rise,
            "kl": 0.002 + 0.03 * rise,
            "frac_reward_zero_std": 0.2 + 0.3 * rise,
            "completions/mean_length": 24 - 6 * rise,
        }
        rows += [
            Metric(training_run=run, step=step, name=n, value=v * random.uniform(0.95, 1.05)) for n, v in values.items()
        ]
        for place, (skill, (k, n, *_)) in enumerate(SKILLS.items()):
            value = k / n * 0.9 + (0.9 - k / n * 0.9) * 0.8 * rise * (1 + place % 3) / 3
            value *= random.uniform(0.96, 1.04)
            flat = max(0.0, min(1.0, 2 * value - 1 + random.uniform(-0.1, 0.1)))
            for name, number in (("reward", value), ("frac_reward_zero_std", flat)):
                rows.append(Metric(training_run=run, step=step, name=name, skill=skill, value=number))
    Metric.objects.bulk_create(rows)
    make_prompts(run, num_steps)
    return run


def make_prompts(run: TrainingRun, num_steps: int) -> None:
    """A prompt for every accepted sample, asked at every second step; no files lie behind its turns."""
    samples = Sample.objects.filter(slot__mixture=run.dataset.mixture, status="accepted").select_related("slot")
    for place, sample in enumerate(samples):
        slot, rise = sample.slot, (place % 7 - 2) / 10
        rewards = [0.3 + rise * step / num_steps for step in range(1, num_steps + 1, 2)]
        prompt = Prompt.objects.create(
            training_run=run, name=f"{place:032x}", sample=sample, skill=slot.skill, purpose=slot.purpose,
            num_turns=len(rewards), first_reward=rewards[0], last_reward=rewards[-1], change=rewards[-1] - rewards[0],
        )  # fmt: skip
        counts = {"num": 8, "num_correct": 3, "num_unscored": 0, "num_truncated": 1, "mean_tokens": 20.5}
        Turn.objects.bulk_create(
            Turn(prompt=prompt, step=1 + 2 * turn, place=place, reward=reward, **counts)
            for turn, reward in enumerate(rewards)
        )


def make_evaluation(round: Round, before: AnswerRun, verdict: str = "wait", margin: float = 0.03) -> Evaluation:
    evaluation = Evaluation.objects.create(
        round=round,
        before=before,
        after=before,
        margin=margin,
        margin_signed_by="Ada" if margin > 0.03 else "",
        verdict=verdict,
        reasons=[
            "Targets: 331 fixed, 41 broken of 800 items, exact McNemar p = 3.1e-57.",
            "number: the lower bound of its change (−6.4 points) does not lie above −3.0 points.",
        ],
        target_skills=[skill for skill, (k, n, *_) in SKILLS.items() if k / n < 0.7],
        result={
            "mean_before": 0.664,
            "mean_after": 0.802,
            "coverage": 1.0,
            "targets": {"suites": 5, "diff": 0.302, "lower": 0.281, "ci": [0.277, 0.327]},
            "protected": {"suites": 6, "diff": -0.007, "lower": -0.015, "ci": [-0.018, 0.004]},
        },
    )
    for place, (skill, (k, n, *_)) in enumerate(SKILLS.items()):
        weak = k / n < 0.7
        change = round_half(n * (0.42 - 0.06 * place)) if weak else (-7 if skill == "number" else place % 3 - 1)
        after = max(0, min(n, k + change))
        half = 0.02 + 0.9 / math.sqrt(n) * (0.6 if weak else 0.25)
        diff = (after - k) / n
        EvaluationRow.objects.create(
            evaluation=evaluation,
            suite=skill,
            role="target" if weak else "protected",
            n=n,
            num_before=k,
            num_after=after,
            num_fixed=max(0, after - k) + 4,
            num_broken=max(0, k - after) + 4,
            lower=diff - 0.84 * half,
            ci_low=diff - half,
            ci_high=diff + half,
            is_ok=weak or diff - 0.84 * half > -margin,
        )
    return evaluation


def round_half(value: float) -> int:
    return int(value + 0.5)


def make_round(campaign: Campaign, upto: str = "decide", job_status: str = "running", **sizes: int) -> Round:
    """A round that stands at stage ``upto``; the stages before it are done and their rows exist."""
    parent = Checkpoint.objects.filter(campaign=campaign).order_by("-id").first() or make_checkpoint(campaign)
    number = Round.objects.filter(campaign=campaign).count() + 1
    started = timezone.now() - timedelta(minutes=22)
    round = Round.objects.create(campaign=campaign, number=number, parent=parent, started_by=campaign.created_by)
    order = [stage.value for stage in Stage]
    reached = order[: order.index(upto) + 1]
    results = make_results(round, reached, sizes)
    for place, stage in enumerate(reached):
        make_stage(
            round, stage, started + timedelta(seconds=95 * place), results.get(stage, {}), stage == upto, job_status
        )
    return round


def make_results(round: Round, reached: list[str], sizes: dict[str, int]) -> dict[str, dict[str, int]]:
    """The rows that the reached stages made, and the ids that their results hold."""
    run = make_run(round.campaign, round.parent, sizes.get("num_items", 2))
    results: dict[str, dict[str, int]] = {"diagnose": {"run_id": run.pk}}
    if "mixture" in reached:
        report = make_report(run)
        results["report"] = {"report_id": report.pk}
    if "approve" in reached:
        mixture = make_mixture(report, sizes.get("total", 22), "submitted" if reached[-1] == "approve" else "approved")
        results["mixture"] = {"mixture_id": mixture.pk}
    if "generate" in reached:
        make_samples(mixture, 0.6 if reached[-1] in ("generate", "quality", "difficulty") else 1.0)
    if "train" in reached:
        training = make_training(round, mixture, sizes.get("num_steps", 5))
        results["train"] = {"training_run_id": training.pk}
    if "evaluate" in reached:
        round.child = make_checkpoint(round.campaign, f"mini-6M + run {training.pk}", parent=round.parent)
        round.save()
    if "gate" in reached:
        results["evaluate"] = {"evaluation_id": make_evaluation(round, run).pk}
    return results


def make_stage(
    round: Round, stage: str, opened: Any, results: dict[str, int], is_open: bool, job_status: str
) -> RoundStage:
    ended = None if is_open else opened + timedelta(seconds=95)
    is_over = not is_open or job_status == "failed"
    job = None
    if stage not in PEOPLE:
        job = make_job(
            campaign=round.campaign,
            kind=stage,
            queue=QUEUES.get(stage, "work"),
            status=job_status if is_open else "succeeded",
            spec=results,
            attempt=1,
            done=412 if is_open else 1000,
            total=1000,
            unit="items",
            started_at=opened,
            ended_at=timezone.now() if is_over else None,
            lease_host="studio",
            lease_pid=4242,
            lease_until=timezone.now() + timedelta(minutes=2),
        )
        if job_status == "failed" and is_open:
            Job.objects.filter(pk=job.pk).update(
                error_code="out_of_memory", error_message="The child ran out of GPU memory at step 12 (23.1 of 24 GB)."
            )
    return RoundStage.objects.create(
        round=round,
        stage=stage,
        job=job,
        status="open" if is_open else "done",
        result={} if is_open else results,
        opened_at=opened,
        ended_at=ended,
    )


def end_round(round: Round, decision: str) -> Round:
    """Close the open stage and write the decision down."""
    now = timezone.now()
    RoundStage.objects.filter(round=round, status="open").update(status="done", ended_at=now)
    Round.objects.filter(pk=round.pk).update(
        decision=decision, ended_at=now, decided_by=round.started_by, comment="The gain on the targets is worth it."
    )
    round.refresh_from_db()
    return round


def make_full_campaign(**fields: Any) -> Campaign:
    """A campaign with endpoints and a pool."""
    campaign = make_campaign(**fields)
    Pool.objects.create(campaign=campaign, name="mini pool", file_hash="7" * 64, num_images=4000)
    for role in ("planner", "question_writer", "validator", "blind_solver"):
        Endpoint.objects.create(campaign=campaign, role=role, base_url="http://127.0.0.1:9000/v1", model="teacher")
    make_checkpoint(campaign)
    return campaign


def make_call(campaign: Campaign, number: int = 0, **fields: Any) -> ModelCall:
    """A call of the question writer about one picture, answered."""
    endpoint = campaign.endpoints.filter(role="question_writer").first()
    facts = {
        "endpoint": endpoint,
        "role": "question_writer",
        "subject": f"8f3b1c2d4e5f/s{number}/t0",
        "idempotency_key": f"{campaign.pk}-{next(NUMBERS)}",
        "request_hash": "f" * 64,
        "prompt_version": "question_writer-v2",
        "status": "answered",
        "inputs": {"text": '<<<\n{\n "skill": "count"\n}\n>>>', "images": [make_picture(campaign, number % 5)]},
        "choices": ['{"question": "How many bars?", "options": [], "answer": "4", "answer_type": "number"}'],
        "tokens_in": 812,
        "tokens_out": 96,
        "cost": "0.001250",
        "latency_ms": 1840,
    }
    return ModelCall.objects.create(campaign=campaign, **{**facts, **fields})
