"""Carrying out an evaluation: both answer the same items, what changed is paired by item, the gate speaks.

Apart from its making, so that the web side, which only makes evaluations, never loads scipy.
"""

from core.jobs.context import JobContext
from diagnostics.selectors.outcomes import item_outcomes
from diagnostics.services.answer_runs import answer_run_execute
from training.domain.gate import Decision
from training.models import PROTECTED, TARGET, Evaluation, EvaluationRow, TrainingRun
from training.services.comparison import PairedItem, Suite, gate_verdict, suites_of, summary_of

CONTROL = "The child is of a control run, whose reward did not ask for right answers: only a person can promote it."


def evaluation_execute(context: JobContext, evaluation: Evaluation) -> int:
    """Answer what is not answered yet, pair the answers by item, write rows and summary; the number of suites."""
    for run in (evaluation.before, evaluation.after):
        answer_run_execute(context, run)
    items = paired_items(evaluation)
    rows = [row_of(evaluation, suite) for suite in suites_of(items)]
    with context.writing():
        evaluation.rows.all().delete()
        EvaluationRow.objects.bulk_create(rows)
        Evaluation.objects.filter(pk=evaluation.pk).update(result=summary_of(items))
    return len(rows)


def evaluation_judge(context: JobContext, evaluation: Evaluation) -> str:
    """Let the gate speak on the answers: ``promote`` or ``wait``, kept with its reasons."""
    alpha = evaluation.round.campaign.config.gate.alpha
    verdict, reasons = gate_verdict(paired_items(evaluation), evaluation.margin, alpha)
    if is_of_control_run(evaluation):
        verdict, reasons = Decision.WAIT, [CONTROL, *reasons]
    with context.writing():
        Evaluation.objects.filter(pk=evaluation.pk).update(verdict=verdict, reasons=reasons)
    return verdict.value


def is_of_control_run(evaluation: Evaluation) -> bool:
    """Whether any run that made the child had a control's reward."""
    return any(run.is_control for run in TrainingRun.objects.filter(child=evaluation.after.checkpoint_id))


def paired_items(evaluation: Evaluation) -> list[PairedItem]:
    """Every item of the evaluation with both outcomes; a skill that the mixture aimed at makes it a target."""
    targets = set(evaluation.target_skills)
    after = {row.item_id: row.strict for row in item_outcomes(evaluation.after)}
    return [
        PairedItem(
            benchmark=row.benchmark,
            role=TARGET if row.skill in targets else PROTECTED,
            cluster=row.cluster,
            before=row.strict,
            after=after[row.item_id],
        )
        for row in item_outcomes(evaluation.before)
    ]


def row_of(evaluation: Evaluation, suite: Suite) -> EvaluationRow:
    """One suite as its row."""
    paired = suite.paired
    return EvaluationRow(
        evaluation=evaluation,
        suite=suite.suite,
        role=suite.role,
        n=paired.n,
        num_before=round(suite.num_before),
        num_after=round(suite.num_after),
        num_fixed=suite.num_fixed,
        num_broken=suite.num_broken,
        lower=paired.lower,
        ci_low=paired.interval.low,
        ci_high=paired.interval.high,
        is_ok=suite.is_ok(evaluation.margin),
    )
