"""The last round of the demo: runs ``make demo`` in a fresh folder (or reads DEMO_REPORT) and prints its report."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Play one round unattended and print its figures."""
    given = os.environ.get("DEMO_REPORT")
    with tempfile.TemporaryDirectory() as var:
        report = Path(given) if given else Path(var) / "demo" / "report.json"
        if not given:
            environment = {**os.environ, "DEMO_EXIT": "1", "DPE_VAR": var}
            subprocess.run([sys.executable, "-m", "demo.run"], cwd=ROOT, check=True, env=environment)
        print(json.dumps(json.loads(report.read_text())["rounds"][-1]))


if __name__ == "__main__":
    main()
