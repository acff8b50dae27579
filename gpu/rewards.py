"""The one composed reward of a training run: ``accuracy_weight * correct + format_weight * format``.

One function, because TRL leaves a completion out only when *all* rewards are None: an unscorable answer with a good
format would count as wrong. A completion whose gold answer cannot be read is None; a crash ends the run.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from accelerate.utils import gather_object

from core.specs import GrpoSettings
from gpu.errors import GpuFault
from gpu.grader import BATCH, Grader, Question, Verdict

log = logging.getLogger(__name__)
ALARM_SHARE = 0.01
Skilled = tuple[str, str, float]  # metric name, skill ("" for the whole run), value
Rewards = list[float | None]


def compose(verdict: Verdict, settings: GrpoSettings) -> float | None:
    """The reward of one verdict, or None when there is nothing to compare with."""
    if verdict.is_correct is None:
        return None
    return settings.accuracy_weight * verdict.is_correct + settings.format_weight * verdict.has_format


class ComposedReward:
    """TRL's reward function, which also keeps the numbers of its newest call for the curves."""

    __name__ = "composed"

    def __init__(
        self,
        settings: GrpoSettings,
        grader: Grader,
        is_whole: Callable[[list[int]], bool],
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """``is_whole`` says of a completion's token ids whether it ended by itself; ``beat`` hears of every verdict."""
        self._settings, self._grader, self._is_whole, self._beat = settings, grader, is_whole, beat
        self.metrics: list[Skilled] = []

    def __call__(
        self, completions: Sequence[Any], completion_ids: Sequence[list[int]], skill: Sequence[str], **columns: Any
    ) -> Rewards:
        """One reward a completion; ``columns`` are the dataset's, one value a completion."""
        facts = zip(completions, completion_ids, columns["solution"], columns["answer_type"], columns["options"])  # noqa: B905
        questions = [
            Question(
                text=completion[0]["content"],
                gold=gold,
                answer_type=answer_type,
                options=options or "",
                finish="stop" if self._is_whole(ids) else "length",
            )
            for completion, ids, gold, answer_type, options in facts
        ]
        verdicts = self._verdicts(questions)
        rewards = [compose(verdict, self._settings) for verdict in verdicts]
        everywhere = gather_object(list(zip(verdicts, rewards, skill, strict=True)))
        self._note(*zip(*everywhere, strict=True))
        return rewards

    def _note(self, verdicts: Sequence[Verdict], rewards: Sequence[float | None], skill: Sequence[str]) -> None:
        """Keep the numbers over all processes of the run."""
        alarm(verdicts)
        self.metrics = run_metrics(verdicts) + skill_metrics(rewards, skill, self._settings.num_generations)

    def _verdicts(self, questions: Sequence[Question]) -> list[Verdict]:
        """All verdicts; ``reward_failed`` as soon as the reward itself hung for more than ``ALARM_SHARE`` of them."""
        verdicts: list[Verdict] = []
        for start in range(0, len(questions), BATCH):
            verdicts += self._grader.ask(questions[start : start + BATCH], self._beat)
            if (hung := sum(v.hung for v in verdicts)) > ALARM_SHARE * len(questions):
                raise GpuFault("reward_failed", f"The reward hung at {hung} of {len(questions)} completions.")
        return verdicts


def alarm(verdicts: Sequence[Verdict]) -> None:
    """Warn when more than ``ALARM_SHARE`` of the completions could not be scored or took too long."""
    unscored = sum(v.is_correct is None for v in verdicts)
    timed_out = sum(v.timed_out for v in verdicts)
    if max(unscored, timed_out) > ALARM_SHARE * len(verdicts):
        log.warning("Of %d completions %d are unscored and %d timed out.", len(verdicts), unscored, timed_out)


def run_metrics(verdicts: Sequence[Verdict]) -> list[Skilled]:
    """Shares over all completions: accurate and well-formed (of those scored), unscored, timed out; 1 is an alarm."""
    scored = [v for v in verdicts if v.is_correct is not None]
    metrics = [
        ("rewards/unscored", "", 1 - len(scored) / len(verdicts)),
        ("rewards/timed_out", "", sum(v.timed_out for v in verdicts) / len(verdicts)),
    ]
    metrics += [(f"alarms/{name[8:]}", "", float(value > ALARM_SHARE)) for name, _, value in metrics]
    if scored:
        metrics.append(("rewards/accuracy", "", sum(bool(v.is_correct) for v in scored) / len(scored)))
        metrics.append(("rewards/format", "", sum(v.has_format for v in scored) / len(scored)))
    return metrics


def skill_metrics(rewards: Sequence[float | None], skills: Sequence[str], group_size: int) -> list[Skilled]:
    """Per skill the mean reward, and the share of groups whose rewards are all equal and so teach nothing."""
    values: dict[str, list[float]] = defaultdict(list)
    flat: dict[str, list[bool]] = defaultdict(list)
    for start in range(0, len(rewards), group_size):
        known = [r for r in rewards[start : start + group_size] if r is not None]
        values[skills[start]] += known
        if known:
            flat[skills[start]].append(max(known) - min(known) < 1e-8)
    means = [("reward", skill, sum(known) / len(known)) for skill, known in sorted(values.items()) if known]
    return means + [("frac_reward_zero_std", skill, sum(f) / len(f)) for skill, f in sorted(flat.items())]
