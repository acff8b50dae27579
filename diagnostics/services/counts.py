"""Outcomes of items counted into cells and skills, in plain Python.

The item is the unit, whatever the number of its answers: it counts by the share of them that is right. Items that
show the same picture are one cluster.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from diagnostics.domain.intervals import (
    Interval,
    Posterior,
    clustered_interval,
    design_effect,
    effective_clusters,
    shrink,
    wilson,
)
from diagnostics.domain.verdicts import SkillVerdict, skill_verdicts
from diagnostics.selectors.outcomes import ItemOutcome

Key = TypeVar("Key", bound=Hashable)
Measure = Callable[[ItemOutcome], float | None]


@dataclass(frozen=True)
class Sums:
    """Items of one slice, by picture: ``clusters`` holds (right, items) of each."""

    clusters: tuple[tuple[float, int], ...]

    @property
    def n(self) -> int:
        """Items that were scored."""
        return sum(size for _, size in self.clusters)

    @property
    def right(self) -> float:
        """The sum of the items' shares of right answers."""
        return sum(right for right, _ in self.clusters)

    @property
    def sum_m2(self) -> float:
        """Sum over pictures of items squared."""
        return float(sum(size**2 for _, size in self.clusters))

    @property
    def sum_km(self) -> float:
        """Sum over pictures of right times items."""
        return sum(right * size for right, size in self.clusters)

    @property
    def sum_k2(self) -> float:
        """Sum over pictures of right squared."""
        return sum(right**2 for right, _ in self.clusters)

    @property
    def shares_pictures(self) -> bool:
        """Whether two of the items show the same picture."""
        return len(self.clusters) < self.n

    @property
    def design_effect(self) -> float:
        """By how much shared pictures widen the interval; 1 where none is shared."""
        return design_effect(self.clusters) if self.shares_pictures else 1.0

    @property
    def effective_images(self) -> float:
        """As many pictures asked equally often these are worth."""
        return effective_clusters(self.clusters)

    @property
    def interval(self) -> Interval:
        """Wilson's, or the clustered one where items share pictures."""
        return clustered_interval(self.clusters).interval if self.shares_pictures else wilson(self.right, self.n)


@dataclass(frozen=True)
class SkillCounts:
    """One skill as the report writes it."""

    skill: str
    image_type: str
    answer_type: str
    strict: Sums
    lenient: Sums
    posterior: Posterior
    verdict: SkillVerdict


def sums_of(outcomes: Iterable[ItemOutcome], measure: Measure) -> Sums:
    """The scored items by picture; items without a scored answer are left out."""
    right: dict[str, float] = defaultdict(float)
    sizes: Counter[str] = Counter()
    for row in outcomes:
        value = measure(row)
        if value is not None:
            right[row.cluster] += value
            sizes[row.cluster] += 1
    return Sums(tuple((right[cluster], sizes[cluster]) for cluster in sizes))


def group(outcomes: Iterable[ItemOutcome], key: Callable[[ItemOutcome], Key]) -> dict[Key, list[ItemOutcome]]:
    """Outcomes by ``key``, in the order of the first of each."""
    groups: dict[Key, list[ItemOutcome]] = defaultdict(list)
    for row in outcomes:
        groups[key(row)].append(row)
    return dict(groups)


def skills_count(
    outcomes: Iterable[ItemOutcome], *, tau: float, alpha: float, bank: Mapping[str, int]
) -> list[SkillCounts]:
    """Every skill's counts, posterior and verdict, by name. ``bank`` counts the items of a skill that exist."""
    skills = dict(sorted(group(outcomes, lambda row: row.skill).items()))
    strict = {skill: sums_of(rows, lambda row: row.strict) for skill, rows in skills.items()}
    counts = {skill: (sums.right, float(sums.n)) for skill, sums in strict.items()}
    verdicts = skill_verdicts(
        counts,
        tau=tau,
        alpha=alpha,
        items_left={skill: max(0, bank.get(skill, 0) - len(rows)) for skill, rows in skills.items()},
        design_effects={skill: sums.design_effect for skill, sums in strict.items()},
    )
    posteriors = shrink(counts)
    return [
        SkillCounts(
            skill=skill,
            image_type=commonest(row.image_type for row in rows),
            answer_type=commonest(row.answer_type for row in rows),
            strict=strict[skill],
            lenient=sums_of(rows, lambda row: row.lenient),
            posterior=posteriors[skill],
            verdict=verdicts[skill],
        )
        for skill, rows in skills.items()
    ]


def commonest(values: Iterable[str]) -> str:
    """The value that comes most often; of equals the first by name."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value))
