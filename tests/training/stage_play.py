"""A round without models: every kind of job done in an instant, with what each wave fills and what the gate says."""

from dataclasses import dataclass, field

from core.errors import DpeError
from core.jobs.engine import Handler, execute_next
from core.jobs.hints import QUEUES
from core.models import Campaign, Job
from datagen.models import Mixture, Slot
from diagnostics.models import AnswerRun, Report
from tests.training.rows import make_checkpoint, make_dataset, make_mixture, make_report
from training.models import Evaluation, Round, TrainingRun
from training.services.rounds import stage_then

KINDS = (
    "answer_run",
    "report",
    "mixture_propose",
    "generate",
    "quality",
    "difficulty",
    "dataset_build",
    "train",
    "evaluate",
    "gate",
)


@dataclass
class Play:
    """``waves`` says how many slots stay open after each wave; ``errors`` what a kind raises, once."""

    verdict: str = "promote"
    waves: list[int] = field(default_factory=lambda: [0])
    errors: dict[str, Exception] = field(default_factory=dict)
    then: object = stage_then
    ran: list[str] = field(default_factory=list)

    @property
    def handlers(self) -> dict[str, Handler]:
        return {kind: Handler(self.run, self.then) for kind in KINDS}

    def run(self, context):
        self.ran.append(context.job.kind)
        if error := self.errors.pop(context.job.kind, None):
            raise error
        with context.writing():
            return getattr(self, f"do_{context.job.kind}")(context.job)

    def do_answer_run(self, job: Job):
        AnswerRun.objects.filter(pk=job.spec["run_id"]).update(is_complete=True)
        return {"answers": 6}

    def do_report(self, job: Job):
        return {"report_id": make_report(job.campaign, AnswerRun.objects.get(pk=job.spec["run_id"])).pk}

    def do_mixture_propose(self, job: Job):
        report = Report.objects.get(pk=job.spec["report_id"])
        known = Mixture.objects.filter(report=report, status__in=["submitted", "approved"]).first()
        return {"mixture_id": (known or make_mixture(job.campaign, report)).pk}

    def do_generate(self, job: Job):
        return {"written": 6}

    def do_quality(self, job: Job):
        return {"checked": 6}

    def do_difficulty(self, job: Job):
        num_open = self.waves.pop(0)
        slots = Slot.objects.filter(mixture=job.spec["mixture_id"]).order_by("index")
        slots.update(status="open")
        filled = list(slots.values_list("pk", flat=True))[: 6 - num_open]
        Slot.objects.filter(pk__in=filled).update(status="filled")
        return {"accepted": 6 - num_open}

    def do_dataset_build(self, job: Job):
        mixture = Mixture.objects.get(pk=job.spec["mixture_id"])
        known = getattr(mixture, "dataset", None)
        return {"dataset_id": (known or make_dataset(mixture)).pk}

    def do_train(self, job: Job):
        run = TrainingRun.objects.get(pk=job.spec["training_run_id"])
        child = make_checkpoint(job.campaign, parent=run.parent, name=run.child_name)
        TrainingRun.objects.filter(pk=run.pk).update(child=child)
        return {"training_run_id": run.pk, "checkpoint_id": child.pk}

    def do_evaluate(self, job: Job):
        Evaluation.objects.filter(pk=job.spec["evaluation_id"]).update(result={"mean_before": 0.5, "mean_after": 0.75})
        return {"evaluation_id": job.spec["evaluation_id"], "suites": 3}

    def do_gate(self, job: Job):
        facts = {"verdict": self.verdict, "reasons": ["The targets improved."]}
        Evaluation.objects.filter(pk=job.spec["evaluation_id"]).update(**facts)
        return {"evaluation_id": job.spec["evaluation_id"], "verdict": self.verdict}

    def step(self) -> Job | None:
        """Run one job; None when nothing waits."""
        done = (execute_next(queue, self.handlers) for queue in QUEUES)
        return next((job for job in done if job), None)

    def work(self) -> None:
        """Run jobs until none waits."""
        while self.step():
            pass


def manifest_of(round: Round) -> str:
    return Mixture.objects.filter(campaign=round.campaign).latest("id").manifest_hash


def takes_of(round: Round) -> list[str]:
    """Every take in the order of its opening, as ``stage/take status``."""
    rows = round.stages.order_by("id")
    return [f"{row.stage}/{row.take} {row.status}" for row in rows]


def waiting(campaign: Campaign) -> list[str]:
    return list(Job.objects.filter(campaign=campaign, status="waiting").values_list("kind", flat=True))


def named_error() -> DpeError:
    from core.errors import GpuJobFailed

    return GpuJobFailed("The picture tower burnt.", code="out_of_memory")
