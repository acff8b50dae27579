"""``var/demo/report.json``: what every round did, for people and benchmarks."""

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

from core.domain.files import write_atomic
from demo.run.client import Json
from demo.run.deciding import pooled

SAMPLES = ("slots", "accepted", "held", "rejected")
PLACES, SECOND_PLACES = 4, 2


def round_report(found: Json, planted: Collection[str], peak_rss_mb: float) -> Json:
    """One round's entry, from its REST answer; ``planted`` names the suites with a planted weakness."""
    rows = found["evaluation"]["rows"] if found["evaluation"] else []
    return {
        "number": found["number"],
        "suites": {row["suite"]: suite_report(row, row["suite"] in planted) for row in rows},
        "planted": pool_report(row for row in rows if row["suite"] in planted),
        "unplanted": pool_report(row for row in rows if row["suite"] not in planted),
        "mean_before": mean(row["before"] for row in rows),
        "mean_after": mean(row["after"] for row in rows),
        "decision": found["decision"] or "waiting",
        "samples": {name: found["samples"][name] for name in SAMPLES},
        "stage_seconds": stage_seconds(found["stages"]),
        "seconds": round(found["seconds"], SECOND_PLACES),
        "peak_rss_mb": peak_rss_mb,
    }


def suite_report(row: Json, is_planted: bool) -> Json:
    """One suite's line."""
    figures = {name: round(row[name], PLACES) for name in ("before", "after", "diff", "lower")}
    return {"items": row["items"], **figures, "ci": [round(end, PLACES) for end in row["ci"]], "planted": is_planted}


def pool_report(rows: Iterable[Json]) -> Json:
    """Mean difference over suites, each weighing the same, and its one-sided 95% lower bound."""
    return {name: round(value, PLACES) for name, value in pooled(list(rows)).items()}


def stage_seconds(stages: Iterable[Json]) -> dict[str, float]:
    """Wall-clock seconds of each stage, all its takes together."""
    seconds: dict[str, float] = defaultdict(float)
    for stage in stages:
        seconds[stage["stage"]] += stage["seconds"]
    return {name: round(value, SECOND_PLACES) for name, value in seconds.items()}


def mean(values: Iterable[float]) -> float:
    """The mean over suites; 0 without any."""
    found = list(values)
    return round(math.fsum(found) / max(1, len(found)), PLACES)


def report_add(path: Path, entry: Json) -> Json:
    """Put a round's entry into the report, in place of an older one of the same number."""
    rounds: list[Json] = json.loads(path.read_bytes())["rounds"] if path.exists() else []
    kept = [one for one in rounds if one["number"] != entry["number"]]
    report = {"rounds": sorted([*kept, entry], key=lambda one: int(one["number"]))}
    write_atomic(path, json.dumps(report, indent=1) + "\n")
    return report
