"""What ``demo`` answers where the gate waits for a person: a rule, said in the comment."""

import math
from collections.abc import Sequence

from demo.run.client import Json

TARGET = "target"
POOL_MARGIN = 0.03
RULE = (
    "promote when the targets' mean rose with its lower bound above 0, the mean of the protected suites has its "
    "lower bound above -{pool:g}, and no protected suite lost {margin:g}"
)


def pooled(rows: Sequence[Json]) -> Json:
    """The mean difference over suites, each weighing the same, and its one-sided 95% lower bound.

    The bound by MOVER (Zou and Donner 2008): the suites' distances to their own lower bounds, added as squares.
    """
    if not rows:
        return {"diff": 0.0, "lower": 0.0}
    diff = math.fsum(row["diff"] for row in rows) / len(rows)
    reach = math.sqrt(math.fsum((row["diff"] - row["lower"]) ** 2 for row in rows)) / len(rows)
    return {"diff": diff, "lower": diff - reach}


def decide(evaluation: Json) -> Json:
    """The body of POST decide for an evaluation as the round's REST answer holds it."""
    margin: float = evaluation["margin"]
    targets = [row for row in evaluation["rows"] if row["role"] == TARGET]
    protected = [row for row in evaluation["rows"] if row["role"] != TARGET]
    gain, kept = pooled(targets), pooled(protected)
    lost = [row["suite"] for row in protected if row["diff"] <= -margin]
    is_good = bool(targets) and gain["lower"] > 0 and kept["lower"] > -POOL_MARGIN and not lost
    facts = f"targets {gain['diff']:+.3f} (lower {gain['lower']:+.3f})"
    facts += f", protected {kept['diff']:+.3f} (lower {kept['lower']:+.3f}), lost: {', '.join(lost) or 'none'}"
    rule = RULE.format(pool=POOL_MARGIN, margin=margin)
    decision = "promoted" if is_good else "rejected"
    return {"decision": decision, "comment": f"{decision.capitalize()} by the demo's rule ({rule}): {facts}."}
