"""The demo in a person's place: it approves, decides, retries once, and bears with a site that comes and goes."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from demo.run import client
from demo.run.client import Api, DemoError
from demo.run.plan import Plan
from demo.run.rounds import Player, round_open
from demo.run.seeding import seed_campaign

ROUND = "/api/v1/campaigns/mini-world/rounds/1"
ROUNDS = "/api/v1/campaigns/mini-world/rounds"


class FakeSite:
    """Answers by (method, path); a list gives one answer after another and then its last."""

    def __init__(self, answers: dict[tuple[str, str], Any]) -> None:
        self.answers = answers
        self.said: list[tuple[str, str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        self.said.append((request.method, request.url.path, body))
        answer = self.answers[request.method, request.url.path]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        status, value = answer if isinstance(answer, tuple) else (200, answer)
        return httpx.Response(status, json=value)

    def posts(self) -> list[tuple[str, Any]]:
        return [(path.rsplit("/", 1)[1], body) for method, path, body in self.said if method == "POST"]


def api_of(site: Callable[[httpx.Request], httpx.Response]) -> Api:
    return Api("http://site", "token", httpx.MockTransport(site))


def stage(name: str, status: str = "running", **more: Any) -> dict[str, Any]:
    return {"stage": name, "take": 1, "job": 7, "status": status, "error_message": "", **more}


def at(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"stages": list(stages), "waits_for": None, "ended_at": None, **more}


END = at(stage("gate", "done"), ended_at="2026-11-23T00:00:00Z")
APPROVE = at(stage("approve", "waiting"), waits_for="approve", mixture={"manifest_hash": "abc"})


def play(site: FakeSite, words: list[str] | None = None) -> dict[str, Any]:
    player = Player(Plan(), api_of(site), 1, lambda found: None, (words if words is not None else []).append, poll_s=0)
    return player.play()


def test_it_approves_the_manifest_that_it_saw_and_decides_by_its_rule():
    decide = at(stage("decide", "waiting"), waits_for="decide", evaluation={"margin": 0.1, "rows": []})
    site = FakeSite(
        {
            ("GET", ROUND): [at(stage("diagnose")), APPROVE, decide, END],
            ("POST", f"{ROUND}/approve"): {},
            ("POST", f"{ROUND}/decide"): {},
        }
    )
    assert play(site) == END
    (first, approved), (second, decided) = site.posts()
    assert (first, second) == ("approve", "decide")
    assert approved["manifest_hash"] == "abc" and decided["decision"] == "rejected" and decided["comment"]


def test_an_approval_that_arrived_although_its_reply_was_lost_is_no_fault():
    site = FakeSite({("GET", ROUND): [APPROVE, END], ("POST", f"{ROUND}/approve"): (409, {"detail": "decided"})})
    assert play(site) == END


def test_a_failed_stage_is_tried_once_more_and_said():
    words: list[str] = []
    broken = at(stage("train", "failed", error_message="Out of\nmemory."))
    site = FakeSite({("GET", ROUND): [broken, at(stage("train")), END], ("POST", f"{ROUND}/retry"): {}})
    assert play(site, words) == END
    assert site.posts() == [("retry", {})]
    assert "Stage train failed: Out of memory. It is tried again; see http://" in words[0]


def test_a_stage_that_fails_twice_ends_the_demo_with_its_sentence_and_the_page():
    broken = at(stage("train", "failed", error_message="Out of memory."))
    site = FakeSite({("GET", ROUND): broken, ("POST", f"{ROUND}/retry"): {}})
    with pytest.raises(DemoError, match=r"^Stage train failed: Out of memory\. See http://.*/rounds/1/$"):
        play(site)
    assert len(site.posts()) == 1


def test_it_waits_for_a_site_that_restarts(monkeypatch):
    monkeypatch.setattr(client, "PAUSE_S", 0)
    gone = [httpx.ConnectError("refused"), (503, {}), httpx.ReadError("cut"), END]
    assert play(FakeSite({("GET", ROUND): gone})) == END


def test_a_site_that_stays_away_is_a_fault(monkeypatch):
    monkeypatch.setattr(client, "PATIENCE_S", 0)
    monkeypatch.setattr(client, "PAUSE_S", 0)
    with pytest.raises(DemoError, match="does not answer"):
        play(FakeSite({("GET", ROUND): httpx.ConnectError("refused")}))


def test_an_open_round_is_resumed_and_else_the_next_one_is_started():
    rows = [{"number": 2, "ended_at": None}, {"number": 1, "ended_at": "x"}]
    assert round_open(Plan(), api_of(FakeSite({("GET", ROUNDS): {"data": rows}}))) == 2
    site = FakeSite({("GET", ROUNDS): {"data": rows[1:]}, ("POST", ROUNDS): {"number": 2}})
    assert round_open(Plan(), api_of(site)) == 2
    assert site.said[-1] == ("POST", ROUNDS, {"checkpoint": None})
    rival = FakeSite({("GET", ROUNDS): [{"data": []}, {"data": rows}], ("POST", ROUNDS): (409, {})})
    assert round_open(Plan(), api_of(rival)) == 2


def test_a_token_that_the_site_does_not_know_is_seen():
    campaigns = ("GET", "/api/v1/campaigns")
    assert not api_of(FakeSite({campaigns: (401, {"detail": "Invalid token."})})).is_known()
    assert api_of(FakeSite({campaigns: {"data": []}})).is_known()
    with pytest.raises(DemoError, match="GET /api/v1/campaigns: 500"):
        api_of(FakeSite({campaigns: (500, {"detail": "a bug"})})).is_known()


def seeded_site(plan: Plan, *, is_seeded: bool, status: str = "succeeded", base_url: str = "") -> FakeSite:
    """A site on which the campaign is there whole, or not at all."""
    base = f"/api/v1/campaigns/{plan.campaign}"
    kept = {"slug": plan.campaign, "name": "Kept", "seed": 99, "settings": {"gate": {"margin": 0.02}}}
    rows = [{"role": role, "base_url": base_url or plan.agents} for role in ("planner", "validator")]
    waiting = [] if is_seeded else [{"kind": "checkpoint", "name": "mini-model", "job": 5}]
    return FakeSite(
        {
            ("GET", base): kept if is_seeded else (404, {"detail": "none"}),
            ("GET", f"{base}/endpoints"): {"data": rows},
            ("PUT", f"{base}/endpoints"): {},
            ("POST", "/api/v1/campaigns/from-file"): (201, {"waiting": waiting}),
            ("GET", "/api/v1/jobs/5"): {"status": status, "error_message": "It is no\nbenchmark.", "result": {}},
        }
    )


def test_seeding_a_second_time_keeps_the_campaigns_own_settings_and_changes_no_endpoint():
    site = seeded_site(Plan(), is_seeded=True)
    seed_campaign(Plan(), api_of(site), lambda name, job: None)
    (sent,) = [body for _, body in site.posts()]
    assert (sent["name"], sent["seed"], sent["settings"]) == ("Kept", 99, {"gate": {"margin": 0.02}})
    assert {method for method, *_ in site.said} == {"GET", "POST"}


def test_seeding_sends_the_demos_file_and_waits_for_its_imports():
    site, seen = seeded_site(Plan(), is_seeded=False), []
    seed_campaign(Plan(), api_of(site), lambda name, job: seen.append(name))
    ((name, sent),) = site.posts()
    assert (name, sent["slug"], len(sent["benchmarks"])) == ("from-file", "mini-world", 11)
    assert sent["settings"]["gate"] == {"margin": 0.1, "margin_signed_by": "demo", "items_a_suite": 200}
    assert seen == ["mini-model"]


def test_endpoints_that_are_elsewhere_by_now_are_set_again():
    site = seeded_site(Plan(), is_seeded=True, base_url="http://127.0.0.1:1/v1")
    seed_campaign(Plan(), api_of(site), lambda name, job: None)
    (put,) = [body for method, _, body in site.said if method == "PUT"]
    assert {row["role"]: row["base_url"] for row in put["endpoints"]} == dict.fromkeys(
        ("planner", "validator"), Plan().agents
    )


def test_an_import_that_fails_ends_the_demo_with_its_words():
    with pytest.raises(DemoError, match=r"^mini-model could not be imported: It is no benchmark.$"):
        site = seeded_site(Plan(), is_seeded=False, status="failed")
        seed_campaign(Plan(), api_of(site), lambda name, job: None)


def test_the_demos_file_is_one_that_the_product_takes_and_names_every_suite():
    from core.campaign_file import campaign_file_parse
    from demo.run.campaign_file import campaign_file
    from demo.run.plan import FULL, ROLES, SMALL
    from demo.run.world_files import benchmark_path
    from demo.world.suites import SUITES

    for sizes in (FULL, SMALL):
        plan = Plan(sizes=sizes)
        file = campaign_file_parse(campaign_file(plan))
        assert {one.name: one.path for one in file.benchmarks} == {
            suite: str(benchmark_path(plan, suite).relative_to(plan.imports)) for suite in SUITES
        }
        assert set(file.roles) == set(ROLES)
        assert file.settings.gate.margin_signed_by == "demo"
        grpo = file.settings.grpo
        assert grpo.micro_batch_size == grpo.num_generations * grpo.prompts_per_step
