"""``var/demo/report.json``: what every round did, for people and benchmarks."""

import json
import math
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from statistics import NormalDist
from typing import Any

from core.domain.files import write_atomic
from demo.run.client import Json

Z95 = NormalDist().inv_cdf(0.95)
WAITING_SAMPLES = ("slots", "accepted", "held", "rejected")


def round_report(found: Json, planted: Collection[str], peak_rss_mb: float) -> Json:
    """One finished round as a report's entry; ``planted`` names the suites with a planted weakness."""
    rows = found["evaluation"]["rows"]
    suites = {row["suite"]: suite_report(row, row["suite"] in planted) for row in rows}
    seconds: dict[str, float] = defaultdict(float)
    for stage in found["stages"]:
        seconds[stage["stage"]] += stage["seconds"]
    return {
        "number": found["number"],
        "suites": suites,
        "planted": pooled([row for row in rows if row["suite"] in planted]),
        "unplanted": pooled([row for row in rows if row["suite"] not in planted]),
        "mean_before": mean([row["before"] for row in rows]),
        "mean_after": mean([row["after"] for row in rows]),
        "decision": found["decision"] or "waiting",
        "samples": {name: found["samples"][name] for name in WAITING_SAMPLES},
        "stage_seconds": {stage: round(value, 2) for stage, value in seconds.items()},
        "seconds": round(found["seconds"], 2),
        "peak_rss_mb": peak_rss_mb,
    }


def suite_report(row: Json, is_planted: bool) -> Json:
    """One suite's line."""
    figures = {name: round(row[name], 4) for name in ("before", "after", "diff", "lower")}
    return {"items": row["items"], **figures, "ci": [round(end, 4) for end in row["ci"]], "planted": is_planted}


def pooled(rows: list[Json]) -> Json:
    """Mean difference over suites with equal weight, and its one-sided 95% lower bound (paired by item).

    A suite's variance is that of its paired differences: ((b + c)/n - ((b - c)/n)^2) / n with b fixed and c broken.
    """
    if not rows:
        return {"diff": 0.0, "lower": 0.0}
    diff = mean([row["diff"] for row in rows])
    variance = sum(paired_variance(row["fixed"], row["broken"], row["items"]) for row in rows) / len(rows) ** 2
    return {"diff": round(diff, 4), "lower": round(diff - Z95 * math.sqrt(variance), 4)}


def paired_variance(fixed: int, broken: int, items: int) -> float:
    """The variance of a mean paired difference of 0/1 answers."""
    return ((fixed + broken) / items - ((fixed - broken) / items) ** 2) / items


def mean(values: list[float]) -> float:
    """The mean, rounded for people."""
    return round(sum(values) / len(values), 4)


def report_add(path: Path, entry: Json) -> Json:
    """Put a round's entry into the report, in place of an older one of the same number."""
    rounds: list[Any] = json.loads(path.read_text())["rounds"] if path.exists() else []
    kept = [one for one in rounds if one["number"] != entry["number"]]
    report = {"rounds": sorted([*kept, entry], key=lambda one: int(one["number"]))}
    write_atomic(path, json.dumps(report, indent=1))
    return report
