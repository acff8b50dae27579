"""Judgings of a run that look like real ones."""

from core.domain.answers import EXTRACTOR_VERSION
from core.models import Endpoint
from diagnostics.models import AnswerRun, Judging, Label, Ruling, Verdict
from tests.factories import NUMBERS, make_job

PROMPT = "a" * 64
JUDGES = [["judge", "big-judge"], ["second_judge", "other-judge"]]
SIDE = {"n": 120, "k": 72, "accuracy": 0.6, "accuracy_lenient": 0.62, "low": 0.51, "high": 0.68, "verdict": "weak"}
AFTER = {**SIDE, "k": 96, "accuracy": 0.8, "low": 0.72, "high": 0.86, "verdict": "not_weak"}
RESULT = {
    "answers": 240,
    "unscored_before": 0,
    "unscored_after": 3,
    "needs_person": 2,
    "decided": 0,
    "faults": {"judge_malformed": 1},
    "kappa": {"n": 239, "agreement": 0.91, "value": 0.78, "low": 0.7, "high": 0.86},
    "flipped_answers": 24,
    "flipped_skills": 1,
    "skills": [
        {"skill": "count", "before": SIDE, "after": AFTER, "flipped_answers": 24, "is_flipped": True},
        {"skill": "colour", "before": AFTER, "after": AFTER, "flipped_answers": 0, "is_flipped": False},
    ],
}
LABELLED = {
    "labelled": 40,
    "image_types": {"chart_graph": 30, "diagram": 10},
    "faults": {"judge_malformed": 1},
    "skills": [{"skill": "count", "error_types": {"visual_recognition": 31, "calculation": 9}}],
}


def make_complete(run: AnswerRun) -> AnswerRun:
    """The run with a judge at hand."""
    run.is_complete = True
    run.save()
    place = {"base_url": "http://127.0.0.1:9000/v1", "model": "big-judge"}
    Endpoint.objects.get_or_create(campaign=run.campaign, role="judge", defaults=place)
    return run


def make_judging(run: AnswerRun, way: str = "judge", status: str = "succeeded", **fields: object) -> Judging:
    """A judging whose numbers are frozen; ``status`` is its job's."""
    result = LABELLED if way == "types" else RESULT
    judges = {"judge": JUDGES, "types": JUDGES[:1], "rule": []}[way]
    job = make_job(campaign=run.campaign, kind="judging", queue="agents", status=status, done=40, total=240)
    facts = {"judges": judges, "prompt_hash": PROMPT if judges else "", "extractor_version": EXTRACTOR_VERSION}
    facts |= {"is_complete": True, "result": result, "key": f"{next(NUMBERS):064x}", "job": job}
    return Judging.objects.create(campaign=run.campaign, run=run, way=way, **{**facts, **fields})


def make_rulings(judging: Judging, count: int = 2, *, waiting: bool = False) -> list[Ruling]:
    """Rulings that flip, or wait for a person, with two judges' words and their evidence."""
    rulings = []
    for answer in judging.run.answers.order_by("pk")[:count]:
        names = {"prompt_hash": PROMPT, "extractor_version": judging.extractor_version, "confidence": 0.87}
        names |= {"evidence": "The answer is \\boxed{C}", "strict": "correct"}
        for role, model in judging.judges:
            Verdict.objects.create(answer=answer, judge=f"{role}: {model}", lenient="correct", **names)
        after = "unscored" if waiting else "correct"
        words = {"before_strict": "incorrect", "before_lenient": "incorrect", "said": "correct", "strict": after}
        words |= {"lenient": after, "needs_person": waiting, "is_flipped": not waiting}
        words["detail"] = "judges_disagree" if waiting else "settled_by_second_judge"
        rulings.append(Ruling.objects.create(judging=judging, answer=answer, **words))
    return rulings


def make_labels(judging: Judging, count: int = 2) -> list[Label]:
    """Labels by the judging's judge."""
    role, model = judging.judges[0]
    words = {"image_type": "chart_graph", "image_evidence": "axes, bars and a legend", "error_type": "calculation"}
    words |= {"error_evidence": "The answer is", "judge": f"{role}: {model}", "prompt_hash": PROMPT}
    answers = judging.run.answers.order_by("pk")[:count]
    return [Label.objects.create(answer=answer, run=judging.run, **words) for answer in answers]
