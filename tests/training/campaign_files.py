"""A campaign's file whose parts all lie under the test's import folder."""

from pathlib import Path
from typing import Any

from core.campaign_file import CampaignFile, campaign_file_parse
from tests.datagen.rows import write_pool
from tests.diagnostics.makers import make_folder, tsv_row, write_tsv


def write_parts(root: Path, *, rows: int = 3) -> None:
    """A checkpoint, a benchmark and a pool that an import would take."""
    make_folder(root / "models" / "base")
    write_tsv(root / "shapes.tsv", [tsv_row(n) for n in range(rows)])
    write_pool(root / "photos", 2)


def raw_file(**changes: Any) -> dict[str, Any]:
    """The document; ``changes`` replace its parts."""
    return {
        "slug": "first",
        "name": "First",
        "seed": 3,
        "checkpoint": {"name": "base", "path": "models/base"},
        "benchmarks": [{"name": "shapes", "path": "shapes.tsv"}],
        "pools": [{"name": "photos", "path": "photos"}],
        "endpoints": [{"roles": "all", "base_url": "http://127.0.0.1:9/v1", "model": "teacher"}],
        "settings": {"diagnosis": {"items_a_skill": 2}},
        **changes,
    }


def make_file(**changes: Any) -> CampaignFile:
    return campaign_file_parse(raw_file(**changes))
