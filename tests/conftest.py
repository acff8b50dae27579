"""What every test has: folders of its own, and a broker that nobody listens to."""

from pathlib import Path

import pytest

from tests.browser import SKIPPED, chromium  # noqa: F401 - a fixture of all tests of pages


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, settings):
    """All that is written and imported is in the test's own folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.RUNS_ROOT = tmp_path / "runs"
    settings.DATASETS_ROOT = tmp_path / "datasets"
    settings.EXPORTS_ROOT = tmp_path / "exports"
    settings.DEVICES_ROOT = tmp_path / "devices"
    settings.DISK_REPORT = tmp_path / "disk.json"
    settings.IMPORT_ROOTS = (tmp_path / "imports",)
    settings.IMPORT_ROOTS[0].mkdir()


@pytest.fixture(autouse=True, scope="session")
def quiet_broker():
    """Hints go to a broker in memory; tests of the broker itself say so."""
    from celery import current_app

    current_app.conf.broker_url = "memory://"


@pytest.fixture
def import_root(settings) -> Path:
    """The folder that imports may come from."""
    return settings.IMPORT_ROOTS[0]


def pytest_terminal_summary(terminalreporter):
    """Say aloud what NO_BROWSER=1 left out."""
    if any(SKIPPED in str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(SKIPPED, yellow=True)
