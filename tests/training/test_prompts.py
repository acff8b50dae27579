"""A run's prompts: their turns come in from the child's index, and their completions are read from its files."""

from pathlib import Path

import pytest
from django.http import QueryDict

from core.domain.rollouts import TURNS_FILE, PromptTurn, rollouts_path, rollouts_write
from core.errors import InvalidInput, LeaseLost
from core.jobs.context import own_row
from tests.core.test_rollouts import rollout
from tests.factories import make_campaign, make_context, make_job
from tests.training.rows import make_checkpoint, make_dataset, make_mixture, make_report, make_run
from training.models import Prompt, TrainingRun, Turn
from training.prompt_page import filter_of, prompt_context, prompts_filtered
from training.services.prompts import PromptStream

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> TrainingRun:
    campaign = make_campaign()
    parent = make_checkpoint(campaign)
    dataset = make_dataset(make_mixture(campaign, make_report(campaign, make_run(campaign, parent, []))))
    return TrainingRun.objects.create(campaign=campaign, dataset=dataset, parent=parent, seed=1, run_name="abc")


def stream_of(run: TrainingRun) -> PromptStream:
    return PromptStream(make_context(make_job(campaign=run.campaign, kind="train")), run)


def line(step: int, sample: str = "s1", reward: float | None = 0.5, place: int = 0, **facts) -> str:
    given = {"skill": "clock", "purpose": "target", "num": 4, "num_correct": 2, "num_unscored": 0}
    given |= {"num_truncated": 0, "mean_tokens": 5.0}
    turn = PromptTurn(step=step, place=place, sample_id=sample, reward=reward, **(given | facts))
    return turn.model_dump_json() + "\n"


def said(run: TrainingRun) -> dict[str, tuple]:
    names = ("name", "num_turns", "first_reward", "last_reward", "change")
    return {name: tuple(rest) for name, *rest in run.prompts.values_list(*names)}


def test_a_prompt_is_summed_up_from_its_first_turn_to_its_newest(run, tmp_path):
    stream, path = stream_of(run), tmp_path / TURNS_FILE
    path.write_text(line(1, reward=0.25) + line(1, "s2", place=1) + line(3, reward=0.5))
    stream(tmp_path)
    assert said(run) == {"s1": (2, 0.25, 0.5, 0.25), "s2": (1, 0.5, 0.5, 0.0)}
    with path.open("a") as file:
        file.write(line(5, reward=1.0) + line(5, "s2", reward=None, place=1) + line(7)[:9])
    stream(tmp_path)
    assert said(run) == {"s1": (3, 0.25, 1.0, 0.75), "s2": (2, 0.5, 0.5, 0.0)}


def test_a_replayed_step_overwrites_and_a_new_attempt_makes_no_row_twice(run, tmp_path):
    path = tmp_path / TURNS_FILE
    path.write_text(line(1, reward=0.25) + line(3, reward=0.5))
    stream_of(run)(tmp_path)
    with path.open("a") as file:
        file.write(line(3, reward=0.75, num_correct=3))
    stream_of(run)(tmp_path)
    assert said(run) == {"s1": (2, 0.25, 0.75, 0.5)}
    assert list(Turn.objects.order_by("step").values_list("step", "num_correct")) == [(1, 2), (3, 3)]


def test_who_lost_the_job_stores_no_turn(run, tmp_path):
    (tmp_path / TURNS_FILE).write_text(line(1))
    stream = stream_of(run)
    own_row(stream.context.job).update(status="errored")
    with pytest.raises(LeaseLost):
        stream(tmp_path)
    assert not Turn.objects.exists()


def test_a_prompt_knows_its_sample_by_the_dataset_s_manifest(run, tmp_path):
    from datagen.models import Sample, Slot

    facts = {"skill": "clock", "purpose": "target", "image_type": "diagram", "question_type": "number"}
    slot = Slot.objects.create(mixture=run.dataset.mixture, index=4, **facts)
    sample = Sample.objects.create(slot=slot, try_ix=1, question="What time?", status="accepted")
    run.dataset.manifest = {"samples": [["s1", "f" * 64, 4, 1, 3, 9]]}
    (tmp_path / TURNS_FILE).write_text(line(1) + line(1, "s2", place=1))
    stream_of(run)(tmp_path)
    assert dict(run.prompts.values_list("name", "sample")) == {"s1": sample.pk, "s2": None}


def test_paging_by_change_shows_every_prompt_once(run):
    for place in range(9):
        Prompt.objects.create(training_run=run, name=f"s{place}", skill="a", purpose="target", change=place // 3 / 10)
    for order in ("rise", "fall"):
        seen, after = [], None
        while page := list(prompts_filtered(run, filter_of(QueryDict(f"order={order}")), after)[:2]):
            seen, after = seen + page, page[-1].pk
        assert len({row.pk for row in seen}) == len(seen) == 9
        changes = [row.change for row in seen]
        assert changes == sorted(changes, reverse=order == "rise")


def test_prompts_are_filtered_by_skill_and_purpose_and_an_unknown_order_is_named(run):
    for skill, purpose in (("a", "target"), ("b", "replay")):
        Prompt.objects.create(training_run=run, name=skill, skill=skill, purpose=purpose)
    assert [row.name for row in prompts_filtered(run, filter_of(QueryDict("skill=a")), None)] == ["a"]
    assert [row.name for row in prompts_filtered(run, filter_of(QueryDict("purpose=replay")), None)] == ["b"]
    with pytest.raises(InvalidInput, match="order must be one of rise, fall"):
        filter_of(QueryDict("order=name"))
    with pytest.raises(InvalidInput, match="purpose must be one of"):
        filter_of(QueryDict("purpose=other"))


def test_one_prompt_shows_its_newest_turns_with_their_completions(run, tmp_path, settings):
    (tmp_path / TURNS_FILE).write_text("".join(line(step, reward=step / 20) for step in range(1, 12, 2)))
    stream_of(run)(tmp_path)
    folder = Path(settings.RUNS_ROOT) / "abc"
    rollouts_write(rollouts_path(folder, 11), [[rollout(text="I count \\boxed{3}")]])
    prompt = run.prompts.get()
    context = prompt_context(run, prompt, None)
    assert [view.turn.step for view in context["turns"]] == [11, 9, 7, 5]
    assert context["turns"][0].rollouts[0].text == "I count \\boxed{3}"
    assert context["turns"][1].rollouts is None
    assert [view.turn.step for view in prompt_context(run, prompt, context["more"])["turns"]] == [3, 1]
    assert context["figures"]["prompt-reward"]["data"][0]["x"] == [1, 3, 5, 7, 9, 11]
