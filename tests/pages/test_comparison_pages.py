"""Comparisons: by suite, by what could be seen, by item; filters, pages, and the items as a file."""

import csv
import re

import pytest
from django.test import Client
from django.urls import reverse

from core.csv_lines import harmless
from diagnostics.models import Answer, AnswerRun, Verdict
from tests.pages.asking import page, saved
from tests.pages.comparing import answer_items, evaluation_count, make_comparison
from tests.pages.rows import end_round, make_full_campaign, make_round
from training.models import Evaluation
from training.paired_items import OUTCOMES, ItemFilter, counted, frozen_counts, pairs_chunked, pairs_filtered
from training.selectors.parts import evaluation_view

# Per item and again: fixed, kept, kept, never right, broken, unscored.
MIXED = ((False, True), (True, True), (True, True), (False, False), (True, False), (None, True))


@pytest.fixture
def evaluation(campaign) -> Evaluation:
    return make_comparison(make_round(campaign, "evaluate"), num_items=6, changes=MIXED)


def place(evaluation):
    return evaluation.round.campaign.slug, evaluation.pk


def articles(html: str) -> int:
    return html.count("<article")


def test_the_list_shows_what_changed_and_what_became_of_it(admin, campaign, evaluation):
    end_round(evaluation.round, "promoted")
    html = page(admin, "comparison-list", campaign.slug)
    for shown in (f"#{evaluation.pk}", "Round 1", "mini-6M → mini-6M + run", ">11<", "promoted"):
        assert shown in html, shown


def test_a_campaign_without_comparisons_says_what_comes(admin, campaign):
    assert "No comparison yet" in page(admin, "comparison-list", campaign.slug)


def test_a_comparison_that_is_not_made_yet_says_so(admin, evaluation):
    evaluation.rows.all().delete()
    assert "Not compared yet" in page(admin, "comparison-detail", *place(evaluation))


def test_suites_reasons_and_the_gates_word_are_shown(admin, evaluation):
    html = page(admin, "comparison-detail", *place(evaluation))
    assert "gate: a person decides" in html
    assert "mini clock hour" in html
    assert all(reason.split(":")[0] in html for reason in evaluation.reasons)


def test_a_comparison_of_unlike_runs_warns_and_says_what_differs(admin, evaluation):
    assert "These runs are not alike" not in page(admin, "comparison-detail", *place(evaluation))
    for run, size in ((evaluation.before, 8), (evaluation.after, 64)):
        run.spec = {"engine": "transformers", "batch_size": size}
        run.save()
    html = " ".join(page(admin, "comparison-detail", *place(evaluation)).split())
    assert "These runs are not alike" in html and "batch size: <b>8</b> before, <b>64</b> after" in html
    answer = admin.get(reverse("api-evaluation-detail", args=place(evaluation))).json()
    assert answer["run_differences"] == [{"name": "batch size", "before": "8", "after": "64"}]
    item = evaluation.before.items.first()
    assert "not like the newest run: batch size 8" in page(admin, "item-detail", place(evaluation)[0], item.pk)


def test_it_says_when_a_difference_could_not_have_been_seen(admin, evaluation):
    html = page(admin, "comparison-detail", *place(evaluation))
    row = html[html.index("What could be seen") :].split('scope="row">All targets<')[1].split("</tr>")[0]
    assert "±" in row or "–" in row
    assert "items would show" in html or "could not have been seen" in html


def test_a_comparison_without_any_change_says_that(admin, campaign):
    still = make_comparison(make_round(campaign, "evaluate"), num_items=2, changes=((True, True),))
    assert "No answer changed." in page(admin, "comparison-detail", *place(still))


def test_every_item_stands_with_both_answers_side_by_side(admin, evaluation):
    html = page(admin, "comparison-detail", *place(evaluation), query="?outcome=fixed&suite=mini+count")
    assert articles(html) == 1
    article = html[html.index("<article") :].split("</article>")[0]
    for shown in ("/thumbnail", "What is the count?", "Before", "\\boxed{C}", "After", "\\boxed{4}", "extracted"):
        assert shown in article, shown
    assert article.index("\\boxed{C}") < article.index("\\boxed{4}")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_filter_shows_exactly_the_items_that_it_counts(admin, evaluation, outcome):
    html = page(admin, "comparison-detail", *place(evaluation), query=f"?outcome={outcome}&skill=count")
    wanted = {"same_right": 2}.get(outcome, 1)
    assert articles(html) == wanted
    assert re.search(rf'outcome={outcome}[^>]*aria-current="true">[\w ]+ {wanted}<', html)


def test_the_frozen_counts_are_those_of_the_answers(evaluation):
    rows = evaluation_view(evaluation.pk).rows
    assert frozen_counts(evaluation.before.num_items, rows) == counted(evaluation, ItemFilter())
    assert counted(evaluation, ItemFilter()) == {
        "fixed": 11, "broken": 11, "same_right": 22, "same_wrong": 11, "unscored": 11
    }  # fmt: skip


def test_with_several_answers_an_items_mean_decides(evaluation):
    item = evaluation.before.items.get(skill="count", index="gate-1")
    for run in (evaluation.before, evaluation.after):
        Answer.objects.filter(run=run, item=item).delete()
    answer_items(evaluation.before, {item: [True, False, False, None]})
    answer_items(evaluation.after, {item: [True, False, True, False]})
    fixed = pairs_filtered(evaluation, ItemFilter(outcome="fixed", skill="count"))
    assert [(row.old, row.new) for row in fixed if row.item == item] == [(pytest.approx(1 / 3), 0.5)]


def test_means_of_several_answers_are_counted_from_the_answers(admin, evaluation):
    AnswerRun.objects.filter(pk=evaluation.before_id).update(num_answers=2)
    assert "share of right answers rose" in page(admin, "comparison-detail", *place(evaluation))


@pytest.mark.parametrize("other", [{"extractor_version": "answers-0"}, {"judge": "second"}])
def test_only_the_verdict_that_the_run_was_completed_with_counts(evaluation, other):
    for seen in Verdict.objects.filter(answer__run=evaluation.after, strict="correct"):
        key = {"judge": "rule", "extractor_version": seen.extractor_version, **other}
        Verdict.objects.create(answer=seen.answer, strict="incorrect", lenient="incorrect", **key)
    rows = evaluation_view(evaluation.pk).rows
    assert counted(evaluation, ItemFilter()) == frozen_counts(evaluation.before.num_items, rows)


def test_a_benchmark_that_is_two_suites_is_filtered_by_role(evaluation):
    first = evaluation.before.items.filter(benchmark__name="mini count").first()
    evaluation.before.items.filter(benchmark__name="mini count").exclude(pk=first.pk).update(skill="shape")
    evaluation_count(evaluation)
    for suite, number in (("mini count (target)", 1), ("mini count (protected)", 5), ("no such suite", 0)):
        assert pairs_filtered(evaluation, ItemFilter(suite=suite)).count() == number


def test_items_come_page_by_page_without_gaps(admin, evaluation):
    seen, query = 0, "?outcome="
    while query:
        html = page(admin, "comparison-detail", *place(evaluation), query=query)
        seen += articles(html)
        more = re.search(r'href="(\?[^"]*after=\d+)#items"', html)
        query = more.group(1).replace("&amp;", "&") if more else ""
    assert seen == 66


def test_bad_filters_are_named(admin, evaluation):
    page(admin, "comparison-detail", *place(evaluation), query="?outcome=nonsense", status=400)
    page(admin, "comparison-detail", *place(evaluation), query="?after=x", status=400)
    assert "No item fits" in page(admin, "comparison-detail", *place(evaluation), query="?skill=none")


def test_comparisons_are_for_members_and_of_this_campaign_only(as_role, evaluation):
    slug, pk = place(evaluation)
    for name in ("comparison-detail", "comparison-export"):
        page(as_role("stranger"), name, slug, pk, status=403)
        page(as_role("viewer"), name, slug, pk + 1000, status=404)
    page(as_role("stranger"), "comparison-list", slug, status=403)
    page(as_role("viewer"), "comparison-detail", slug, pk)


def test_the_items_that_fit_the_filter_are_saved_as_csv(admin, evaluation):
    lines = list(csv.DictReader(saved(admin, "comparison-export", *place(evaluation)).decode().splitlines()))
    assert len(lines) == 66
    (line,) = csv.DictReader(
        saved(admin, "comparison-export", *place(evaluation), query="?outcome=fixed&skill=count").decode().splitlines()
    )
    assert (line["outcome"], line["gold"], line["before_verdict"], line["after_extracted"]) == (
        "fixed", "4", "incorrect", "4"
    )  # fmt: skip
    assert (line["before_share"], line["after_share"], line["sample"]) == ("0", "1", "1")


def test_a_file_of_many_chunks_has_every_item_once(evaluation):
    chunks = list(pairs_chunked(evaluation, ItemFilter(), size=7))
    assert [pair.position for pairs in chunks for pair in pairs] == list(range(66))
    assert len(chunks) == 10


def test_a_cell_that_a_spreadsheet_would_run_is_only_text(admin, evaluation):
    Answer.objects.filter(run=evaluation.after).update(text='=HYPERLINK("http://x")')
    saved_text = saved(admin, "comparison-export", *place(evaluation)).decode()
    assert "'=HYPERLINK" in saved_text and ',"=HYPERLINK' not in saved_text
    assert [harmless(cell) for cell in ("=1", "+1", "-1", "@a", "\t=1", "1-1", "")] == [
        "'=1", "'+1", "'-1", "'@a", "'\t=1", "1-1", ""
    ]  # fmt: skip


def test_what_models_wrote_is_never_markup(admin, evaluation):
    Answer.objects.filter(run=evaluation.after).update(text="<script>alert(1)</script>")
    html = page(admin, "comparison-detail", *place(evaluation))
    assert "&lt;script&gt;alert(1)" in html and "<script>alert" not in html


def test_pages_cost_the_same_queries_however_many_items_and_comparisons(campaign, django_assert_max_num_queries):
    person = Client()
    person.force_login(campaign.created_by)
    counts = []
    for home, num_items in ((campaign, 1), (make_full_campaign(actor=campaign.created_by), 6)):
        round = make_round(home, "evaluate")
        evaluations = [make_comparison(round, num_items) for _ in range(num_items)]
        with django_assert_max_num_queries(16) as detail:
            page(person, "comparison-detail", home.slug, evaluations[0].pk)
        with django_assert_max_num_queries(6) as listed:
            page(person, "comparison-list", home.slug)
        counts.append((len(detail), len(listed)))
    assert counts[0] == counts[1]
