"""What the demo says of a round: its report in the shape that benchmarks read, pooled bounds, the table."""

import io
import json
import math
from pathlib import Path

import pytest
from rich.console import Console

from demo.run.deciding import decide, pooled
from demo.run.report import report_add, round_report
from demo.run.screen import result_table
from diagnostics.domain.paired import paired_counts, pooled_difference

PLANTED = ["count", "clock"]


@pytest.fixture
def recorded() -> dict:
    """A finished round as REST showed it."""
    return json.loads((Path(__file__).parent / "recorded_round.json").read_text())


def row(suite: str, fixed: int, broken: int, items: int = 200, role: str = "protected") -> dict:
    found = paired_counts(fixed, broken, items)
    ci = [found.interval.low, found.interval.high]
    return {"suite": suite, "role": role, "items": items, "diff": found.diff, "lower": found.lower, "ci": ci}


def evaluation(*rows: dict, margin: float = 0.1) -> dict:
    return {"margin": margin, "rows": list(rows)}


def test_the_report_has_the_shape_that_benchmarks_read(recorded):
    entry = round_report(recorded, PLANTED, 812.3)
    assert set(entry) == {
        "number", "suites", "planted", "unplanted", "mean_before", "mean_after", "decision", "samples",
        "stage_seconds", "seconds", "peak_rss_mb",
    }  # fmt: skip
    assert len(entry["suites"]) == 11
    for name, suite in entry["suites"].items():
        assert set(suite) == {"items", "before", "after", "diff", "lower", "ci", "planted"}
        assert suite["planted"] == (name in PLANTED)
        assert suite["ci"][0] <= suite["lower"] <= suite["diff"] <= suite["ci"][1]
    assert set(entry["planted"]) == set(entry["unplanted"]) == {"diff", "lower"}
    assert set(entry["samples"]) == {"slots", "accepted", "held", "rejected"}
    assert entry["decision"] == "rejected" and entry["peak_rss_mb"] == 812.3
    assert entry["mean_before"] == pytest.approx(sum(s["before"] for s in entry["suites"].values()) / 11, abs=1e-3)
    assert json.loads(json.dumps(entry)) == entry


def test_the_stages_seconds_add_up_to_the_rounds(recorded):
    entry = round_report(recorded, PLANTED, 0.0)
    assert {"diagnose", "approve", "generate", "train", "evaluate", "decide"} <= set(entry["stage_seconds"])
    assert sum(entry["stage_seconds"].values()) == pytest.approx(entry["seconds"], rel=0.05)


def test_takes_of_one_stage_count_together(recorded):
    recorded["stages"].append({**recorded["stages"][0], "take": 2, "seconds": 100.0})
    first = recorded["stages"][0]["seconds"]
    assert round_report(recorded, PLANTED, 0.0)["stage_seconds"]["diagnose"] == pytest.approx(first + 100, abs=0.01)


def test_pooled_bounds_are_those_of_the_products_own_statistics():
    counts = {"a": (60, 2, 200), "b": (0, 0, 200), "c": (3, 9, 150)}
    ours = pooled([row(name, *c) for name, c in counts.items()])
    theirs = pooled_difference({name: paired_counts(*c) for name, c in counts.items()})
    assert (ours["diff"], ours["lower"]) == pytest.approx((theirs.diff, theirs.lower))
    assert pooled([]) == {"diff": 0.0, "lower": 0.0}


def test_an_unfinished_evaluation_is_reported_as_waiting(recorded):
    entry = round_report({**recorded, "evaluation": None, "decision": ""}, PLANTED, 0.0)
    assert entry["decision"] == "waiting" and entry["suites"] == {} and not math.isnan(entry["mean_before"])


def test_a_round_played_again_replaces_its_entry_and_keeps_the_others(tmp_path):
    path = tmp_path / "report.json"
    for number, seconds in ((2, 1.0), (1, 2.0), (2, 3.0)):
        report_add(path, {"number": number, "seconds": seconds})
    assert [(r["number"], r["seconds"]) for r in json.loads(path.read_text())["rounds"]] == [(1, 2.0), (2, 3.0)]


def test_the_table_names_every_suite_and_what_was_planted(recorded):
    screen = Console(file=io.StringIO(), width=120)
    screen.print(result_table(round_report(recorded, PLANTED, 0.0)))
    text = screen.file.getvalue()
    assert "count (planted)" in text and "number (planted)" not in text
    assert all(name in text for name in ("before", "after", "difference", "bar_value", "[-0.324, +0.324]"))


def test_a_gain_that_costs_nothing_is_promoted_and_the_comment_says_why():
    said = decide(evaluation(row("count", 80, 1, role="target"), row("word", 1, 2), row("sum", 0, 0)))
    assert said["decision"] == "promoted"
    assert "rule" in said["comment"] and "+0.395" in said["comment"]


@pytest.mark.parametrize(
    "rows",
    [
        [row("count", 5, 4, role="target"), row("word", 0, 0)],
        [row("count", 80, 1, role="target"), row("word", 0, 20), row("sum", 9, 0), row("shape", 9, 0)],
        [row("count", 80, 1, role="target"), *[row(name, 0, 8) for name in ("word", "sum", "shape")]],
        [row("word", 50, 0)],
    ],
    ids=["no gain is shown", "a suite lost the margin", "the protected lost together", "there was no target"],
)
def test_what_is_no_safe_gain_is_rejected(rows):
    assert decide(evaluation(*rows))["decision"] == "rejected"
