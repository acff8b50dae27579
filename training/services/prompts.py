"""What a training run's prompts got, step by step, read from the child's index while it trains."""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from core.domain.rollouts import TURNS_FILE, PromptTurn
from core.jobs.context import JobContext
from datagen.models import Sample
from training.models import Prompt, TrainingRun, Turn
from training.services.line_tail import LineTail
from training.services.metrics import CHUNK, PAUSE_S

NUMBERS = ("num", "num_correct", "num_unscored", "num_truncated", "mean_tokens", "reward")
SUMMARY = ("num_turns", "first_reward", "last_reward", "change")


@dataclass
class PromptStream:
    """Copies new lines of ``turns.jsonl`` into Prompt and Turn rows; called at every tick of the child.

    As with the curves, a new attempt reads the file from its beginning, and a replayed step overwrites.
    """

    context: JobContext
    run: TrainingRun
    tail: LineTail = field(default_factory=lambda: LineTail(TURNS_FILE))

    def __call__(self, folder: Path) -> None:
        """Store what was appended since the last call."""
        if lines := self.tail.read(folder):
            for part in parts_of(turns_of(lines)):
                with self.context.writing():
                    turns_store(self.prompts_of(part), part)
                time.sleep(PAUSE_S)
            self.tail.accept(lines)

    def prompts_of(self, turns: Sequence[PromptTurn]) -> dict[str, Prompt]:
        """The prompts of these turns by sample, made where they are new."""
        wanted = {turn.sample_id: turn for turn in turns}
        known = set(self.run.prompts.filter(name__in=wanted).values_list("name", flat=True))
        fresh = [self.prompt_new(turn) for name, turn in wanted.items() if name not in known]
        Prompt.objects.bulk_create(fresh, ignore_conflicts=True)
        return {row.name: row for row in self.run.prompts.filter(name__in=wanted)}

    def prompt_new(self, turn: PromptTurn) -> Prompt:
        """A prompt that was not asked before."""
        sample = self.samples.get(turn.sample_id)
        return Prompt(
            training_run=self.run, name=turn.sample_id, sample_id=sample, skill=turn.skill, purpose=turn.purpose
        )

    @cached_property
    def samples(self) -> dict[str, int]:
        """The samples of the run's dataset by the name that its file gives them."""
        entries = self.run.dataset.manifest.get("samples", [])
        names = {(slot, try_ix): name for name, _, slot, try_ix, *_ in entries}
        rows = Sample.objects.filter(slot__mixture=self.run.dataset.mixture_id, status="accepted")
        places = rows.values_list("pk", "slot__index", "try_ix")
        return {names[slot, try_ix]: pk for pk, slot, try_ix in places if (slot, try_ix) in names}


def turns_of(lines: bytes) -> list[PromptTurn]:
    """The turns in ``lines``, the last word on each (step, place)."""
    rows = [PromptTurn.model_validate_json(line) for line in lines.splitlines()]
    return list({(row.step, row.place): row for row in rows}.values())


def parts_of(turns: Sequence[PromptTurn]) -> Iterator[Sequence[PromptTurn]]:
    """The turns in parts that one short transaction can write."""
    return (turns[start : start + CHUNK] for start in range(0, len(turns), CHUNK))


def turns_store(prompts: dict[str, Prompt], turns: Iterable[PromptTurn]) -> None:
    """Write the turns, then sum up their prompts again."""
    rows = [
        Turn(
            prompt=prompts[turn.sample_id],
            step=turn.step,
            place=turn.place,
            **{name: getattr(turn, name) for name in NUMBERS},
        )
        for turn in turns
    ]
    key = ("prompt", "step", "place")
    Turn.objects.bulk_create(rows, update_conflicts=True, unique_fields=key, update_fields=NUMBERS)
    prompts_sum(prompts.values())


def prompts_sum(prompts: Collection[Prompt]) -> None:
    """First and newest reward of each prompt from all its turns; one query to read, one to write."""
    rewards: dict[int, list[float | None]] = defaultdict(list)
    turns = Turn.objects.filter(prompt__in=prompts).order_by("prompt", "step", "place")
    for prompt, reward in turns.values_list("prompt", "reward"):
        rewards[prompt].append(reward)
    for row in prompts:
        known = [reward for reward in rewards[row.pk] if reward is not None]
        row.num_turns = len(rewards[row.pk])
        row.first_reward, row.last_reward = (known[0], known[-1]) if known else (None, None)
        row.change = known[-1] - known[0] if len(known) > 1 else 0.0
    Prompt.objects.bulk_update(prompts, SUMMARY)
