"""Answer runs: frozen when made, answered behind the border, stored and graded exactly once."""

import pytest

from core.domain.answers import EXTRACTOR_VERSION
from core.errors import GpuJobFailed, InvalidInput, LeaseLost, NotAllowed
from core.jobs.context import JobContext
from core.models import AuditEvent
from core.specs import ANSWERS_FILE, AnswerRow, AnswerSpec, Sampling
from diagnostics.handlers import answer_run_job
from diagnostics.models import Answer, AnswerRun, Benchmark, Verdict
from diagnostics.selectors.outcomes import item_outcomes
from diagnostics.services import answer_runs, ingest
from diagnostics.services.answer_runs import answer_run_create
from tests.diagnostics.fake_gpu import FakeGpu, write_answers
from tests.diagnostics.makers import make_checkpoint, make_items
from tests.factories import make_campaign, make_context, make_job, make_user

pytestmark = pytest.mark.django_db


def shares(run: AnswerRun) -> dict[int, float]:
    """Mean strict correctness by item."""
    return {row.item_id: row.strict for row in item_outcomes(run) if row.strict is not None}


@pytest.fixture
def campaign():
    return make_campaign(engine={"device": "cpu", "batch_size": 8, "max_new_tokens": 99, "threads": 2})


@pytest.fixture
def gpu(monkeypatch):
    """Answers 7 in a box to every item; 7 is right."""
    fake = FakeGpu(lambda item, ix: r"\boxed{7}")
    monkeypatch.setattr(answer_runs, "gpu_run", fake)
    return fake


def create(campaign, **change) -> AnswerRun:
    choice = {"split": "probe", "items_a_skill": 3, "sampling": Sampling(), "label": "probe 1", "round_number": 1}
    return answer_run_create(
        **{
            "actor": campaign.created_by,
            "campaign": campaign,
            "checkpoint": make_checkpoint(campaign, path="/m"),
            **choice,
            **change,
        }
    )


def execute(run: AnswerRun) -> AnswerRun:
    answer_run_job(make_context(make_job(campaign=run.campaign, spec={"run_id": run.pk})))
    run.refresh_from_db()
    return run


def test_a_run_asks_so_many_items_of_every_skill_of_its_split(campaign):
    make_items(campaign, "count", 5)
    make_items(campaign, "colour", 2)
    make_items(campaign, "count", 5, split="gate")
    run = create(campaign)
    asked = [row.item for row in run.run_items.select_related("item").order_by("position")]
    assert [item.skill for item in asked] == ["colour"] * 2 + ["count"] * 3
    assert {item.split for item in asked} == {"probe"}
    assert (run.num_items, run.num_answers, run.result) == (5, 1, {"reused_items": 0})
    assert AuditEvent.objects.get(action="answer_run.created").object_id == str(run.pk)


def test_later_rounds_ask_other_items_and_say_when_they_cannot(campaign):
    make_items(campaign, "count", 5)
    first, second = create(campaign), create(campaign, round_number=2)
    shared = set(first.items.values_list("pk")) & set(second.items.values_list("pk"))
    assert (len(shared), second.result) == (1, {"reused_items": 1})


def test_items_of_an_import_that_goes_on_are_not_asked(campaign):
    items = make_items(campaign, "count", 5)
    Benchmark.objects.filter(pk=items[0].benchmark_id).update(num_items=0)
    with pytest.raises(InvalidInput, match="no probe items"):
        create(campaign)


def test_items_of_another_campaign_are_not_asked(campaign):
    make_items(make_campaign(), "count", 5)
    with pytest.raises(InvalidInput):
        create(campaign)


def test_the_settings_of_a_run_are_frozen_when_it_is_made(campaign, gpu):
    make_items(campaign, "count", 5)
    run = create(campaign, sampling=Sampling(num_answers=2, temperature=0.7, max_new_tokens=5))
    campaign.settings["engine"]["batch_size"] = 1
    campaign.save()
    execute(run)
    spec = gpu.runs[0]
    assert (spec.batch_size, spec.checkpoint_hash) == (8, run.checkpoint.content_hash)
    assert (spec.sampling.num_answers, spec.sampling.temperature, spec.sampling.max_new_tokens) == (2, 0.7, 5)
    assert (str(spec.places.checkpoint), spec.places.threads) == ("/m", 2)
    assert run.run_name == spec.run_name()


def test_without_a_limit_of_its_own_a_run_has_the_campaigns_limit_of_tokens(campaign, gpu):
    make_items(campaign, "count", 1)
    execute(create(campaign))
    assert gpu.runs[0].sampling.max_new_tokens == 99


def test_the_model_sees_picture_question_options_and_the_request_for_the_format(campaign, gpu):
    (item,) = make_items(campaign, "count", 1, options={"A": "6", "B": "7"}, hint="Look.", answer="B")
    execute(create(campaign))
    asked = gpu.items[0]
    picture, text = asked["messages"][0]["content"]
    assert asked["images"] == item.images and picture == {"type": "image"}
    assert text["text"] == "Look.\nHow many? 0\nA. 6\nB. 7\nPut the final answer in \\boxed{}."


def test_a_question_with_a_foreign_line_break_stays_one_line_of_the_file(campaign, gpu):
    make_items(campaign, "count", 2, question="One\u2028two\x85three")
    execute(create(campaign))
    assert gpu.items[0]["messages"][0]["content"][1]["text"].startswith("One\u2028two\x85three")


def test_answers_are_stored_and_graded_strict_and_lenient(campaign, gpu):
    items = make_items(campaign, "count", 4)
    texts = dict(zip((item.index for item in items), (r"\boxed{7}", "It is 7.", r"\boxed{8}", ""), strict=True))
    gpu.rule = lambda item, ix: texts[item.partition("/")[2]]
    run = execute(create(campaign, items_a_skill=4))
    said = {v.answer.item_id: (v.strict, v.lenient, v.extracted, v.detail) for v in Verdict.objects.all()}
    assert [said[item.pk] for item in items] == [
        ("correct", "correct", "7", "equal"),
        ("incorrect", "correct", "7", "no_box; lenient: equal"),
        ("incorrect", "incorrect", "8", "different"),
        ("incorrect", "incorrect", "", "no_box; lenient: no_answer"),
    ]
    assert run.is_complete
    assert run.result["extractor_version"] == EXTRACTOR_VERSION


def test_an_answer_that_was_cut_off_is_wrong_not_unscored(campaign, gpu):
    make_items(campaign, "count", 1)
    gpu.finish = "length"
    execute(create(campaign))
    verdict = Verdict.objects.get()
    assert (verdict.strict, verdict.lenient, verdict.detail) == ("incorrect", "incorrect", "truncated")


def test_several_answers_of_an_item_stay_several_and_count_by_their_share(campaign, gpu):
    (item,) = make_items(campaign, "count", 1)
    gpu.rule = lambda name, ix: r"\boxed{7}" if ix < 3 else r"\boxed{8}"
    run = execute(create(campaign, sampling=Sampling(num_answers=4, temperature=1.0)))
    assert sorted(Answer.objects.values_list("sample_ix", flat=True)) == [0, 1, 2, 3]
    assert shares(run) == {item.pk: 0.75}


def test_outcomes_name_skill_and_benchmark_and_leave_out_what_is_unscored(campaign, gpu):
    right, wrong = make_items(campaign, "count", 1), make_items(campaign, "sum", 1, answer="8")
    broken = make_items(campaign, "sum", 1, answer="not a number")
    run = execute(create(campaign))
    assert shares(run) == {right[0].pk: 1.0, wrong[0].pk: 0.0}
    assert {row.skill for row in item_outcomes(run)} == {"count", "sum"}
    assert right[0].benchmark.name in {row.benchmark for row in item_outcomes(run)}
    (unscored,) = [row for row in item_outcomes(run) if row.item_id == broken[0].pk]
    assert (unscored.strict, unscored.lenient, unscored.num_scored, unscored.num_unscored) == (None, None, 0, 1)


def test_a_nul_in_an_answer_is_stored_on_every_database(campaign, gpu):
    make_items(campaign, "count", 1)
    gpu.rule = lambda item, ix: "a\0b"
    execute(create(campaign))
    assert Answer.objects.get().text == "a\ufffdb"


def test_a_complete_run_costs_nothing(campaign, gpu):
    make_items(campaign, "count", 3)
    run = execute(create(campaign))
    keys = set(Verdict.objects.values_list("pk", "answer_id"))
    execute(run)
    assert len(gpu.runs) == 1
    assert set(Verdict.objects.values_list("pk", "answer_id")) == keys


def test_the_same_spec_uses_the_answers_that_are_there(campaign, gpu):
    make_items(campaign, "count", 3)
    checkpoint = make_checkpoint(campaign)
    first, again = (execute(create(campaign, checkpoint=checkpoint)) for _ in range(2))
    other = execute(create(campaign, checkpoint=make_checkpoint(campaign)))
    assert first.run_name == again.run_name != other.run_name
    assert len(gpu.runs) == 2
    assert Answer.objects.filter(run=again).count() == 3


@pytest.mark.parametrize("lost_at", [1, 2, 3, 4, 5, 6])
def test_a_run_killed_at_any_write_goes_on_and_stores_nothing_twice(campaign, gpu, monkeypatch, lost_at):
    monkeypatch.setattr(ingest, "CHUNK", 2)
    make_items(campaign, "count", 4)
    run, writes, real = create(campaign, items_a_skill=4), [], JobContext.writing

    def lose(self):
        writes.append(1)
        if len(writes) == lost_at:
            raise LeaseLost("another worker has it")
        return real(self)

    monkeypatch.setattr(JobContext, "writing", lose)
    with pytest.raises(LeaseLost):
        execute(run)
    run.refresh_from_db()
    assert not run.is_complete
    kept = set(Answer.objects.values_list("pk", flat=True)), set(Verdict.objects.values_list("pk", flat=True))
    execute(run)
    answers, verdicts = Answer.objects.all(), Verdict.objects.all()
    assert (answers.count(), verdicts.count(), run.is_complete, len(gpu.runs)) == (4, 4, True, 1)
    assert kept[0] <= {row.pk for row in answers} and kept[1] <= {row.pk for row in verdicts}
    assert AuditEvent.objects.filter(action="answer_run.completed").count() == 1


def test_a_run_that_a_rival_completed_is_not_completed_again(campaign, gpu):
    make_items(campaign, "count", 2)
    run = create(campaign)

    def rival_first(spec, folder):
        FakeGpu.answer(gpu, spec, folder)
        AnswerRun.objects.filter(pk=run.pk).update(is_complete=True, result={"by": "the rival"})

    gpu.answer = rival_first
    assert execute(run).result == {"by": "the rival"}
    assert not AuditEvent.objects.filter(action="answer_run.completed").exists()


def test_what_a_lost_attempt_wrote_in_its_last_transaction_is_gone(campaign, gpu):
    make_items(campaign, "count", 2)
    run = create(campaign)
    context = make_context(make_job(campaign=campaign, spec={"run_id": run.pk}))
    type(context.job).objects.filter(pk=context.job.pk).update(attempt=2)
    with pytest.raises(LeaseLost):
        answer_run_job(context)
    assert not Answer.objects.exists()


def rows_of(gpu: FakeGpu, spec: AnswerSpec) -> list[AnswerRow]:
    return FakeGpu.rows(gpu, spec)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[:-1], "holds 1 of 2 answers"),
        (lambda rows: [*rows, rows[0].model_copy(update={"id": "foreign"})], "answers foreign"),
        (lambda rows: [*rows, rows[0].model_copy(update={"sample_ix": 1})], "which the run did not ask"),
    ],
)
def test_a_file_with_too_few_or_foreign_answers_fails_the_run(campaign, gpu, change, words):
    make_items(campaign, "count", 2)
    gpu.answer = lambda spec, folder: answer_changed(gpu, spec, folder, change)
    with pytest.raises(GpuJobFailed, match=words):
        execute(create(campaign))
    assert not AnswerRun.objects.get().is_complete


def answer_changed(gpu, spec, folder, change):
    FakeGpu.answer(gpu, spec, folder)
    write_answers(folder, change(rows_of(gpu, spec)))


def test_an_answers_file_that_is_not_the_one_of_the_result_is_refused(campaign, gpu):
    make_items(campaign, "count", 1)
    run = create(campaign)

    def spoil(spec, folder):
        FakeGpu.answer(gpu, spec, folder)
        (folder / ANSWERS_FILE).open("a").write("\n")

    gpu.answer = spoil
    with pytest.raises(GpuJobFailed, match="not the file that its result names"):
        execute(run)


def test_a_new_extractor_grades_old_answers_without_new_inference(campaign, gpu, monkeypatch):
    make_items(campaign, "count", 2)
    run = execute(create(campaign))
    monkeypatch.setattr(ingest, "EXTRACTOR_VERSION", "answers-next")
    ingest.verdicts_store(make_context(make_job(campaign=campaign)), run)
    versions = sorted(Verdict.objects.values_list("extractor_version", flat=True))
    assert versions == [EXTRACTOR_VERSION] * 2 + ["answers-next"] * 2
    assert shares(run) == dict.fromkeys(shares(run), 1.0)


def test_making_a_run_takes_the_right_to_research_and_a_checkpoint_of_the_campaign(campaign):
    make_items(campaign, "count", 2)
    with pytest.raises(NotAllowed):
        create(campaign, actor=make_user())
    with pytest.raises(InvalidInput, match="another campaign"):
        create(campaign, checkpoint=make_checkpoint(make_campaign()))
