"""A complete run with judges by endpoint, for tests of judging."""

from collections.abc import Callable
from typing import Any

from core.media import media_store, picture_check
from core.models import Campaign, Endpoint
from diagnostics.handlers import judging_job
from diagnostics.models import Answer, AnswerRun, Item, Judging
from diagnostics.services.judging import judging_submit
from tests.diagnostics.makers import make_answers, make_items, make_run, png
from tests.factories import make_campaign, make_context
from tests.fake_endpoint import Asked, FakeEndpoint

Verdicts = Callable[[Asked], str]


def judge_by(verdict: Verdicts, **fields: Any) -> Callable[[Asked], Any]:
    """A judge that says ``verdict`` of what it is asked and quotes the whole answer."""
    return lambda asked: {
        "verdict": verdict(asked),
        "evidence": asked.data["model_answer"],
        "confidence": 0.9,
        **fields,
    }


def label_as(image_type: str, error_type: str) -> Callable[[Asked], Any]:
    """A judge that sees the same types everywhere."""
    return lambda asked: {
        "image_type": image_type,
        "image_evidence": "bars",
        "error_type": error_type,
        "error_evidence": asked.data["model_answer"],
    }


def honest(asked: Asked) -> str:
    """The truth by the letters of ``make_answers``: right, leniently right, else wrong."""
    return "correct" if asked.data["model_answer"] in ("r", "l") else "incorrect"


def make_judged_run(
    server: FakeEndpoint, letters: str, *, judges: tuple[str, ...] = ("judge",), **run: Any
) -> AnswerRun:
    """A complete run, one item a letter, each with a stored picture; the campaign has an endpoint for each judge."""
    campaign = make_campaign()
    for role in judges:
        Endpoint.objects.create(
            campaign=campaign, role=role, base_url=server.url or "http://127.0.0.1:9/v1", model=role
        )
    items = [stored(campaign, item, number) for number, item in enumerate(make_items(campaign, "count", len(letters)))]
    return make_answers(make_run(campaign, items, **run), dict(zip(items, letters, strict=True)))


def stored(campaign: Campaign, item: Item, number: int) -> Item:
    """The item with a picture that is really there."""
    picture = picture_check(png(number))
    media_store(campaign, [picture])
    item.images, item.cluster = [picture.sha256], picture.sha256
    item.save()
    return item


def judge(run: AnswerRun, way: str = "judge") -> Judging:
    """Ask for a judging and do its job."""
    judging = judging_submit(actor=run.campaign.created_by, campaign=run.campaign, run_id=run.pk, way=way)
    assert judging.job is not None
    judging_job(make_context(judging.job))
    type(judging.job).objects.filter(pk=judging.job.pk).update(status="succeeded")
    judging.refresh_from_db()
    return judging


def words(judging: Judging) -> dict[str, tuple[str, str, str]]:
    """What became of each answer by its text: strict, lenient and why."""
    rows = judging.rulings.select_related("answer")
    return {row.answer.text: (row.strict, row.lenient, row.detail) for row in rows}


def say(run: AnswerRun, old: str, text: str) -> Answer:
    """Let an answer of the run have this text."""
    answer = run.answers.get(text=old)
    answer.text = text
    answer.save()
    return answer
