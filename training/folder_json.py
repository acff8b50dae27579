"""JSON beside the weights of a checkpoint."""

import json
from pathlib import Path
from typing import Any

MAX_JSON = 1 << 22


def json_of(path: Path) -> dict[str, Any]:
    """A JSON object of a checked checkpoint folder; empty where it is absent or larger than any of them is."""
    if not path.is_file() or path.stat().st_size > MAX_JSON:
        return {}
    found = json.loads(path.read_bytes())
    return found if isinstance(found, dict) else {}
