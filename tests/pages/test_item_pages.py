"""The list of items: filters in the address, views that a person keeps, exports by a job."""

import csv
import io
import json
import os
from urllib.parse import parse_qs

import pytest
from django.test import Client
from django.urls import reverse

from core.jobs.engine import execute_next
from core.models import AuditEvent, Job
from diagnostics import item_list_page
from diagnostics.models import Answer, Item, SavedView, Verdict
from diagnostics.services.saved_views import MAX_VIEWS
from dpe_site.stage_table import HANDLERS
from tests.diagnostics.makers import make_answers, make_items, make_run
from tests.factories import make_campaign, make_member
from tests.pages.asking import page, saved


@pytest.fixture
def campaign(db):
    return make_campaign()


@pytest.fixture
def items(campaign):
    """Four probe items that were answered: rightly, leniently so, wrongly, not to be scored; and others."""
    asked = make_items(campaign, "count", 4)
    run = make_run(campaign, asked)
    make_answers(run, dict(zip(asked, "rlwu", strict=True)))
    make_items(campaign, "colour", 2, image_type="artistic", split="gate")
    make_items(campaign, "secret", 2, split="sealed", question="a sealed question")
    return asked


def listed(client: Client, campaign, **asked) -> list[int]:
    """The ids that REST lists, all pages."""
    found, cursor = [], ""
    while cursor is not None:
        words = {**asked, "cursor": cursor}
        answer = client.get(reverse("api-item-list", args=[campaign.slug]), words).json()
        found += [one["id"] for one in answer["data"]]
        cursor = answer["next_cursor"]
    return found


def shown(client: Client, campaign, **asked) -> str:
    return client.get(reverse("item-list", args=[campaign.slug]), asked).content.decode()


def test_all_items_but_the_sealed_ones_are_listed_with_how_often_they_were_right(admin, campaign, items):
    html = page(admin, "item-list", campaign.slug)
    assert html.count('class="evidence"') == 6
    assert "sealed" not in html and "secret" not in html
    assert "right in 1 of 1 scored answers" in " ".join(html.split())
    assert len(listed(admin, campaign)) == 6


def test_sealed_items_cannot_be_asked_for(admin, campaign, items):
    answer = admin.get(reverse("item-list", args=[campaign.slug]), {"split": "sealed"})
    assert answer.status_code == 400
    assert listed(admin, campaign, text="sealed") == []
    assert listed(admin, campaign, skill="secret") == []


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ({"verdict": "correct"}, [0]),
        ({"verdict": "incorrect"}, [1, 2]),
        ({"verdict": "unscored"}, [3]),
        ({"disagreement": "strictness"}, [1]),
        ({"text": "MANY? 2"}, [2]),
        ({"text": "many", "verdict": "incorrect", "skill": "count"}, [1, 2]),
        ({"split": "probe"}, [0, 1, 2, 3]),
        ({"image_type": "geometric"}, [0, 1, 2, 3]),
    ],
)
def test_a_filter_leaves_what_fits_all_its_parts(admin, campaign, items, asked, places):
    assert listed(admin, campaign, **asked) == [items[place].pk for place in places]


def test_a_percent_sign_is_text_and_no_wildcard(admin, campaign, items):
    assert listed(admin, campaign, text="%%") == []


def test_items_on_which_two_judges_disagree_are_found(admin, campaign, items):
    answer = Answer.objects.get(item=items[0])
    Verdict.objects.create(answer=answer, judge="m-1", extractor_version="j-1", strict="incorrect", lenient="incorrect")
    unscored = Answer.objects.get(item=items[2])
    Verdict.objects.create(answer=unscored, judge="m-1", extractor_version="j-1", strict="unscored", lenient="unscored")
    assert listed(admin, campaign, disagreement="judges") == [items[0].pk]


def test_only_the_verdicts_of_the_run_that_is_asked_for_count(admin, campaign, items):
    again = make_answers(make_run(campaign, items[:2]), {items[0]: "w", items[1]: "r"})
    assert listed(admin, campaign, run=again.pk) == [items[0].pk, items[1].pk]
    assert listed(admin, campaign, run=again.pk, verdict="correct") == [items[1].pk]
    foreign = make_run()
    assert listed(admin, campaign, run=foreign.pk) == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"verdict": "odd"}, "verdict"),
        ({"disagreement": "odd"}, "disagreement"),
        ({"run": "-1"}, "run"),
        ({"run": "9" * 30}, "run"),
        ({"text": "a"}, "text"),
        ({"text": "a" * 121}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_a_filter_that_cannot_be_is_named(admin, campaign, items, asked, field):
    answer = admin.get(reverse("api-item-list", args=[campaign.slug]), asked)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_a_costly_filter_looks_at_so_many_items_a_page_and_says_so(admin, campaign, items, monkeypatch):
    monkeypatch.setattr(item_list_page, "SCAN", 2)
    html = shown(admin, campaign, text="many? 3")
    assert "None of these 2 items fits" in html and "Next items" in html
    assert listed(admin, campaign, text="many? 3") == [items[3].pk]
    assert "looked at" not in shown(admin, campaign, skill="count")


def test_items_come_page_by_page_with_the_same_queries_however_many(admin, campaign, django_assert_num_queries):
    make_items(campaign, "count", 2)
    with django_assert_num_queries(11):
        page(admin, "item-list", campaign.slug)
    items = make_items(campaign, "count", 40)
    make_answers(make_run(campaign, items), dict.fromkeys(items, "rw"))
    with django_assert_num_queries(11):
        html = page(admin, "item-list", campaign.slug)
    assert html.count('class="evidence"') == 25
    after = html.split("?after=")[1].split('"')[0]
    assert shown(admin, campaign, after=after).count('class="evidence"') == 17


def keep(client: Client, campaign, name: str, query: str):
    return client.post(reverse("item-view-save", args=[campaign.slug]), {"name": name, "query": query}, follow=True)


def test_a_view_is_kept_shown_replaced_and_removed_by_its_owner_alone(admin, campaign, items):
    keep(admin, campaign, "wrong counts", "verdict=incorrect&skill=count&odd=1")
    assert SavedView.objects.get().query == "skill=count&verdict=incorrect"
    html = page(admin, "item-list", campaign.slug)
    assert "?skill=count&amp;verdict=incorrect" in html and "wrong counts" in html
    other = Client()
    other.force_login(make_member(campaign, "viewer"))
    assert "wrong counts" not in page(other, "item-list", campaign.slug)
    removed = other.post(reverse("item-view-remove", args=[campaign.slug]), {"name": "wrong counts"})
    assert removed.status_code == 404 and SavedView.objects.count() == 1
    keep(admin, campaign, "wrong counts", "verdict=unscored")
    assert SavedView.objects.get().query == "verdict=unscored"
    admin.post(reverse("item-view-remove", args=[campaign.slug]), {"name": "wrong counts"})
    assert not SavedView.objects.exists()
    assert AuditEvent.objects.filter(action__startswith="view.").count() == 3


def test_a_view_of_a_filter_that_cannot_be_is_not_kept(admin, campaign, items):
    keep(admin, campaign, "bad", "verdict=odd")
    keep(admin, campaign, " ", "verdict=correct")
    assert not SavedView.objects.exists()


def test_nobody_keeps_views_without_end(admin, campaign):
    rows = [SavedView(campaign=campaign, user=campaign.created_by, name=f"v{i}", query="") for i in range(MAX_VIEWS)]
    SavedView.objects.bulk_create(rows)
    address = reverse("api-item-view-list", args=[campaign.slug])
    body = {"name": "one more", "query": ""}
    assert admin.post(address, body, content_type="application/json").status_code == 400
    again = admin.post(address, {**body, "name": "v1", "query": "skill=count"}, content_type="application/json")
    assert again.status_code == 201


def export(client: Client, campaign, query: str, format: str) -> Job:
    """An export that a worker has made."""
    client.post(reverse("item-export", args=[campaign.slug]), {"query": query, "format": format})
    job = Job.objects.latest("pk")
    execute_next("work", HANDLERS)
    job.refresh_from_db()
    return job


def file_of(client: Client, campaign, job: Job) -> str:
    return saved(client, "item-export-file", campaign.slug, job.pk).decode()


def test_an_export_has_a_line_for_every_verdict_and_no_formula_runs(admin, campaign, items):
    Item.objects.filter(pk=items[0].pk).update(question="=1+1", answer="-7")
    answer = Answer.objects.get(item=items[0])
    Verdict.objects.create(answer=answer, judge="m-1", extractor_version="j-1", strict="incorrect", lenient="incorrect")
    job = export(admin, campaign, "skill=count", "csv")
    assert (job.status, job.result) == ("succeeded", {"items": 4, "lines": 5})
    rows = list(csv.DictReader(io.StringIO(file_of(admin, campaign, job))))
    assert [(row["judge"], row["strict"]) for row in rows[:2]] == [("rule", "correct"), ("m-1", "incorrect")]
    assert (rows[0]["question"], rows[0]["gold"]) == ("'=1+1", "'-7")
    assert "4 items, CSV" in page(admin, "item-list", campaign.slug)


def test_an_export_as_jsonl_has_the_same_words_as_they_are(admin, campaign, items):
    Item.objects.filter(pk=items[0].pk).update(question="=1\u2028+1")
    lines = file_of(admin, campaign, export(admin, campaign, "verdict=correct", "jsonl")).split("\n")
    row = json.loads(lines[0])
    assert (row["question"], row["answer"], row["strict"], row["sample"]) == ("=1\u2028+1", "r", "correct", "1")
    assert lines[1:] == [""]


def test_an_export_holds_no_sealed_item_and_keeps_an_item_without_answers(admin, campaign, items):
    rows = list(csv.DictReader(io.StringIO(file_of(admin, campaign, export(admin, campaign, "", "csv")))))
    assert len(rows) == 6 and {row["split"] for row in rows} == {"probe", "gate"}
    assert [row["answer"] for row in rows if row["split"] == "gate"] == ["", ""]


def test_an_exports_file_is_for_members_of_its_campaign_alone(admin, campaign, items):
    job = export(admin, campaign, "", "csv")
    stranger = Client()
    stranger.force_login(make_campaign().created_by)
    assert stranger.get(reverse("item-export-file", args=[campaign.slug, job.pk])).status_code in (403, 404)
    other = make_campaign(actor=campaign.created_by)
    assert admin.get(reverse("item-export-file", args=[other.slug, job.pk])).status_code == 404
    other_job = Job.objects.create(
        campaign=campaign, actor=campaign.created_by, kind="report", status="succeeded", spec={"format": "csv"}
    )
    assert admin.get(reverse("item-export-file", args=[campaign.slug, other_job.pk])).status_code == 404


def test_a_campaign_keeps_the_files_of_its_newest_exports_and_of_the_last_week(
    admin, campaign, items, monkeypatch, settings
):
    monkeypatch.setattr(item_list_page, "EXPORTS", 2)
    folder = settings.EXPORTS_ROOT / str(campaign.pk)
    old, fresh, listed = (export(admin, campaign, query, "csv") for query in ("", "skill=count", "verdict=incorrect"))
    assert len({old.pk, fresh.pk, listed.pk}) == 3
    (folder / ".half").write_text("another export is being written")
    for path in (folder / f"{old.pk}.csv", folder / f"{listed.pk}.csv", folder / ".half"):
        os.utime(path, (0, 0))
    newest = export(admin, campaign, "verdict=correct", "csv")
    assert admin.get(reverse("item-export-file", args=[campaign.slug, old.pk])).status_code == 404
    assert all(file_of(admin, campaign, job) for job in (fresh, listed, newest)) and (folder / ".half").exists()


def test_the_same_export_is_not_started_twice_while_it_waits(admin, campaign, items):
    for _ in range(2):
        answer = admin.post(
            reverse("api-item-export", args=[campaign.slug]), {"query": "skill=count"}, content_type="application/json"
        )
        assert answer.status_code == 202
    assert Job.objects.filter(kind="items_export").count() == 1
    html = page(admin, "item-list", campaign.slug)
    assert 'hx-trigger="every 2s"' in html and "items so far" in html


def test_after_starting_an_export_the_page_keeps_its_filter(admin, campaign, items):
    address = reverse("item-export", args=[campaign.slug])
    answer = admin.post(address, {"query": "skill=count&odd=1", "format": "csv"})
    query = answer.headers["Location"].split("?")[1].split("#")[0]
    assert parse_qs(query) == {"skill": ["count"]}
