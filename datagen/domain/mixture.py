"""How many samples each skill gets, and why: the mixture that a person approves before any money is spent."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final, Literal

from diagnostics.domain.intervals import Posterior
from diagnostics.domain.verdicts import Verdict

REPLAY_SHARE: Final = 0.35
HIGH_BELOW: Final = 0.70
BUCKETS: Final = ((HIGH_BELOW, 2.0), (0.75, 1.5), (0.85, 1.0), (0.90, 0.8), (1.0, 0.5))
FALLBACK_PART: Final = 3

Policy = Literal["ref", "calibrated"]


class Purpose(StrEnum):
    """Why a slot is filled: to repair a skill, or to keep one."""

    TARGET = "target"
    REPLAY = "replay"


@dataclass(frozen=True)
class SkillEvidence:
    """What the diagnosis knows about a skill. ``error_types`` counts the kinds of its wrong answers."""

    k: float
    n: float
    posterior: Posterior
    verdict: Verdict
    error_types: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One skill's part of a mixture. ``directions``: error types to aim at with their counts, most frequent first."""

    skill: str
    purpose: Purpose
    weight: float
    quota: int
    why: str
    directions: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Proposal:
    """A mixture to approve: rows whose quotas sum to ``total``, and what an approver should know."""

    policy: Policy
    total: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def allocate(weights: Mapping[str, float], total: int, *, floor: int = 0) -> dict[str, int]:
    """Share ``total`` in proportion to the weights, at least ``floor`` each, by largest remainder: exactly ``total``.

    Equal remainders go to whoever comes first; weights that are all 0 count as equal.
    """
    if total < floor * len(weights) or (total and not weights) or any(not 0 <= w < math.inf for w in weights.values()):
        raise ValueError(f"Cannot share {total} over {len(weights)} with a floor of {floor} and these weights.")
    exact = {name: Fraction(weight) for name, weight in weights.items()}
    if not any(exact.values()):
        exact = dict.fromkeys(exact, Fraction(1))
    short: dict[str, int] = {}
    while floor:
        fair = _fair(exact, total - floor * len(short), without=short)
        below = [name for name, share in fair.items() if share < floor]
        if not below:
            break
        short |= dict.fromkeys(below, floor)
    fair = _fair(exact, total - floor * len(short), without=short)
    quotas = {name: short.get(name) or math.floor(fair.get(name, 0)) for name in weights}
    first = sorted(fair, key=lambda name: math.floor(fair[name]) - fair[name])
    for name in first[: total - sum(quotas.values())]:
        quotas[name] += 1
    return quotas


def ref_weight(accuracy: float) -> float:
    """Ref's bucket weight of an accuracy: < .70 2.0, < .75 1.5, < .85 1.0, < .90 .8, else .5."""
    return next((weight for bound, weight in BUCKETS if accuracy < bound), BUCKETS[-1][1])


def calibrated_weight(posterior: Posterior) -> float:
    """The expected bucket weight under the posterior of the accuracy; Ref's weight when that is narrow."""
    reached = [0.0, *(posterior.below(bound) for bound, _ in BUCKETS)]
    return math.fsum((reached[i + 1] - reached[i]) * weight for i, (_, weight) in enumerate(BUCKETS))


def calibrated_weights(posteriors: Mapping[str, Posterior]) -> dict[str, float]:
    """``calibrated_weight`` of every skill."""
    return {skill: calibrated_weight(posterior) for skill, posterior in posteriors.items()}


def propose(
    skills: Mapping[str, SkillEvidence],
    *,
    policy: Policy = "calibrated",
    total: int,
    replay_share: float = REPLAY_SHARE,
    floor: int = 0,
) -> Proposal:
    """The mixture that the evidence suggests.

    Skills shown *not weak* are replayed; the others are targets. An open verdict is a target because missing a
    weak skill costs a round, while the expected weight already gives a skill that is probably strong little.
    When every skill is shown not weak, the third with the lowest estimates are targets, and a note says so.

    ``calibrated``: weights are expected bucket weights, replay gets ``replay_share`` of the total.
    ``ref``: weights are Ref's buckets of the raw accuracy over all skills at once, so that replay gets what its
    buckets say; a skill without data has no weight and only ever gets the floor.
    """
    purposes, notes = _purposes(skills)
    weights = {skill: _weight(evidence, policy) for skill, evidence in skills.items()}
    groups = [list(skills)] if policy == "ref" else [_of(purposes, Purpose.TARGET), _of(purposes, Purpose.REPLAY)]
    groups = [group for group in groups if group]
    shares = [1 - replay_share, replay_share] if len(groups) == 2 else [1.0] * len(groups)
    minimum = {str(i): floor * len(group) for i, group in enumerate(groups)}
    sizes = allocate_above(minimum, dict(zip(minimum, shares, strict=True)), total)
    quotas: dict[str, int] = {}
    for i, group in enumerate(groups):
        quotas |= allocate({skill: weights[skill] for skill in group}, sizes[str(i)], floor=floor)
    rows = [_row(skill, e, purposes[skill], weights[skill], quotas[skill]) for skill, e in skills.items()]
    return Proposal(policy, total, tuple(sorted(rows, key=lambda row: row.purpose == Purpose.REPLAY)), notes)


def allocate_above(minimum: Mapping[str, int], weights: Mapping[str, float], total: int) -> dict[str, int]:
    """Share ``total`` in proportion to the weights where nobody gets less than their own minimum."""
    quotas = allocate(weights, total)
    short = {name for name in quotas if quotas[name] < minimum[name]}
    if not short:
        return quotas
    rest = total - sum(minimum[name] for name in short)
    others = {name: weight for name, weight in weights.items() if name not in short}
    if rest < 0 or (rest and not others):
        raise ValueError(f"{total} samples cannot hold a floor of {sum(minimum.values())}.")
    held = {name: minimum[name] for name in short}
    return held | allocate_above({name: minimum[name] for name in others}, others, rest)


def manifest_hash(proposal: Proposal) -> str:
    """The sha256 of the proposal as canonical JSON: what an approver signs. Any change of any field changes it."""
    manifest = json.dumps(asdict(proposal), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(manifest.encode()).hexdigest()


def _fair(exact: Mapping[str, Fraction], total: int, *, without: Mapping[str, int]) -> dict[str, Fraction]:
    rest = {name: weight for name, weight in exact.items() if name not in without}
    whole = sum(rest.values()) or Fraction(1)
    return {name: weight * total / whole for name, weight in rest.items()}


def _of(purposes: Mapping[str, Purpose], purpose: Purpose) -> list[str]:
    return [skill for skill, its in purposes.items() if its is purpose]


def _purposes(skills: Mapping[str, SkillEvidence]) -> tuple[dict[str, Purpose], tuple[str, ...]]:
    """Each skill's purpose, and what is unusual about them."""
    replayed = [skill for skill, evidence in skills.items() if evidence.verdict == Verdict.NOT_WEAK]
    notes = []
    if skills and not any(evidence.verdict == Verdict.WEAK for evidence in skills.values()):
        notes.append("No skill is shown weak.")
    if skills and len(replayed) == len(skills):
        ranked = sorted(replayed, key=lambda skill: skills[skill].posterior.mean)
        fallen = ranked[: math.ceil(len(ranked) / FALLBACK_PART)]
        replayed = [skill for skill in replayed if skill not in fallen]
        notes.append(f"Every skill is shown not weak: the lowest, {', '.join(fallen)}, stand in as targets.")
    if skills and not replayed:
        notes.append("No skill is replayed: nothing else is shown strong enough to keep.")
    return {s: Purpose.REPLAY if s in replayed else Purpose.TARGET for s in skills}, tuple(notes)


def _weight(evidence: SkillEvidence, policy: Policy) -> float:
    if policy == "calibrated":
        return calibrated_weight(evidence.posterior)
    return ref_weight(evidence.k / evidence.n) if evidence.n else 0.0


def _row(skill: str, evidence: SkillEvidence, purpose: Purpose, weight: float, quota: int) -> Row:
    seen = f"{evidence.k:g} of {evidence.n:g} right" if evidence.n else "no data"
    why = f"{evidence.verdict.value.replace('_', ' ')}: {seen}, estimate {evidence.posterior.mean:.2f}"
    return Row(skill, purpose, round(weight, 6), quota, why, _directions(evidence, purpose))


def _directions(evidence: SkillEvidence, purpose: Purpose) -> tuple[tuple[str, int], ...]:
    """The weakness brief: every error type seen below .70, the main one otherwise, none for replay."""
    if purpose == Purpose.REPLAY:
        return ()
    seen: Sequence[tuple[str, int]] = sorted(
        ((kind, count) for kind, count in evidence.error_types.items() if count > 0), key=lambda it: (-it[1], it[0])
    )
    return tuple(seen if evidence.posterior.mean < HIGH_BELOW else seen[:1])
