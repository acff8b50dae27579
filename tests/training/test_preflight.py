"""The pre-flight: every fault that can be known beforehand is named, and nothing is written."""

from pathlib import Path

import pytest
from django.utils import timezone

from core.campaign_file import campaign_file_parse, yaml_read
from core.models import AuditEvent, Campaign, Endpoint, Job
from tests.datagen.rows import write_pool
from tests.diagnostics.makers import make_folder, tsv_row, write_tsv
from tests.factories import make_user
from tests.training.campaign_files import make_file, write_parts
from training.preflight import Check, has_failed, preflight
from training.services.campaign_setup import campaign_set_up

pytestmark = pytest.mark.django_db
EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "qwen3-vl-8b.yaml"


@pytest.fixture
def actor(import_root):
    write_parts(import_root)
    return make_user()


def checks(actor, *, offline: bool = True, **changes) -> dict[str, Check]:
    return {check.name: check for check in preflight(actor=actor, file=make_file(**changes), offline=offline)}


def failed(found: dict[str, Check]) -> set[str]:
    return {name for name, check in found.items() if check.status == "fail"}


def test_a_whole_campaign_passes_and_nothing_is_written(actor):
    found = checks(actor)
    assert failed(found) == set()
    assert found["benchmark shapes"].status == "ok"
    assert not (Campaign.objects.exists() or Job.objects.exists() or AuditEvent.objects.exists())


def test_every_part_that_is_missing_is_named(actor):
    parts = {"checkpoint": None, "benchmarks": [], "pools": [], "endpoints": []}
    found = checks(actor, **parts)
    assert failed(found) == {"checkpoint", "benchmark", "pool", "roles"}
    assert "planner, question_writer, validator, blind_solver" in found["roles"].sentence


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({"checkpoint": {"name": "x", "path": "photos"}}, "checkpoint", "it has no config.json"),
        ({"checkpoint": {"name": "x", "path": "/etc"}}, "checkpoint", "outside the import folders"),
        ({"benchmarks": [{"name": "x", "path": "photos/pool.jsonl"}]}, "benchmark x", "None of its rows is a question"),
        ({"pools": [{"name": "x", "path": "models"}]}, "pool x", "no folder with a pool.jsonl"),
        ({"members": [{"user": "nobody", "role": "viewer"}]}, "members", "Nobody signs in here as nobody"),
        ({"settings": {"gate": {"margin": 0.1}}}, "gate", "settings.gate.margin_signed_by"),
        ({"endpoints": [{"base_url": "ftp://x", "model": "m"}]}, "endpoint ftp://x", "http(s)"),
    ],
)
def test_a_fault_is_a_failed_check_with_its_words(actor, changes, name, words):
    found = checks(actor, **changes)
    assert name in failed(found)
    assert words in found[name].sentence


def test_a_key_whose_variable_is_not_set_is_named(actor, monkeypatch):
    monkeypatch.delenv("TEACHER_KEY", raising=False)
    endpoints = [{"base_url": "http://127.0.0.1:9/v1", "model": "m", "key_env": "TEACHER_KEY"}]
    found = checks(actor, endpoints=endpoints, offline=False)
    assert failed(found) == {"key TEACHER_KEY"}
    monkeypatch.setenv("TEACHER_KEY", "x")
    assert (
        "Nobody listens at 127.0.0.1:9"
        in checks(actor, endpoints=endpoints, offline=False)["endpoint http://127.0.0.1:9/v1"].sentence
    )


def test_a_disk_that_is_too_small_fails(actor, monkeypatch):
    monkeypatch.setattr("training.preflight.ROOM", 1 << 60)
    assert failed(checks(actor)) == {"disk"}


def test_skills_with_few_items_are_a_warning_that_counts_their_splits(actor, import_root):
    rows = [tsv_row(n, category="a" if n < 4 else "b", split="gate" if n == 0 else "probe") for n in range(6)]
    write_tsv(import_root / "shapes.tsv", rows)
    found = checks(actor, settings={"diagnosis": {"items_a_skill": 3}})["benchmark shapes"]
    assert found.status == "warn"
    assert "1 of 2 skills have fewer than 3 items to ask: b about 2" in found.sentence


def test_a_slug_that_is_taken_by_another_campaign_fails_and_by_the_same_one_does_not(actor):
    campaign_set_up(actor=actor, file=make_file())
    assert "what it lacks is added" in checks(actor)["campaign"].sentence
    assert failed(checks(actor, seed=9)) == {"campaign"}
    assert failed(checks(make_user())) == {"campaign"}


def test_the_example_of_a_large_model_is_whole_but_for_its_key_and_its_servers(actor, import_root, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    file = campaign_file_parse(yaml_read(EXAMPLE.read_bytes()))
    make_folder(import_root / file.checkpoint.path)
    (import_root / "benchmarks").mkdir()
    for one in file.benchmarks:
        write_tsv(import_root / one.path, [tsv_row(n) for n in range(3)])
    (import_root / "pools").mkdir()
    write_pool(import_root / "pools" / "photos", 2)
    found = {check.name: check for check in preflight(actor=actor, file=file, offline=True)}
    assert failed(found) == {"key OPENAI_API_KEY"}
    assert found["device"].status == "warn"
    assert found["benchmark MMStar"].status == "warn", "three items are too few"
    settings = file.settings
    assert (settings.engine.device, settings.engine.dtype, settings.gate.margin) == ("cuda", "bfloat16", 0.03)
    assert settings.mixture.policy == settings.grpo.policy == "calibrated"
    assert file.roles["blind_solver"].base_url.startswith("http://127.0.0.1")
    assert not has_failed([check for name, check in found.items() if not name.startswith("key")])


def test_a_server_that_was_tested_and_takes_no_pictures_cannot_play_roles_that_look(actor):
    file = make_file()
    campaign_set_up(actor=actor, file=file)
    assert not any(name.startswith("role ") for name in checks(actor))
    found = {"answers": True, "images": False, "n": 1, "json_schema": True}
    Endpoint.objects.update(capabilities=found, checked_at=timezone.now())
    failing = {name for name in failed(checks(actor)) if name.startswith("role ")}
    assert {"role question_writer", "role validator", "role blind_solver"} <= failing
    assert not {"role planner", "role searcher", "role editor"} & failing
