"""Blind spots over the reports, and one item with every answer it ever got."""

import pytest

from core.domain.answers import EXTRACTOR_VERSION
from diagnostics.models import Item, SkillDiagnosis, Verdict
from tests.pages.asking import page
from tests.pages.comparing import answer_items, make_gate_items, make_gate_run
from tests.pages.rows import make_checkpoint, make_report, make_run


@pytest.fixture
def report(campaign):
    return make_report(make_run(campaign, make_checkpoint(campaign, "judged"), num_items=1))


@pytest.fixture
def item(campaign):
    item = make_gate_items(campaign, 1)[0]
    for name, word in (("parent", False), ("child", True)):
        run = make_gate_run(campaign, make_checkpoint(campaign, name), [item], f"Round 1, gate, {name}")
        answer_items(run, {item: [word, True]})
    return item


def test_the_weak_skills_of_the_newest_report_stand_first(admin, campaign, report):
    html = page(admin, "report-list", campaign.slug)
    weak = html[: html.index("Skills over the reports")]
    assert "clock hour" in weak and "tallest bar" in weak
    assert "shape" not in weak
    assert "3 of 11 skills" in weak


def test_every_skill_shows_how_it_moved_over_the_reports(admin, campaign, report):
    again = make_report(make_run(campaign, make_checkpoint(campaign, "child"), num_items=1))
    SkillDiagnosis.objects.filter(report=again, skill="count").update(k=150, verdict="not_weak")
    SkillDiagnosis.objects.filter(report=again, skill="shape").delete()
    html = page(admin, "report-list", campaign.slug)
    table = html[html.index("Skills over the reports") :]
    assert table.index("judged") < table.index("child")
    row = table[table.index('scope="row">count<') :].split("</tr>")[0]
    assert row.index("33.0%") < row.index("75.0%") < row.index("+42.0")
    assert f"/reports/{report.pk}/skills/count/" in row and "not weak: 150 of 200 right" in row
    assert "–</span>" in table[table.index('scope="row">shape<') :].split("</tr>")[0]


def test_a_campaign_without_reports_says_what_comes(admin, campaign):
    assert "No report yet" in page(admin, "report-list", campaign.slug)


def test_a_report_without_a_weak_skill_says_so(admin, campaign, report):
    SkillDiagnosis.objects.filter(report=report).update(verdict="not_weak")
    assert "No skill is shown to be weak" in page(admin, "report-list", campaign.slug)


def test_reports_come_page_by_page(admin, campaign, report):
    for number in range(12):
        make_report(make_run(campaign, make_checkpoint(campaign, f"more{number}"), num_items=1))
    html = page(admin, "report-list", campaign.slug)
    assert ">judged<" not in html
    before = html.split("?before=")[1].split('"')[0]
    assert ">judged<" in page(admin, "report-list", campaign.slug, query=f"?before={before}")


def test_the_list_costs_the_same_queries_however_many_reports(admin, campaign, report, django_assert_max_num_queries):
    counts = []
    for _ in range(2):
        with django_assert_max_num_queries(8) as queries:
            page(admin, "report-list", campaign.slug)
        counts.append(len(queries))
        for number in range(3):
            make_report(make_run(campaign, make_checkpoint(campaign, f"more{len(counts)}{number}"), num_items=1))
    assert counts[0] == counts[1]


def test_an_item_shows_question_gold_and_every_answer_of_every_run(admin, campaign, item):
    html = page(admin, "item-detail", campaign.slug, item.pk)
    said = ("the blue bar", "\\boxed{C}", EXTRACTOR_VERSION, "1 of 2 right")
    for shown in (f"/media/{item.images[0]}", item.question, *said):
        assert shown in html, shown
    assert html.index("gate, child") < html.index("gate, parent")


def test_an_item_shows_what_every_judge_said(admin, campaign, item):
    answer = item.answers.first()
    facts = {"strict": "unscored", "lenient": "correct", "extracted": "<b>3</b>", "detail": "judges_disagree"}
    Verdict.objects.create(answer=answer, judge="second", extractor_version="judge-2", **facts)
    html = page(admin, "item-detail", campaign.slug, item.pk)
    for shown in ("second · judge-2", "judges disagree", "&lt;b&gt;3", "the same answer"):
        assert shown in html, shown
    assert "1 of 2 right" in html, "only the rules count"


def test_a_sealed_item_is_not_shown_to_anybody(admin, campaign, item):
    Item.objects.filter(pk=item.pk).update(split="sealed")
    html = page(admin, "item-detail", campaign.slug, item.pk, status=403)
    assert "sealed" in html and item.question not in html


def test_items_are_for_members_and_of_this_campaign_only(as_role, campaign, item):
    page(as_role("viewer"), "item-detail", campaign.slug, item.pk)
    page(as_role("stranger"), "item-detail", campaign.slug, item.pk, status=403)
    page(as_role("stranger"), "report-list", campaign.slug, status=403)
    page(as_role("viewer"), "item-detail", campaign.slug, item.pk + 1000, status=404)


def test_an_item_that_nobody_asked_says_so(admin, campaign):
    assert "Not answered yet" in page(admin, "item-detail", campaign.slug, make_gate_items(campaign, 1)[0].pk)


def test_an_item_costs_the_same_queries_however_many_runs(admin, campaign, item, django_assert_max_num_queries):
    counts = []  # ten, of which one asks for the labels of judges
    for _ in range(2):
        with django_assert_max_num_queries(10) as queries:
            page(admin, "item-detail", campaign.slug, item.pk)
        counts.append(len(queries))
        for number in range(5):
            run = make_gate_run(
                campaign, make_checkpoint(campaign, f"more{len(counts)}{number}"), [item], f"more {number}"
            )
            answer_items(run, {item: [True]})
    assert counts[0] == counts[1]


def test_runs_of_an_item_come_page_by_page(admin, campaign, item):
    checkpoint = make_checkpoint(campaign, "again")
    for number in range(12):
        answer_items(make_gate_run(campaign, checkpoint, [item], f"more {number}"), {item: [True]})
    html = page(admin, "item-detail", campaign.slug, item.pk)
    assert "gate, child" not in html
    before = html.split("?before=")[1].split('"')[0]
    assert "gate, child" in page(admin, "item-detail", campaign.slug, item.pk, query=f"?before={before}")
