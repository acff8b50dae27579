"""Training runs by hand: drafted, launched, checked first, trained when the check passed or somebody answers for it."""

import json

import pytest
from django.utils import timezone

from core.check_specs import CheckSpec
from core.errors import GpuJobFailed, InvalidInput, NotAllowed, WrongState
from core.jobs.engine import execute_next
from core.models import AuditEvent, Job
from core.presets import PRESETS
from core.specs import RESULT_FILE, GrpoSettings
from dpe_site.stage_table import HANDLERS
from tests.factories import make_campaign, make_context, make_job, make_member
from tests.training.rows import make_checkpoint, make_dataset, make_folder, make_mixture, make_report, make_run
from training.launch_draft import changes_between, draft_of, draft_typed, preset_changes, with_preset
from training.launch_page import differences
from training.models import Preflight, Round, TrainingRun
from training.services import preflights, training_runs
from training.services.launches import Launch, training_run_launch, training_run_override
from training.services.preflights import difficulty_of, preflight_ensure, preflight_open
from training.services.training_runs import training_run_create, training_run_stop

pytestmark = pytest.mark.django_db
OK = {"name": "dataset", "status": "ok", "found": "6 samples.", "change": ""}
WARN = {"name": "gradient", "status": "warn", "found": "Unknown.", "change": "Look."}
BAD = {"name": "canary", "status": "fail", "found": "Silent.", "change": "Mend the pictures."}


@pytest.fixture
def campaign(tmp_path):
    campaign = make_campaign(seed=11)
    parent = make_checkpoint(campaign, make_folder(tmp_path / "base"))
    parquet = tmp_path / "samples.parquet"
    parquet.write_bytes(b"rows")
    make_dataset(make_mixture(campaign, make_report(campaign, make_run(campaign, parent, []))), parquet)
    return campaign


def launch_of(campaign, **settings) -> Launch:
    draft = draft_of(campaign, None)
    return Launch(draft.parent, draft.dataset, GrpoSettings(**settings), "cpu", "float32", draft.seed)


def launched(campaign, **settings) -> TrainingRun:
    return training_run_launch(actor=campaign.created_by, campaign=campaign, launch=launch_of(campaign, **settings))


def play_check(monkeypatch, *lines) -> list[CheckSpec]:
    """A check child that finds these lines at once; what it was asked."""
    asked = []

    def gpu_run(context, gpu):
        asked.append(gpu.spec)
        gpu.folder.mkdir(parents=True, exist_ok=True)
        gpu.write_inputs(gpu.folder)
        result = {"lines": lines, "seconds": 2.0, "peak_rss_mb": 1.0, "versions": {}}
        (gpu.folder / RESULT_FILE).write_text(json.dumps(result))
        return gpu.folder

    monkeypatch.setattr(preflights, "gpu_run", gpu_run)
    return asked


def work_once() -> Job:
    job = execute_next("gpu", HANDLERS)
    assert job is not None
    job.refresh_from_db()
    return job


def test_a_launch_makes_a_run_whose_preflight_comes_first(campaign):
    run = launched(campaign, steps=3)
    assert (run.is_by_hand, run.job, run.spec["settings"]["steps"]) == (True, None, 3)
    job = Job.objects.get()
    assert (job.kind, job.queue, job.spec) == ("preflight", "gpu", {"training_run_id": run.pk, "take": 1})
    assert run.child_name == f"{campaign.slug}-by-hand-1"
    assert AuditEvent.objects.filter(action="training_run.launched", data__run_name=run.run_name).exists()


def test_a_run_trains_by_itself_once_its_preflight_has_passed(campaign, monkeypatch):
    asked = play_check(monkeypatch, OK, WARN)
    run = launched(campaign)
    assert work_once().status == "succeeded"
    run.refresh_from_db()
    look = run.preflights.get()
    assert (look.is_passed, look.lines, look.seconds) == (True, [OK, WARN], 2.0)
    assert (run.job.kind, run.job.status, run.job.spec) == ("train", "waiting", {"training_run_id": run.pk})
    assert asked[0].train_spec.run_name() == run.run_name


def test_a_run_whose_preflight_fails_waits_for_a_person(campaign, monkeypatch):
    play_check(monkeypatch, OK, BAD)
    run = launched(campaign)
    assert work_once().status == "succeeded", "the look itself went well"
    run.refresh_from_db()
    assert run.job is None and run.preflights.get().is_passed is False
    assert execute_next("gpu", HANDLERS) is None


def test_a_table_without_lines_is_no_pass(campaign, monkeypatch):
    play_check(monkeypatch)
    run = launched(campaign)
    work_once()
    run.refresh_from_db()
    assert run.job is None


def test_somebody_answers_for_a_failed_preflight_by_name_and_reason(campaign, monkeypatch):
    play_check(monkeypatch, OK, BAD)
    run, person = launched(campaign), make_member(campaign, "researcher")
    work_once()
    with pytest.raises(InvalidInput) as caught:
        training_run_override(actor=person, run=run, reason="  ")
    assert caught.value.field == "reason"
    look = training_run_override(actor=person, run=run, reason="The pictures are decoys here.")
    run.refresh_from_db()
    assert (look.overridden_by, look.reason, look.is_passed) == (person, "The pictures are decoys here.", False)
    assert run.job.kind == "train" and run.job.actor == person
    said = AuditEvent.objects.get(action="preflight.overridden").data
    assert (said["reason"], said["failed"]) == ("The pictures are decoys here.", ["canary"])
    with pytest.raises(WrongState, match="no pre-flight that failed"):
        training_run_override(actor=person, run=run, reason="again")


def test_who_answers_second_learns_of_the_first(campaign, monkeypatch):
    play_check(monkeypatch, BAD)
    run = launched(campaign)
    work_once()
    seen = run.preflights.get()
    monkeypatch.setattr(type(seen), "is_clear", property(lambda self: False))
    training_run_override(actor=campaign.created_by, run=run, reason="first")
    Job.objects.filter(kind="train").update(status="cancelled", ended_at=timezone.now())
    with pytest.raises(WrongState, match="Somebody else"):
        training_run_override(actor=campaign.created_by, run=run, reason="second")
    assert (Job.objects.filter(kind="train").count(), run.preflights.get().reason) == (1, "first")


def test_nobody_answers_for_what_passed_or_is_still_looked_at(campaign, monkeypatch):
    play_check(monkeypatch, OK)
    run = launched(campaign)
    with pytest.raises(WrongState):
        training_run_override(actor=campaign.created_by, run=run, reason="hurry")
    work_once()
    with pytest.raises(WrongState):
        training_run_override(actor=campaign.created_by, run=run, reason="hurry")


def test_looking_again_is_another_take_in_a_folder_of_its_own(campaign, monkeypatch):
    asked = play_check(monkeypatch, BAD)
    run = launched(campaign)
    with pytest.raises(WrongState, match="being checked"):
        preflight_open(actor=campaign.created_by, run=run)
    work_once()
    preflight_open(actor=campaign.created_by, run=run)
    play_check(monkeypatch, OK)
    work_once()
    run.refresh_from_db()
    assert list(run.preflights.order_by("take").values_list("take", "is_passed")) == [(1, False), (2, True)]
    assert run.job is not None and asked[0].take == 1
    with pytest.raises(WrongState, match="trains"):
        preflight_open(actor=campaign.created_by, run=run)


def test_a_check_that_dies_leaves_the_run_waiting_and_can_be_answered_for(campaign, monkeypatch):
    def dead(context, gpu):
        raise GpuJobFailed("killed", code="killed")

    monkeypatch.setattr(preflights, "gpu_run", dead)
    run = launched(campaign)
    assert work_once().error_code == "killed"
    training_run_override(actor=campaign.created_by, run=run, reason="The checker is at fault.")
    run.refresh_from_db()
    assert run.job.kind == "train"


def test_the_very_same_spec_is_not_launched_twice(campaign):
    run = launched(campaign)
    with pytest.raises(InvalidInput, match=f"{run} has exactly this spec") as caught:
        launched(campaign)
    assert caught.value.field == "settings" and TrainingRun.objects.count() == 1


def test_only_researchers_launch_look_again_and_answer(campaign, monkeypatch):
    curator = make_member(campaign, "curator")
    with pytest.raises(NotAllowed):
        training_run_launch(actor=curator, campaign=campaign, launch=launch_of(campaign))
    play_check(monkeypatch, BAD)
    run = launched(campaign)
    work_once()
    for deed in (
        lambda: preflight_open(actor=curator, run=run),
        lambda: training_run_override(actor=curator, run=run, reason="please"),
    ):
        with pytest.raises(NotAllowed):
            deed()
    assert Preflight.objects.count() == 1


def test_a_parent_that_lies_elsewhere_cannot_be_trained(campaign):
    launch = launch_of(campaign)
    launch.parent.path = ""
    with pytest.raises(InvalidInput, match="no folder here"):
        training_run_launch(actor=campaign.created_by, campaign=campaign, launch=launch)


def test_a_run_by_hand_can_be_stopped_with_a_checkpoint(campaign, monkeypatch):
    play_check(monkeypatch, OK)
    run = launched(campaign)
    work_once()
    make_context(Job.objects.get(kind="train"))
    training_run_stop(actor=campaign.created_by, run=run)
    assert AuditEvent.objects.filter(action="training_run.stop_asked").exists()


def test_the_forecast_is_made_of_the_samples_own_answers(campaign):
    dataset = campaign.datasets.get()
    rows = [["a", "i", 0, 0, 4, 9], ["b", "i", 1, 0, 4, 9], ["c", "i", 2, 0, 0, 9], ["d", "i", 3, 0, None, 0]]
    dataset.manifest = {"samples": rows}
    assert difficulty_of(dataset) == ((0, 9, 1), (4, 9, 2))


@pytest.fixture
def round_run(campaign):
    round = Round.objects.create(
        campaign=campaign, number=1, parent=campaign.checkpoints.get(), started_by=campaign.created_by
    )
    return training_run_create(actor=campaign.created_by, round=round, dataset=campaign.datasets.get())


def context_of(run):
    return make_context(make_job(campaign=run.campaign, kind="train", spec={"training_run_id": run.pk}))


def checked_rounds(campaign) -> None:
    campaign.settings = {**campaign.settings, "engine": {**campaign.settings["engine"], "preflight": True}}
    campaign.save()


def test_a_round_trains_at_once_unless_its_campaign_wants_a_check(round_run, monkeypatch):
    asked = play_check(monkeypatch, BAD)
    preflight_ensure(context_of(round_run), round_run)
    assert asked == []


def test_a_rounds_run_is_checked_in_its_own_job_and_fails_with_what_to_change(campaign, round_run, monkeypatch):
    checked_rounds(campaign)
    asked = play_check(monkeypatch, OK, BAD)
    with pytest.raises(GpuJobFailed, match=r"canary: Silent\. Mend the pictures\.") as caught:
        preflight_ensure(context_of(round_run), round_run)
    assert caught.value.code == "preflight_failed"
    Job.objects.update(status="failed")
    training_run_override(actor=campaign.created_by, run=round_run, reason="It is a drill.")
    assert Job.objects.count() == 1, "the stage is run again by a person"
    preflight_ensure(context_of(round_run), round_run)
    assert len(asked) == 1


def test_a_rounds_check_that_was_killed_is_the_same_take_again(campaign, round_run, monkeypatch):
    checked_rounds(campaign)
    context = context_of(round_run)
    Preflight.objects.create(training_run=round_run, run_name=round_run.run_name, take=1, job=context.job)
    asked = play_check(monkeypatch, OK)
    preflight_ensure(context, round_run)
    assert [spec.take for spec in asked] == [1] and round_run.preflights.get().is_passed
    preflight_ensure(context, round_run)
    assert len(asked) == 1


def test_a_draft_starts_from_another_runs_spec(campaign):
    first = launched(campaign, steps=3, learning_rate=2e-6)
    TrainingRun.objects.filter(pk=first.pk).update(spec=first.spec | {"device": "cuda", "dtype": "bfloat16"})
    first.refresh_from_db()
    draft = draft_of(campaign, first)
    assert (draft.settings.grpo.steps, draft.settings.engine.device, draft.seed) == (3, "cuda", first.seed)
    assert differences(draft, first) == []
    changed, problems = draft_typed(campaign, draft, {"grpo.beta": "0.5", "seed": "7", "child_name": "mine"})
    assert problems == {} and (changed.seed, changed.child_name) == (7, "mine")
    assert [(one.name, one.before, one.after) for one in differences(changed, first)] == [
        ("seed", first.seed, 7),
        ("beta", 0.01, 0.5),
    ]


def test_every_field_that_is_wrong_is_named(campaign):
    typed = {
        "grpo.beta": "-1",
        "grpo.gpus": "9",
        "parent": "999",
        "dataset": "x",
        "seed": "-3",
        "grpo.extra": '{"lr": 1}',
    }
    _, problems = draft_typed(campaign, draft_of(campaign, None), typed)
    assert set(problems) == {"grpo.beta", "grpo.gpus", "grpo.extra", "parent", "dataset", "seed"}


def test_a_preset_says_what_it_changes_and_why(campaign):
    settings = draft_of(campaign, None).settings
    changes = {one.name: one for one in preset_changes(settings, PRESETS["qwen2.5-vl-7b-lora"])}
    assert (changes["lora_rank"].before, changes["lora_rank"].after) == (0, 32)
    assert "never on lm_head" in changes["lora_rank"].why
    assert changes["device"].after == "cuda" and "beta" not in changes
    filled = with_preset(settings, PRESETS["qwen2.5-vl-7b-lora"])
    assert changes_between(settings, filled) and preset_changes(filled, PRESETS["qwen2.5-vl-7b-lora"]) == []
    assert filled.diagnosis == settings.diagnosis


def test_nothing_to_train_on_is_named(campaign):
    other = make_campaign()
    with pytest.raises(InvalidInput, match="choose a checkpoint"):
        draft_of(other, None).launch()
    make_checkpoint(other)
    with pytest.raises(InvalidInput, match="choose a dataset"):
        draft_of(other, None).launch()
    assert training_runs.run_job(TrainingRun(campaign=other)) is None
