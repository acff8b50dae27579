"""What every benchmark on a GPU says beside its figures: on what, with which versions, by which command."""

import json
import platform
import sys
from pathlib import Path
from typing import Any

import torch

from core.domain.files import write_atomic
from core.specs import Device
from gpu.runtime import installed_versions


def report_keep(found: dict[str, Any], device: Device, out: Path | None) -> dict[str, Any]:
    """The whole report, written to ``out`` where one is named: a lent machine may be gone before the rest is known."""
    report = {
        **found,
        "device": torch.cuda.get_device_name() if device == "cuda" else platform.processor(),
        "versions": installed_versions(),
        "command": f"python -m bench.{Path(sys.argv[0]).stem} {' '.join(sys.argv[1:])}".strip(),
    }
    if out:
        write_atomic(out, json.dumps(report) + "\n")
    return report


def report_end(found: dict[str, Any], device: Device, out: Path | None) -> None:
    """The report to ``out`` and to the last line."""
    print(json.dumps(report_keep(found, device, out)))
