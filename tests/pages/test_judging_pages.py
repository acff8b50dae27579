"""Judging pages: ways, numbers side by side, what flips, what waits for a person, labels and people's word on them."""

import pytest

from diagnostics.models import AnswerRun, Correction, Judging, Label, Ruling, Verdict
from tests.pages.asking import page, part, send
from tests.pages.judging import make_complete, make_judging, make_labels, make_rulings
from tests.pages.rows import make_checkpoint, make_report, make_run


@pytest.fixture
def run(campaign) -> AnswerRun:
    return make_complete(make_run(campaign, make_checkpoint(campaign, "judged"), num_items=2))


def test_a_diagnosis_leads_to_the_ways_of_judging_its_run_again(admin, campaign, run):
    report = make_report(run)
    assert f"/answer-runs/{run.pk}/judgings/" in page(admin, "report-detail", campaign.slug, report.pk)
    html = page(admin, "judging-list", campaign.slug, run.pk)
    assert "Not judged again yet" in html and 'value="judge"' in html
    assert 'value="rule"' not in html and "they would say the same" in html


def test_who_may_not_research_is_shown_no_button(as_role, campaign, run):
    assert 'value="judge"' not in page(as_role("viewer"), "judging-list", campaign.slug, run.pk)
    assert send(as_role("curator"), "judging-start", campaign.slug, run.pk, way="judge") == 403
    assert not Judging.objects.exists()


def test_a_start_makes_one_judging_with_its_job_and_a_wrong_way_is_said(admin, campaign, run):
    for _ in range(2):
        assert send(admin, "judging-start", campaign.slug, run.pk, way="judge") == 302
    judging = Judging.objects.get()
    assert judging.job.kind == "judging" and judging.judges == [["judge", "big-judge"]]
    send(admin, "judging-start", campaign.slug, run.pk, way="coin")
    assert "way must be one of" in page(admin, "judging-list", campaign.slug, run.pk)


def test_both_scores_stand_side_by_side_with_the_verdict_that_flips(admin, campaign, run):
    html = page(admin, "judging-detail", campaign.slug, make_judging(run).pk)
    for shown in (
        "60.0%",
        "80.0%",
        "51.0% – 68.0%, 120 items",
        "verdict flips",
        "0.78",
        "big-judge",
        "judge malformed",
    ):
        assert shown in html, shown


def test_an_answer_that_flips_is_shown_with_what_each_judge_said_and_quoted(admin, campaign, run):
    judging = make_judging(run)
    make_rulings(judging, 1)
    html = page(admin, "judging-detail", campaign.slug, judging.pk)
    for shown in (
        "judge: big-judge",
        "second_judge: other-judge",
        "<q>The answer is",
        "87.0%",
        "settled by second judge",
    ):
        assert shown in html, shown


def test_a_curator_decides_what_waits_and_a_viewer_cannot(as_role, campaign, run):
    judging = make_judging(run)
    ruling = make_rulings(judging, 1, waiting=True)[0]
    asked = ("judging-detail", campaign.slug, judging.pk)
    viewer, curator = as_role("viewer"), as_role("curator")
    assert 'name="outcome"' not in page(viewer, *asked, query="?show=waiting")
    assert 'name="outcome"' in page(curator, *asked, query="?show=waiting")
    assert send(viewer, "ruling-decide", campaign.slug, ruling.pk, outcome="correct") == 403
    words = {"outcome": "correct", "judging": str(judging.pk), "comment": "seven means 7"}
    assert send(curator, "ruling-decide", campaign.slug, ruling.pk, **words) == 302
    ruling.refresh_from_db()
    assert (ruling.strict, ruling.comment, ruling.is_flipped) == ("correct", "seven means 7", True)
    send(curator, "ruling-decide", campaign.slug, ruling.pk, **words)
    assert "somebody was faster" in page(curator, *asked, query="?show=waiting")


def test_a_live_judging_asks_for_itself_and_a_finished_one_does_not(admin, campaign, run):
    live, ended = make_judging(run, status="running", is_complete=False, result={}), make_judging(run)
    html = part(admin, "judging", "judging-detail", campaign.slug, live.pk)
    assert "hx-get" in html and "No numbers yet" in html and "<html" not in html
    assert "hx-get" not in part(admin, "judging", "judging-detail", campaign.slug, ended.pk)


def test_sealed_items_are_never_shown_one_by_one(admin, campaign, run):
    AnswerRun.objects.filter(pk=run.pk).update(split="sealed")
    judging = make_judging(run)
    make_rulings(judging)
    html = page(admin, "judging-detail", campaign.slug, judging.pk)
    assert "Sealed" in html and "What is the" not in html and "60.0%" in html


def test_labels_are_corrected_on_the_items_page_and_give_the_judges_precision(as_role, campaign, run):
    judging = make_judging(run, "types")
    label = make_labels(judging, 1)[0]
    curator, where = as_role("curator"), ("item-detail", campaign.slug, label.answer.item_id)
    assert "axes, bars and a legend" in page(curator, *where)
    assert 'name="error_type"' not in page(as_role("viewer"), *where)
    assert send(curator, "label-correct", campaign.slug, label.pk, image_type="chart_graph", error_type="other") == 302
    assert Correction.objects.get().error_type == "other"
    html = page(curator, "judging-detail", campaign.slug, judging.pk)
    assert "1 label seen by people" in html and "0 of 1" in html and "1 of 1" in html
    assert send(curator, "label-correct", campaign.slug, label.pk, image_type="nonsense", error_type="other") == 400


def test_a_run_that_is_not_complete_is_not_judged(admin, campaign):
    run = make_run(campaign, make_checkpoint(campaign, "slow"))
    page(admin, "judging-list", campaign.slug, run.pk, status=409)


def test_what_a_judge_quotes_is_shown_as_text(admin, campaign, run):
    judging = make_judging(run, "types")
    label = make_labels(judging, 1)[0]
    type(label).objects.update(error_evidence="<script>alert(1)</script>")
    assert "<script>alert(1)" not in page(admin, "item-detail", campaign.slug, label.answer.item_id)


@pytest.mark.parametrize("way", ["judge", "types"])
def test_many_answers_ask_no_more_than_two(admin, campaign, run, django_assert_num_queries, way):
    judging = make_judging(run, way)
    make = make_labels if way == "types" else make_rulings
    make(judging, 2)
    asked = ("judging-detail", campaign.slug, judging.pk)
    page(admin, *asked)
    expected = 8 if way == "types" else 7
    with django_assert_num_queries(expected):
        page(admin, *asked)
    Ruling.objects.all().delete()
    Label.objects.all().delete()
    Verdict.objects.exclude(judge="rule").delete()
    make(judging, 20)
    with django_assert_num_queries(expected):
        page(admin, *asked)


def test_a_runs_list_of_judgings_asks_the_same_for_many(admin, campaign, run, django_assert_num_queries):
    make_judging(run)
    asked = ("judging-list", campaign.slug, run.pk)
    page(admin, *asked)
    with django_assert_num_queries(10):
        page(admin, *asked)
    for _ in range(8):
        make_judging(run)
    with django_assert_num_queries(10):
        page(admin, *asked)


def test_an_items_page_asks_the_same_for_many_labels(admin, campaign, run, django_assert_num_queries):
    answer = run.answers.first()
    for number in range(2):
        label = make_labels(make_judging(run, "types"), 1)[0]
        Correction.objects.create(label=label, image_type="map", error_type="other", made_by=campaign.created_by)
        Label.objects.filter(pk=label.pk).update(prompt_hash=f"{number:064x}")
    asked = ("item-detail", campaign.slug, answer.item_id)
    page(admin, *asked)
    with django_assert_num_queries(12):
        page(admin, *asked)
    for number in range(2, 12):
        Label.objects.filter(pk=make_labels(make_judging(run, "types"), 1)[0].pk).update(prompt_hash=f"{number:064x}")
    with django_assert_num_queries(12):
        page(admin, *asked)
