"""KL, entropy and clipped share of a step for each skill and each slot group, by the formulas of TRL's own totals."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from accelerate.utils import gather_object
from torch import Tensor

from gpu.slices import Skilled

About = tuple[str, str]  # skill, slot group
TOKENS, KL, ENTROPY, CLIPPED = range(4)
NAMES = {KL: "kl", ENTROPY: "entropy", CLIPPED: "clip_ratio/region_mean"}


class PolicySums:
    """Sums over the tokens of a step's passes; ``epsilons`` are the clip's lower and upper distance from 1."""

    def __init__(self, epsilons: tuple[float, float]) -> None:
        self._low, self._high = 1 - epsilons[0], 1 + epsilons[1]
        self._about: list[About] = []
        self._sums: Tensor | None = None
        self._has_kl = False

    def numbers(self, rows: Sequence[Mapping[str, Any]], device: torch.device) -> Tensor:
        """For each row of a generation a number that stands for its skill and slot group."""
        named = [(str(row["skill"]), str(row.get("purpose") or "")) for row in rows]
        self._about = list(dict.fromkeys(named))
        places = {about: place for place, about in enumerate(self._about)}
        return torch.tensor([places[about] for about in named], device=device)

    @torch.no_grad()
    def add(self, inputs: Mapping[str, Tensor], log_probs: Tensor, entropies: Tensor | None) -> None:
        """Count one pass; ``inputs`` are the trainer's, with ``about`` as ``numbers`` gave them."""
        mask = inputs["completion_mask"].float()
        parts = torch.zeros(len(mask), 4, device=mask.device)
        parts[:, TOKENS] = mask.sum(1)
        if (reference := inputs.get("ref_per_token_logps")) is not None:
            gap = reference - log_probs
            parts[:, KL] = ((gap.exp() - gap - 1) * mask).sum(1)
            self._has_kl = True
        if entropies is not None:
            parts[:, ENTROPY] = (entropies * mask).sum(1)
        if (old := inputs.get("old_per_token_logps")) is not None:
            parts[:, CLIPPED] = (self._clipped((log_probs - old).exp(), inputs["advantages"]) * mask).sum(1)
        if self._sums is None or len(self._sums) != len(self._about):
            self._sums = torch.zeros(len(self._about), 4, device=mask.device)
        self._sums.index_add_(0, inputs["about"], parts)

    def _clipped(self, ratio: Tensor, advantages: Tensor) -> Tensor:
        gain = advantages.view(len(ratio), -1)
        return ((ratio < self._low) & (gain < 0)) | ((ratio > self._high) & (gain > 0))

    def take(self) -> list[Skilled]:
        """The means since the last call, over all processes: each of them must call."""
        sums = [] if self._sums is None else self._sums.tolist()
        self._sums = None
        return means(gather_object(list(zip(self._about, sums, strict=False))), has_kl=self._has_kl)


def means(sums: Sequence[tuple[About, Sequence[float]]], *, has_kl: bool) -> list[Skilled]:
    """Means over tokens by skill, and under the name of each slot group."""
    totals: dict[About, list[float]] = defaultdict(lambda: [0.0] * 4)
    for (skill, purpose), values in sums:
        for key in [(skill, ""), ("", purpose)] if purpose else [(skill, "")]:
            totals[key] = [total + value for total, value in zip(totals[key], values, strict=True)]
    shown = {place: name for place, name in NAMES.items() if has_kl or place != KL}
    return [
        (f"{purpose}/{name}" if purpose else name, skill, values[place] / values[TOKENS])
        for (skill, purpose), values in sorted(totals.items())
        if values[TOKENS]
        for place, name in shown.items()
    ]
