import re
from pathlib import Path

import pytest

from core.errors import NotConfigured
from dpe_site.environment import environment_read

ROOT = Path(__file__).resolve().parents[2]
READS = re.compile(
    r"""(?:environ(?:\.get)?[\[(]|flag\(|number\(|choice\(|whole\(|template\(|device_ids\(|paths\()\s*["']([A-Z][A-Z_]+)["']"""
)
OURS = ("core", "diagnostics", "datagen", "training", "dpe_site", "demo")
FOREIGN = {"DJANGO_SETTINGS_MODULE", "PATH"}


def variables() -> set[str]:
    sources = [path for package in OURS for path in (ROOT / package).rglob("*.py")]
    return {name for path in sources for name in READS.findall(path.read_text())} - FOREIGN


def test_every_variable_that_is_read_is_documented():
    text = (ROOT / "docs" / "configuration.md").read_text()
    assert {"PORT", "DATABASE_URL", "REDIS_URL", "DPE_VAR"} <= variables()
    assert {name for name in variables() if f"`{name}`" not in text} == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "70000"),
        ("DPE_DEBUG", "yes"),
        ("DPE_WATCHDOG_S", "soon"),
        ("DPE_PRIVATE_ENDPOINTS", "some"),
        ("DPE_GPU_LAUNCHER", "srun --gpus={gpus}"),
        ("DPE_GPU_START_S", "soon"),
        ("DPE_GPU_DEVICES", "0,1,0"),
        ("DPE_GPU_DEVICES", "0,../1"),
    ],
)
def test_a_bad_variable_stops_the_start_by_name(monkeypatch, tmp_path, name, value):
    monkeypatch.setenv("DPE_VAR", str(tmp_path))
    monkeypatch.setenv(name, value)
    with pytest.raises(NotConfigured, match=name):
        environment_read()


def test_the_secret_is_made_once_and_only_its_owner_can_read_it(monkeypatch, tmp_path):
    monkeypatch.setenv("DPE_VAR", str(tmp_path))
    monkeypatch.delenv("DPE_SECRET_KEY", raising=False)
    first, second = environment_read().secret_key, environment_read().secret_key
    assert first == second and len(first) >= 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("hosts", "said", "who"),
    [
        (None, None, "everybody"),
        ("localhost", None, "everybody"),
        ("studio.example.org,localhost", None, "admins"),
        ("*", None, "admins"),
        ("studio.example.org", "everybody", "everybody"),
        (None, "nobody", "nobody"),
    ],
)
def test_private_endpoints_are_for_staff_once_others_than_this_machine_are_served(
    monkeypatch, tmp_path, hosts, said, who
):
    monkeypatch.setenv("DPE_VAR", str(tmp_path))
    for name, value in (("DPE_HOSTS", hosts), ("DPE_PRIVATE_ENDPOINTS", said)):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    assert environment_read().private_endpoints == who
