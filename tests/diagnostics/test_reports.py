"""Reports: counted once from a complete run, frozen, unscored answers never in an accuracy."""

import pytest

from core.errors import LeaseLost, NotAllowed, NotFound, WrongState
from core.jobs.context import JobContext
from core.models import AuditEvent, Membership
from diagnostics.domain.intervals import MIN_EFFECTIVE_CLUSTERS, clustered_interval, wilson
from diagnostics.handlers import report_job
from diagnostics.models import MIN_IMAGES, Cell, Report, SkillDiagnosis
from diagnostics.selectors.reports import report_json, report_of, report_read
from tests.diagnostics.makers import make_answers, make_items, make_run
from tests.factories import make_campaign, make_context, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return make_campaign()


def run_of(campaign, **skills: tuple[str, int]):
    """A complete run of items by skill: (what every item's answers are, how many items) pairs flattened by caller."""
    outcomes = {item: letters for skill, (letters, n) in skills.items() for item in make_items(campaign, skill, n)}
    return make_answers(make_run(campaign, list(outcomes)), outcomes)


def mixed_run(campaign, skill: str, right: int, wrong: int):
    items = make_items(campaign, skill, right + wrong)
    outcomes = {item: "r" if i < right else "w" for i, item in enumerate(items)}
    return make_answers(make_run(campaign, items), outcomes)


def report_on(run) -> Report:
    job = make_job(campaign=run.campaign, kind="report", spec={"run_id": run.pk})
    return Report.objects.get(pk=report_job(make_context(job))["report_id"])


def skill_of(report, skill) -> SkillDiagnosis:
    return report.skills.get(skill=skill)


def test_a_skill_below_the_threshold_is_weak_and_one_above_is_not(campaign):
    report = report_on(run_of(campaign, bad=("w", 40), good=("r", 40), open=("r", 3)))
    assert {row.skill: row.verdict for row in report.skills.all()} == {
        "bad": "weak",
        "good": "not_weak",
        "open": "not_enough_data",
    }
    assert (report.tau, report.alpha, report.num_scored, report.num_unscored) == (0.7, 0.05, 83, 0)


def test_a_skill_shows_raw_counts_wilsons_interval_and_a_shrunken_value(campaign):
    row = skill_of(report_on(mixed_run(campaign, "count", 30, 10)), "count")
    assert (row.n, row.k, row.k_lenient, row.image_type, row.answer_type) == (40, 30, 30, "geometric", "number")
    assert (row.low, row.high) == pytest.approx((wilson(30, 40).low, wilson(30, 40).high))
    assert row.shrunken == pytest.approx(row.posterior_a / (row.posterior_a + row.posterior_b))
    assert row.effective_images == 40 and not row.has_too_few_images


def test_a_right_answer_in_the_wrong_format_counts_as_lenient_only(campaign):
    row = skill_of(report_on(run_of(campaign, count=("l", 30))), "count")
    assert (row.k, row.k_lenient, row.verdict) == (0, 30, "weak")


def test_an_unscored_answer_is_counted_apart_and_never_as_wrong(campaign):
    items = make_items(campaign, "count", 40)
    run = make_answers(make_run(campaign, items), {item: "r" if i < 30 else "u" for i, item in enumerate(items)})
    report = report_on(run)
    row = skill_of(report, "count")
    assert (row.n, row.k, row.verdict) == (30, 30, "not_weak")
    assert (report.num_scored, report.num_unscored) == (30, 10)
    assert report_read(report).coverage == 0.75


def test_a_skill_without_a_scored_answer_is_open_and_known_to_nothing(campaign):
    report = report_on(run_of(campaign, count=("u", 5), other=("r", 40)))
    row = skill_of(report, "count")
    assert (row.n, row.k, row.low, row.high, row.verdict) == (0, 0, 0.0, 1.0, "not_enough_data")
    assert not report.cells.filter(skill="count").exists()
    assert row.accuracy == 0.0 and row.has_too_few_images


def test_with_several_answers_the_item_is_the_unit_and_counts_by_its_share(campaign):
    report = report_on(run_of(campaign, count=("rrrw", 10), sum=("wwwu", 10)))
    count, total = skill_of(report, "count"), skill_of(report, "sum")
    assert (count.n, count.k, total.n, total.k) == (10, 8, 10, 0)
    assert count.low == pytest.approx(wilson(7.5, 10).low)
    assert (report.num_scored, report.num_unscored) == (70, 10)
    cell = report.cells.get(skill="count", is_strict=True)
    assert (cell.n, cell.sum_km, cell.sum_k2, cell.sum_m2) == (10, 7.5, 5.625, 10.0)


def test_items_that_share_a_picture_widen_the_interval(campaign):
    right = [make_items(campaign, "count", 5, cluster=f"picture {i}") for i in range(30)]
    outcomes = {item: "r" if i < 15 else "w" for i, items in enumerate(right) for item in items}
    row = skill_of(report_on(make_answers(make_run(campaign, list(outcomes)), outcomes)), "count")
    clusters = [(5, 5)] * 15 + [(0, 5)] * 15
    assert row.low == pytest.approx(clustered_interval(clusters).interval.low)
    assert row.low < wilson(75, 150).low - 0.05
    assert row.effective_images == 30


def test_many_questions_about_few_pictures_are_no_proof_of_weakness(campaign):
    pictures = [make_items(campaign, "count", 10, cluster=f"picture {i}") for i in range(10)]
    outcomes = {item: "r" if i < 5 else "w" for i, items in enumerate(pictures) for item in items}
    row = skill_of(report_on(make_answers(make_run(campaign, list(outcomes)), outcomes)), "count")
    assert (row.n, row.k, row.verdict, row.has_too_few_images) == (100, 50, "not_enough_data", True)


def test_too_few_images_are_said_by_the_rule_of_the_intervals(campaign):
    assert MIN_IMAGES == MIN_EFFECTIVE_CLUSTERS
    row = skill_of(report_on(run_of(campaign, count=("w", 19))), "count")
    assert row.has_too_few_images


def test_an_open_verdict_says_how_many_more_items_it_needs_or_that_the_bank_has_too_few(campaign):
    run = mixed_run(campaign, "count", 12, 8)
    make_items(campaign, "count", 500)
    decidable = skill_of(report_on(run), "count")
    assert decidable.verdict == "not_enough_data" and decidable.is_decidable
    assert 0 < decidable.num_more <= 500
    other = make_campaign()
    make_items(other, "count", 500, split="gate")
    hopeless = skill_of(report_on(mixed_run(other, "count", 12, 8)), "count")
    assert (hopeless.is_decidable, hopeless.num_more) == (False, None)


def test_cells_hold_every_slice_strict_and_lenient(campaign):
    plain, mixed = make_items(campaign, "count", 4), make_items(campaign, "count", 2, image_type="map")
    twins = make_items(campaign, "sum", 3, cluster="one picture")
    outcomes = dict(zip([*plain, *mixed, *twins], "rrlwrwrrw", strict=True))
    report = report_on(make_answers(make_run(campaign, list(outcomes)), outcomes))
    cells = {
        (cell.skill, cell.image_type, cell.is_strict): (cell.k, cell.n, cell.num_clusters)
        for cell in report.cells.all()
    }
    assert cells == {
        ("count", "geometric", True): (2, 4, 4),
        ("count", "geometric", False): (3, 4, 4),
        ("count", "map", True): (1, 2, 2),
        ("count", "map", False): (1, 2, 2),
        ("sum", "geometric", True): (2, 3, 1),
        ("sum", "geometric", False): (2, 3, 1),
    }
    twin = report.cells.get(skill="sum", is_strict=True)
    assert (twin.sum_m2, twin.sum_km, twin.sum_k2) == (9.0, 6.0, 4.0)
    assert skill_of(report, "count").image_type == "geometric"


def test_a_run_has_one_report_however_often_it_is_asked_for(campaign):
    run = mixed_run(campaign, "count", 3, 3)
    first, cells = report_on(run), Cell.objects.count()
    assert report_on(run) == first
    assert (Report.objects.count(), Cell.objects.count(), SkillDiagnosis.objects.count()) == (1, cells, 1)
    assert AuditEvent.objects.filter(action="report.created").count() == 1


def test_a_report_is_written_whole_or_not_at_all(campaign, monkeypatch):
    run = mixed_run(campaign, "count", 3, 3)

    def killed(*args, **kwargs):
        raise LeaseLost("another worker has it")

    with monkeypatch.context() as patch, pytest.raises(LeaseLost):
        patch.setattr(SkillDiagnosis.objects, "bulk_create", killed)
        report_on(run)
    assert (Report.objects.count(), Cell.objects.count()) == (0, 0)
    assert report_on(run).skills.count() == 1


def test_who_lost_the_lease_writes_no_report(campaign, monkeypatch):
    run = mixed_run(campaign, "count", 3, 3)

    def lost(self):
        raise LeaseLost("another worker has it")

    monkeypatch.setattr(JobContext, "writing", lost)
    with pytest.raises(LeaseLost):
        report_on(run)
    assert not Report.objects.exists()


def test_a_run_that_is_not_complete_has_no_report(campaign):
    with pytest.raises(WrongState, match="not complete"):
        report_on(make_run(campaign))


def test_reporting_takes_the_right_to_research(campaign):
    run = mixed_run(campaign, "count", 3, 3)
    Membership.objects.update(role="curator")
    with pytest.raises(NotAllowed):
        report_on(run)


def test_reading_shows_weak_skills_first_then_from_low_to_high(campaign):
    report = report_on(run_of(campaign, a_good=("r", 40), b_bad=("w", 40), c_open=("rw", 3), d_worse=("w", 80)))
    view = report_read(report)
    assert [row.skill for row in view.skills] == ["d_worse", "b_bad", "c_open", "a_good"]
    assert [row.verdict for row in view.skills] == ["weak", "weak", "not_enough_data", "not_weak"]
    assert (view.label, view.checkpoint_name) == (report.run.label, report.run.checkpoint.name)
    said = report_json(report)["skills"][0]
    assert (said["skill"], said["n"], said["k"], said["has_too_few_images"]) == ("d_worse", 80, 0, False)


def test_a_weak_skill_stands_before_an_open_one_that_looks_worse(campaign):
    weak, open_ = make_items(campaign, "weak", 200), make_items(campaign, "open", 2)
    outcomes = {item: "r" if i < 110 else "w" for i, item in enumerate([*weak, *open_])}
    view = report_read(report_on(make_answers(make_run(campaign, list(outcomes)), outcomes)))
    assert [row.skill for row in view.skills] == ["weak", "open"]
    assert view.skills[0].shrunken > view.skills[1].shrunken


def test_reading_a_report_takes_two_queries(campaign, django_assert_num_queries):
    report = report_on(run_of(campaign, a=("r", 4), b=("w", 4), c=("r", 4)))
    with django_assert_num_queries(2):
        report_read(report_of(campaign, report.pk))


def test_a_report_of_another_campaign_is_not_found(campaign):
    report = report_on(mixed_run(campaign, "count", 3, 3))
    with pytest.raises(NotFound):
        report_of(make_campaign(), report.pk)
