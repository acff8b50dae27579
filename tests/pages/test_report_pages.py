"""Report pages: what is weak and how sure that is, down to the items."""

import pytest

from diagnostics.models import SkillDiagnosis
from tests.pages.asking import page
from tests.pages.rows import make_checkpoint, make_report, make_run


@pytest.fixture
def report(campaign):
    return make_report(make_run(campaign, make_checkpoint(campaign, "judged"), num_items=3))


def test_weak_skills_come_first_with_their_intervals_and_what_is_missing(admin, campaign, report):
    html = page(admin, "report-detail", campaign.slug, report.pk)
    assert html.index("clock hour") < html.index("bar value") < html.index("shape")
    assert "3</b> weak" in html
    assert "1,043 more" in html
    assert "6 unscored" in html


def test_an_interval_from_too_few_pictures_is_not_sold_as_one(admin, campaign, report):
    assert "too few images" not in page(admin, "report-detail", campaign.slug, report.pk)
    SkillDiagnosis.objects.filter(report=report, skill="count").update(effective_images=8)
    assert "too few images" in page(admin, "report-detail", campaign.slug, report.pk)


def test_a_skill_opens_its_items_with_picture_question_gold_answer_and_verdict(admin, campaign, report):
    html = page(admin, "report-skill", campaign.slug, report.pk, "count")
    for shown in ("/thumbnail", "What is the count?", "<b>4</b>", "\\boxed{C}", "incorrect", "extracted"):
        assert shown in html, shown


def test_items_can_be_filtered_by_outcome(admin, campaign, report):
    html = page(admin, "report-skill", campaign.slug, report.pk, "count", query="?outcome=correct")
    assert html.count("<article") == 1
    assert (
        page(admin, "report-skill", campaign.slug, report.pk, "count", query="?outcome=incorrect").count("<article")
        == 2
    )
    assert "No item of this skill" in page(
        admin, "report-skill", campaign.slug, report.pk, "count", query="?outcome=unscored"
    )
    page(admin, "report-skill", campaign.slug, report.pk, "count", query="?outcome=nonsense", status=400)


def test_items_come_page_by_page_without_gaps(admin, campaign):
    report = make_report(make_run(campaign, make_checkpoint(campaign, "big"), num_items=23))
    first = page(admin, "report-skill", campaign.slug, report.pk, "count")
    assert first.count("<article") == 20
    after = first.split("?after=")[1].split('"')[0]
    assert (
        page(admin, "report-skill", campaign.slug, report.pk, "count", query=f"?after={after}").count("<article") == 3
    )


def test_reports_are_for_members_and_of_this_campaign_only(as_role, campaign, report):
    page(as_role("viewer"), "report-detail", campaign.slug, report.pk)
    page(as_role("stranger"), "report-detail", campaign.slug, report.pk, status=403)
    page(as_role("stranger"), "report-skill", campaign.slug, report.pk, "count", status=403)
    page(as_role("viewer"), "report-detail", campaign.slug, report.pk + 1, status=404)
    page(as_role("viewer"), "report-skill", campaign.slug, report.pk, "no such skill", status=404)


def test_what_a_model_wrote_is_text_and_never_markup(admin, campaign, report):
    answer = report.run.answers.first()
    answer.text = "<script>alert(1)</script>"
    answer.save()
    html = page(admin, "report-skill", campaign.slug, report.pk, answer.item.skill)
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert" not in html


def test_items_cost_the_same_queries_however_many(admin, campaign, report, django_assert_max_num_queries):
    big = make_report(make_run(campaign, make_checkpoint(campaign, "big"), num_items=15))
    counts = []
    for one in (report, big):
        with django_assert_max_num_queries(10) as queries:
            page(admin, "report-skill", campaign.slug, one.pk, "count")
        counts.append(len(queries))
    assert counts[0] == counts[1]
