"""The numbers of a generation: over all completions, for each skill, and for each slot group (target or replay)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from gpu.rollouts import Scored

Skilled = tuple[str, str, float]  # metric name, skill ("" for the whole run), value
Group = Sequence[Scored]
ALARM_SHARE = 0.01
EQUAL = 1e-8


def generation_metrics(groups: Sequence[Group]) -> list[Skilled]:
    """All of them. A skill's stand beside the skill, a slot group's under its name: ``target/reward``."""
    by_skill, by_purpose = defaultdict(list), defaultdict(list)
    for group in groups:
        by_skill[group[0].skill].append(group)
        by_purpose[group[0].purpose].append(group)
    metrics = run_metrics([one for group in groups for one in group])
    for skill, some in sorted(by_skill.items()):
        metrics += [(name, skill, value) for name, value in slice_metrics(some)]
    for purpose, some in sorted(by_purpose.items()):
        if purpose:
            metrics += [(f"{purpose}/{name}", "", value) for name, value in slice_metrics(some)]
    return metrics


def run_metrics(rows: Sequence[Scored]) -> list[Skilled]:
    """Shares over all completions: accurate and well-formed (of those scored), unscored, timed out; 1 is an alarm."""
    scored = [row for row in rows if row.verdict.is_correct is not None]
    metrics = [
        ("rewards/unscored", "", 1 - len(scored) / len(rows)),
        ("rewards/timed_out", "", sum(row.verdict.timed_out for row in rows) / len(rows)),
    ]
    metrics += [(f"alarms/{name[8:]}", "", float(value > ALARM_SHARE)) for name, _, value in metrics]
    return metrics + [(name, "", value) for name, value in verdict_means(scored)]


def slice_metrics(groups: Sequence[Group]) -> list[tuple[str, float]]:
    """A part's means, by the names that TRL gives to the whole run's; a reward that is unknown counts in none."""
    rows = [row for group in groups for row in group]
    known = [row.reward for row in rows if row.reward is not None]
    flat = [max(values) - min(values) < EQUAL for values in map(rewards_known, groups) if values]
    metrics = [
        ("completions/mean_length", mean(row.num_tokens for row in rows)),
        ("completions/clipped_ratio", mean(not row.is_whole for row in rows)),
    ]
    if known:
        metrics += [("reward", mean(known)), ("frac_reward_zero_std", mean(flat))]
    return metrics + verdict_means([row for row in rows if row.verdict.is_correct is not None])


def verdict_means(scored: Group) -> list[tuple[str, float]]:
    """Shares of those scored that are right and well-formed; nothing where nothing is scored."""
    if not scored:
        return []
    right = mean(bool(row.verdict.is_correct) for row in scored)
    return [("rewards/accuracy", right), ("rewards/format", mean(row.verdict.has_format for row in scored))]


def rewards_known(group: Group) -> list[float]:
    """The rewards of a group that are known."""
    return [row.reward for row in group if row.reward is not None]


def mean(values: Iterable[float]) -> float:
    """The mean of at least one value."""
    numbers = [float(value) for value in values]
    return sum(numbers) / len(numbers)
