"""A file is checked beside its form, in a real Chromium: what was typed stays, what was found comes by itself."""

import pytest

from core.jobs.engine import execute_next
from core.models import Job
from dpe_site.stage_table import HANDLERS
from tests.browser import needs_browser, tab_open
from tests.diagnostics.makers import tsv_row, write_tsv
from tests.pages.rows import make_full_campaign

pytestmark = needs_browser


@pytest.fixture
def tab(transactional_db, chromium, live_server, import_root):
    campaign = make_full_campaign()
    write_tsv(import_root / "bad.tsv", [tsv_row(0), tsv_row(1, answer="Z")])
    with tab_open(chromium, live_server.url, campaign.created_by) as tab:
        tab.goto(f"/campaigns/{campaign.slug}/inputs/")
        yield tab


def test_a_check_follows_its_job_beside_the_form_and_loses_nothing_typed(tab):
    tab.fill("#benchmark_path", "bad.tsv")
    tab.fill("#benchmark_columns", "index")
    tab.get_by_role("button", name="Check").click()
    tab.wait_for_selector("#check-report >> text=not of the form ours=theirs")
    tab.fill("#benchmark_columns", "")
    tab.get_by_role("button", name="Check").click()
    tab.wait_for_selector("#import-state >> text=waiting")
    with tab.expect_response(lambda answer: "/inputs/" in answer.url, timeout=10_000):
        pass  # the server rests between two looks: nobody reads while this writes
    assert execute_next("work", HANDLERS)
    tab.wait_for_selector("text=1 problem in bad.tsv", timeout=10_000)
    assert tab.input_value("#benchmark_path") == "bad.tsv"
    assert (Job.objects.count(), tab.faults) == (1, [])
