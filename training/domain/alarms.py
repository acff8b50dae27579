"""What a training run's curves warn of, and what to do about it. Plain functions over points, with the limits below."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import fmean

Curve = Sequence[tuple[int, float]]  # (step, value) in the order of the steps
Curves = Mapping[str, Curve]  # the whole run's, by metric


class AlarmKind(StrEnum):
    """What can be wrong."""

    NO_GRADIENT = "no_gradient"
    LENGTH_COLLAPSE = "length_collapse"
    LENGTH_EXPLOSION = "length_explosion"
    REWARD_HACKING = "reward_hacking"
    KL_RUNAWAY = "kl_runaway"
    ENTROPY_COLLAPSE = "entropy_collapse"
    TRUNCATION = "truncation"
    REWARD_FAILURES = "reward_failures"


@dataclass(frozen=True)
class Limits:
    """When an alarm is raised. A *level* is the mean of ``window`` points; it is set against the first ``base``."""

    window: int = 5
    base: int = 3
    zero_share: float = 0.8
    shorter: float = 0.3
    longer: float = 3.0
    format_rise: float = 0.1
    accuracy_rise: float = 0.01
    kl: float = 1.0
    entropy: float = 0.05
    entropy_share: float = 0.1
    truncated: float = 0.25
    reward_failures: float = 0.01


@dataclass(frozen=True)
class Alarm:
    """One alarm: the first step at which it holds, and in numbers why."""

    kind: AlarmKind
    step: int
    reason: str


LIMITS = Limits()
TITLES = {
    AlarmKind.NO_GRADIENT: "Groups without gradient",
    AlarmKind.LENGTH_COLLAPSE: "Completions became short",
    AlarmKind.LENGTH_EXPLOSION: "Completions became long",
    AlarmKind.REWARD_HACKING: "Format without accuracy",
    AlarmKind.KL_RUNAWAY: "Far from the parent",
    AlarmKind.ENTROPY_COLLAPSE: "Hardly any variety left",
    AlarmKind.TRUNCATION: "Completions are cut off",
    AlarmKind.REWARD_FAILURES: "The reward fails",
}
WATCHED = (
    "frac_reward_zero_std",
    "target/frac_reward_zero_std",
    "completions/mean_length",
    "completions/clipped_ratio",
    "rewards/format",
    "rewards/accuracy",
    "rewards/unscored",
    "rewards/timed_out",
    "kl",
    "entropy",
)
ADVICE = {
    AlarmKind.NO_GRADIENT: (
        "Most groups have equal rewards, so they teach nothing: the samples are too easy or too hard for the model as "
        "it is now. End the run here, or filter by difficulty with the newest checkpoint; more completions a prompt "
        "(num_generations) or a higher temperature also help."
    ),
    AlarmKind.LENGTH_COLLAPSE: (
        "Completions have become much shorter: the model may answer without reasoning. Read some completions; look "
        "whether accuracy holds, and take length shaping out if it is on."
    ),
    AlarmKind.LENGTH_EXPLOSION: (
        "Completions have become much longer. Read some for repetition; turn on length shaping (length_weight) or "
        "lower max_completion_tokens."
    ),
    AlarmKind.REWARD_HACKING: (
        "The format share rises while accuracy does not: the model may be paid for the box and not for the answer. "
        "Read completions that hold the format and are wrong; lower format_weight."
    ),
    AlarmKind.KL_RUNAWAY: (
        "The model has moved far from its parent. Lower the learning rate or raise beta, and go back to a checkpoint "
        "from before this step."
    ),
    AlarmKind.ENTROPY_COLLAPSE: (
        "The model hardly varies its answers any more, so groups will soon teach nothing. Raise epsilon_high or the "
        "temperature, or end the run here."
    ),
    AlarmKind.TRUNCATION: (
        "Many completions are cut off at the token limit and count as wrong. Raise max_completion_tokens, or turn on "
        "length shaping (length_weight)."
    ),
    AlarmKind.REWARD_FAILURES: (
        "The reward could not score more than 1% of the completions: gold answers that cannot be read, or a verifier "
        "that takes too long. Look for unscored completions and correct or reject their samples."
    ),
}


def alarms_of(curves: Curves, limits: Limits = LIMITS) -> list[Alarm]:
    """Every alarm of these curves, once a kind, in the order of their steps."""
    finders = (no_gradient, length, reward_hacking, kl_runaway, entropy_collapse, truncation, reward_failures)
    first: dict[AlarmKind, Alarm] = {}
    for alarm in (alarm for find in finders for alarm in find(curves, limits)):
        known = first.get(alarm.kind)
        if known is None or alarm.step < known.step:
            first[alarm.kind] = alarm
    return sorted(first.values(), key=lambda alarm: (alarm.step, alarm.kind))


def levels(curve: Curve, limits: Limits) -> list[tuple[int, float]]:
    """The mean of each ``window`` points, at the last one's step."""
    size = limits.window
    return [
        (curve[end - 1][0], fmean(value for _, value in curve[end - size : end])) for end in range(size, len(curve) + 1)
    ]


def start_of(curve: Curve, limits: Limits) -> float:
    """The level at which a curve began."""
    return fmean(value for _, value in curve[: limits.base])


def when(
    kind: AlarmKind, points: Iterable[tuple[int, float]], holds: Callable[[float], bool], reason: str
) -> list[Alarm]:
    """An alarm at the first point at which ``holds``; ``reason`` has a place for the value."""
    return next(([Alarm(kind, step, reason.format(value))] for step, value in points if holds(value)), [])


def no_gradient(curves: Curves, limits: Limits) -> list[Alarm]:
    """Groups with equal rewards, over the whole run or over the target samples alone; replay is often solved."""
    reason = "{:.0%} of the groups"
    return [
        alarm
        for of, words in (("", " have"), ("target/", " of target samples have"))
        for alarm in when(
            AlarmKind.NO_GRADIENT,
            levels(curves.get(f"{of}frac_reward_zero_std", ()), limits),
            lambda value: value >= limits.zero_share,
            f"{reason}{words} equal rewards",
        )
    ]


def length(curves: Curves, limits: Limits) -> list[Alarm]:
    """Much shorter or much longer than at the start."""
    curve = curves.get("completions/mean_length", ())
    if len(curve) < limits.window:
        return []
    start, found = start_of(curve, limits), levels(curve, limits)
    reason = f"{{:.0f}} tokens a completion, {start:.0f} at the start"
    shorter = when(AlarmKind.LENGTH_COLLAPSE, found, lambda value: value < limits.shorter * start, reason)
    return shorter + when(AlarmKind.LENGTH_EXPLOSION, found, lambda value: value > limits.longer * start, reason)


def reward_hacking(curves: Curves, limits: Limits) -> list[Alarm]:
    """The format share has risen and accuracy has not."""
    right = dict(curves.get("rewards/accuracy", ()))
    shaped = [(step, value) for step, value in curves.get("rewards/format", ()) if step in right]
    if len(shaped) < limits.window:
        return []
    accuracy = [(step, right[step]) for step, _ in shaped]
    for (step, form), (_, now) in zip(levels(shaped, limits), levels(accuracy, limits), strict=True):
        rise, gain = form - start_of(shaped, limits), now - start_of(accuracy, limits)
        if rise >= limits.format_rise and gain <= limits.accuracy_rise:
            points = f"format {100 * rise:+.0f} points, accuracy {100 * gain:+.1f} points since the start"
            return [Alarm(AlarmKind.REWARD_HACKING, step, points)]
    return []


def kl_runaway(curves: Curves, limits: Limits) -> list[Alarm]:
    """A high KL that still rises."""
    found = levels(curves.get("kl", ()), limits)
    rising = [later for earlier, later in pairwise(found) if later[1] > earlier[1]]
    return when(AlarmKind.KL_RUNAWAY, rising, lambda value: value > limits.kl, "a KL of {:.2f} that rises")


def entropy_collapse(curves: Curves, limits: Limits) -> list[Alarm]:
    """A low entropy that was once ten times as high."""
    curve = curves.get("entropy", ())
    if len(curve) < limits.window:
        return []
    start = start_of(curve, limits)
    limit = min(limits.entropy, limits.entropy_share * start)
    reason = f"{{:.3f}} nats a token, {start:.2f} at the start"
    return when(AlarmKind.ENTROPY_COLLAPSE, levels(curve, limits), lambda value: value < limit, reason)


def truncation(curves: Curves, limits: Limits) -> list[Alarm]:
    """Completions that reach the token limit."""
    found = levels(curves.get("completions/clipped_ratio", ()), limits)
    return when(
        AlarmKind.TRUNCATION, found, lambda value: value > limits.truncated, "{:.0%} of the completions are cut off"
    )


def reward_failures(curves: Curves, limits: Limits) -> list[Alarm]:
    """Completions without a verdict, or with one that took too long; one step is enough."""
    return [
        alarm
        for name, words in (("unscored", "could not be scored"), ("timed_out", "took the verifier too long"))
        for alarm in when(
            AlarmKind.REWARD_FAILURES,
            curves.get(f"rewards/{name}", ()),
            lambda value: value > limits.reward_failures,
            f"{{:.1%}} of the completions {words}",
        )
    ]
