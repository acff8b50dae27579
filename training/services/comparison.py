"""Parent and child on the same items: what changed in each suite, and what the gate says. Reads no database."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from diagnostics.domain.paired import Paired, paired_difference, pooled_difference
from training.domain.gate import MIN_COVERAGE, Decision, GateResult, gate_decide, gate_decide_paired
from training.models import PROTECTED, TARGET


@dataclass(frozen=True)
class PairedItem:
    """One item before and after: its share of right answers, None where an answer could not be scored."""

    benchmark: str
    role: str
    cluster: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Suite:
    """What changed in one suite, over the items that were scored both times."""

    suite: str
    role: str
    num_before: float
    num_after: float
    num_fixed: int
    num_broken: int
    paired: Paired

    @property
    def is_clustered(self) -> bool:
        """Whether items share pictures, so that they are not independent."""
        return self.paired.num_clusters is not None

    def is_ok(self, margin: float) -> bool:
        """A target rose; a protected suite is shown to have lost less than ``margin``."""
        return self.paired.diff > 0 if self.role == TARGET else self.paired.lower > -margin


def groups_of(items: Iterable[PairedItem]) -> dict[tuple[str, str], list[PairedItem]]:
    """Items by (suite, role), sorted: a suite is a benchmark; one with target skills and others is two suites."""
    groups: dict[tuple[str, str], list[PairedItem]] = defaultdict(list)
    for item in items:
        groups[item.benchmark, item.role].append(item)
    mixed = {name for name, _ in groups if (name, TARGET) in groups and (name, PROTECTED) in groups}
    return {(f"{name} ({role})" if name in mixed else name, role): groups[name, role] for name, role in sorted(groups)}


def suites_of(items: Iterable[PairedItem]) -> list[Suite]:
    """What changed in every suite that has scored items."""
    scored = {key: [row for row in rows if is_scored(row)] for key, rows in groups_of(items).items()}
    return [suite_of(name, role, rows) for (name, role), rows in scored.items() if rows]


def suite_of(name: str, role: str, items: list[PairedItem]) -> Suite:
    """The comparison of one suite; clustered only where a picture comes more than once."""
    before, after = [item.before or 0.0 for item in items], [item.after or 0.0 for item in items]
    clusters = [item.cluster for item in items]
    paired = paired_difference(before, after, clusters if len(set(clusters)) < len(clusters) else None)
    changes = [new - old for old, new in zip(before, after, strict=True)]
    fixed, broken = (sum(sign * change > 0 for change in changes) for sign in (1, -1))
    return Suite(name, role, sum(before), sum(after), fixed, broken, paired)


def is_scored(item: PairedItem) -> bool:
    """Whether both answers have a verdict."""
    return item.before is not None and item.after is not None


def worst(item: PairedItem) -> PairedItem:
    """An unscored item as if the child had lost it."""
    return item if is_scored(item) else PairedItem(item.benchmark, item.role, item.cluster, 1.0, 0.0)


def coverage_of(items: list[PairedItem]) -> float:
    """The share of items that were scored both times."""
    return sum(map(is_scored, items)) / len(items) if items else 0.0


def summary_of(items: list[PairedItem]) -> dict[str, object]:
    """What the evaluation's page shows above its rows: mean accuracy over suites, and the pools of each role."""
    suites = suites_of(items)
    pools = {role: [suite for suite in suites if suite.role == role] for role in (TARGET, PROTECTED)}
    size = max(1, len(suites))
    return {
        "coverage": coverage_of(items),
        "mean_before": sum(suite.num_before / suite.paired.n for suite in suites) / size,
        "mean_after": sum(suite.num_after / suite.paired.n for suite in suites) / size,
        "targets": pool_of(pools[TARGET]),
        "protected": pool_of(pools[PROTECTED]),
    }


def pool_of(suites: list[Suite]) -> dict[str, object] | None:
    """The mean difference over ``suites``, each weighing the same; None when there are none."""
    if not suites:
        return None
    pooled = pooled_difference({suite.suite: suite.paired for suite in suites})
    interval = [pooled.interval.low, pooled.interval.high]
    return {"suites": len(suites), "diff": pooled.diff, "lower": pooled.lower, "ci": interval}


def gate_verdict(items: list[PairedItem], margin: float, alpha: float) -> tuple[Decision, list[str]]:
    """Promote or wait, with sentences; when too few answers were scored, only what holds in the worst case counts."""
    shown = decide(suites_of(items), margin, alpha)
    if min(map(coverage_of, groups_of(items).values()), default=1.0) >= MIN_COVERAGE:
        return shown.decision, list(shown.reasons)
    strict = decide(suites_of(map(worst, items)), margin, alpha)
    note = f"Only {coverage_of(items):.1%} of the items were scored both times; the gate took the others as lost."
    return strict.decision, [note, *strict.reasons]


def decide(suites: list[Suite], margin: float, alpha: float) -> GateResult:
    """The gate on counts where all items are independent, else on clustered differences."""
    targets, protected = ({s.suite: s.paired for s in suites if s.role == role} for role in (TARGET, PROTECTED))
    if any(suite.is_clustered for suite in suites):
        return gate_decide_paired(targets, protected, margin=margin)
    return gate_decide(counts_of(targets), counts_of(protected), margin=margin, alpha=alpha)


def counts_of(suites: Mapping[str, Paired]) -> dict[str, tuple[int, int, int]]:
    """Items gained, items lost and items in all of each suite."""
    return {name: (round(paired.b), round(paired.c), paired.n) for name, paired in suites.items()}
