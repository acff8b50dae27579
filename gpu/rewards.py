"""The one composed reward of a training run, by ``core.domain.rewards``.

One function, because TRL leaves a completion out only when *all* rewards are None: an unscorable answer with a good
format would count as wrong. A completion whose gold answer cannot be read is None; a crash ends the run.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from accelerate.utils import gather_object

from core.domain.rewards import Marks, Recipe, asks_for_box, reward_parts
from core.specs import GrpoSettings
from gpu.errors import GpuFault
from gpu.grader import BATCH, Grader, Question, Verdict
from gpu.rollouts import Scored
from gpu.slices import ALARM_SHARE, Group, Skilled, generation_metrics

log = logging.getLogger(__name__)
Keep = Callable[[Sequence[Group]], None]


def recipe_of(settings: GrpoSettings, seed: int) -> Recipe:
    """The settings' reward."""
    return Recipe(
        name=settings.reward,
        accuracy=settings.accuracy_weight,
        format=settings.format_weight,
        length=settings.length_weight,
        max_tokens=settings.max_completion_tokens,
        group_size=settings.num_generations,
        seed=seed,
    )


class ComposedReward:
    """TRL's reward function, which also keeps the numbers of its newest call for the curves."""

    __name__ = "composed"

    def __init__(
        self,
        recipe: Recipe,
        grader: Grader,
        is_whole: Callable[[list[int]], bool],
        beat: Callable[[], None] = lambda: None,
        keep: Keep = lambda groups: None,
    ) -> None:
        """``is_whole`` says of a completion's token ids whether it ended by itself; ``beat`` hears of every verdict;
        ``keep`` gets the completions of all processes, a list a prompt."""
        self._recipe, self._grader, self._is_whole = recipe, grader, is_whole
        self._beat, self._keep = beat, keep
        self.metrics: list[Skilled] = []
        self.num_tokens = 0  # of the completions of the newest generation, on all processes

    def __call__(self, completions: Sequence[Any], completion_ids: Sequence[list[int]], **columns: Any) -> list[Any]:
        """One reward a completion; ``columns`` are the dataset's, one value a completion."""
        texts = [completion[0]["content"] for completion in completions]
        whole = [self._is_whole(ids) for ids in completion_ids]
        verdicts = self._verdicts(questions_of(texts, whole, columns))
        sizes = [len(ids) for ids in completion_ids]
        scored = self._scored(list(zip(texts, sizes, whole, verdicts, strict=True)), columns)
        self._note(gather_object(scored))
        return [one.reward for one in scored]

    def _scored(self, facts: Sequence[tuple[str, int, bool, Verdict]], columns: Any) -> list[Scored]:
        """Every completion with its reward and what it answers."""
        purposes = columns.get("purpose") or [""] * len(facts)
        about = zip(columns["sample_id"], columns["skill"], purposes, strict=True)
        asks = [asks_for_box(prompt) for prompt in columns.get("prompts") or ()] or [True] * len(facts)
        step = columns["trainer_state"].global_step if "trainer_state" in columns else 0
        rows = []
        for ix, ((text, size, is_whole, verdict), (sample_id, skill, purpose)) in enumerate(
            zip(facts, about, strict=True)
        ):
            place = (step, str(sample_id), ix % self._recipe.group_size)
            marks = Marks(verdict.is_correct, verdict.has_format, asks[ix], size, place, verdict.own)
            parts = reward_parts(marks, self._recipe)
            reward = sum(parts.values()) if parts else None
            rows.append(Scored(text, size, is_whole, verdict, parts, reward, sample_id, skill, purpose or ""))
        return rows

    def _note(self, rows: Sequence[Scored]) -> None:
        """Keep the completions and the numbers over all processes of the run."""
        alarm([row.verdict for row in rows])
        size = self._recipe.group_size
        groups = [rows[start : start + size] for start in range(0, len(rows), size)]
        self.metrics = generation_metrics(groups)
        self.num_tokens = sum(row.num_tokens for row in rows)
        self._keep(groups)

    def _verdicts(self, questions: Sequence[Question]) -> list[Verdict]:
        """All verdicts; ``reward_failed`` as soon as the reward itself hung for more than ``ALARM_SHARE`` of them."""
        verdicts: list[Verdict] = []
        for start in range(0, len(questions), BATCH):
            verdicts += self._grader.ask(questions[start : start + BATCH], self._beat)
            if (hung := sum(v.hung for v in verdicts)) > ALARM_SHARE * len(questions):
                raise GpuFault("reward_failed", f"The reward hung at {hung} of {len(questions)} completions.")
        return verdicts


def questions_of(texts: Sequence[str], whole: Sequence[bool], columns: Any) -> list[Question]:
    """What the grader is asked, one question a completion."""
    asked = zip(texts, columns["solution"], columns["answer_type"], columns["options"], whole, strict=True)
    return [
        Question(text, gold, answer_type, options or "", "stop" if is_whole else "length")
        for text, gold, answer_type, options, is_whole in asked
    ]


def alarm(verdicts: Sequence[Verdict]) -> None:
    """Warn when more than ``ALARM_SHARE`` of the completions could not be scored or took too long."""
    unscored = sum(v.is_correct is None for v in verdicts)
    timed_out = sum(v.timed_out for v in verdicts)
    if max(unscored, timed_out) > ALARM_SHARE * len(verdicts):
        log.warning("Of %d completions %d are unscored and %d timed out.", len(verdicts), unscored, timed_out)
