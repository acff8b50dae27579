"""``python -m gpu.train RUN_DIR``: train a checkpoint on ``dataset.parquet`` by GRPO.

A killed run goes on from its newest whole checkpoint and ends with the very weights of an undisturbed run: all
passes over the data are one epoch in final order, checkpoints are written between generations only, and the KL's
reference is always the spec's checkpoint, never the one that the run resumes from.
"""

import logging
import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from accelerate.utils import broadcast_object_list
from transformers import PrinterCallback, TrainerCallback

from core.domain.files import hash_checkpoint
from core.domain.rewards import check_reward, reward_version
from core.specs import (
    DATASET_FILE,
    METRICS_FILE,
    STOP_FILE,
    GrpoSettings,
    MetricRow,
    Phase,
    Sampling,
    TrainResult,
    TrainSpec,
)
from gpu.adapters import freeze, held_dtype, lora_config
from gpu.checkpoints import newest_complete, remove_checkpoints, write_final
from gpu.dataset import TrainingRows, schedule, training_dataset
from gpu.errors import GpuFault
from gpu.grader import Grader
from gpu.grpo import grpo_config, num_scheduled_rows
from gpu.loading import answer_tokens, load_model, load_processor, prepare_torch
from gpu.policy_slices import PolicySums
from gpu.rewards import ComposedReward, recipe_of
from gpu.rollouts import RolloutFiles
from gpu.runtime import Run, append_lines, is_first, run_child, truncate_torn_line
from gpu.servers import check_server
from gpu.sharded_trainer import ShardedTrainer
from gpu.sharding import end_ranks
from gpu.slices import Skilled
from gpu.step_clock import StepClock, memory_metrics
from gpu.trainer import SharedPromptTrainer
from gpu.vision import speed_up_vision

log = logging.getLogger(__name__)


class Curves(TrainerCallback):
    """Writes every step's numbers to ``metrics.jsonl`` as soon as the step is done.

    ``clock`` knows the phases; ``reward`` and ``policy`` give numbers by skill and slot group.
    """

    def __init__(self, run: Run, reward: ComposedReward, clock: StepClock, policy: Callable[[], PolicySums]) -> None:
        self._path = run.folder / METRICS_FILE
        self._reward, self._clock, self._policy = reward, clock, policy
        if is_first():
            truncate_torn_line(self._path)

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """TRL's own numbers, then ours; a gradient that is not a number ends the run."""
        logs: dict[str, Any] = kwargs["logs"]
        if "loss" not in logs:
            return
        own = self._own()
        if not is_first():
            return
        if not math.isfinite(logs.get("grad_norm", 0.0)):
            raise GpuFault("diverged", f"At step {state.global_step} the gradient is {logs['grad_norm']}.")
        numbers = [(name, "", value) for name, value in logs.items() if isinstance(value, (int, float))]
        rows = [
            MetricRow(step=state.global_step, name=name, skill=skill, value=value)
            for name, skill, value in [*numbers, *own]
            if math.isfinite(value)
        ]
        append_lines(self._path, [row.model_dump_json() for row in rows])

    def _own(self) -> list[Skilled]:
        """What TRL does not say, since the last step; on every process, for some of it is gathered."""
        rewards, self._reward.metrics = self._reward.metrics, []
        num_tokens, self._reward.num_tokens = self._reward.num_tokens, 0
        return [*rewards, *self._policy().take(), *self._clock.take(num_tokens), *memory_metrics()]


class Stopping(TrainerCallback):
    """Ends the run between two generations when ``stop.json`` asks for it, after a checkpoint if there are any."""

    def __init__(self, run: Run, settings: GrpoSettings) -> None:
        self._path, self._settings = run.folder / STOP_FILE, settings

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """All ranks do what the first one reads: the file may come while they look."""
        if state.global_step % self._settings.steps_per_generation or state.global_step == self._settings.steps:
            return
        if broadcast_object_list([self._path.exists()])[0]:
            control.should_save = self._settings.save_every > 0
            control.should_training_stop = True


def build_trainer(run: Run, spec: TrainSpec, grader: Grader) -> SharedPromptTrainer:
    """Model, data, reward and TRL's arguments put together; nothing has run yet."""
    folder, settings = spec.places.checkpoint, spec.settings
    rows = TrainingRows(run.check_file(DATASET_FILE, spec.dataset_hash))
    processor = load_processor(folder, settings.max_pixels)
    model = freeze(speed_up_vision(load_model(folder, spec.device, held_dtype(spec))), settings)
    tokens = answer_tokens(model, processor.tokenizer)

    clock = StepClock()

    def show(phase: Phase) -> None:
        clock.show(phase)
        run.progress.show(phase, trainer.state.global_step, settings.steps, "steps")

    keep = RolloutFiles(run.folder, lambda: trainer.state.global_step + 1)
    recipe = recipe_of(settings, spec.seed)
    reward = ComposedReward(recipe, grader, lambda ids: ids[-1] in tokens.stop, partial(show, "score"), keep)
    trainer = trainer_type(spec)(
        tokens=tokens,
        sampling=rollout_sampling(settings),
        show=show,
        model=model,
        peft_config=lora_config(model, settings),
        reward_funcs=reward,
        args=grpo_config(spec, run.folder, tokens.blocked, model.num_parameters()),
        train_dataset=training_dataset(rows, schedule(len(rows), num_scheduled_rows(settings), spec.seed)),
        processing_class=processor,
        callbacks=[Curves(run, reward, clock, lambda: trainer.policy), Stopping(run, settings)],
    )
    trainer.remove_callback(PrinterCallback)
    if trainer.ref_model is not None:
        speed_up_vision(trainer.accelerator.unwrap_model(trainer.ref_model))
    return trainer


def trainer_type(spec: TrainSpec) -> Callable[..., SharedPromptTrainer]:
    """The trainer that holds the weights as the settings say."""
    if spec.settings.sharding == "none":
        return SharedPromptTrainer
    return partial(ShardedTrainer, device=spec.device, dtype=spec.dtype)


def rollout_sampling(settings: GrpoSettings) -> Sampling:
    """How completions are drawn."""
    return Sampling(
        num_answers=settings.num_generations,
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        max_new_tokens=settings.max_completion_tokens,
    )


def work(run: Run, spec: TrainSpec) -> TrainResult | None:
    """Train from the newest whole checkpoint, or from the start, to the end; None on all ranks but the first."""
    prepare_torch(spec)
    if spec.settings.vllm_url:
        check_server(spec.settings.vllm_url)
    grader = Grader(reward=checked_reward(spec.settings.reward))
    trainer = build_trainer(run, spec, grader)
    newest = newest_everywhere(run)
    log.info("Training %s", f"goes on from {newest.name}" if newest else "starts")
    trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    grader.close()
    check_end(trainer.state.global_step, spec.settings)
    run.progress.show("save", spec.settings.steps, spec.settings.steps, "steps")
    model = trainer.whole_model(spec.places.checkpoint)
    result = finish(run, spec, model) if is_first() else None
    end_ranks()
    return result


def checked_reward(name: str) -> str:
    """The reward's name; ``bad_input`` when no package brings it on this machine."""
    try:
        check_reward(name)
    except ValueError as error:
        raise GpuFault("bad_input", f"grpo.reward: {error}.") from error
    return name


def newest_everywhere(run: Run) -> Path | None:
    """The newest whole checkpoint as the first rank sees it, after it removed torn ones."""
    newest: Path | None = broadcast_object_list([newest_complete(run.folder) if is_first() else None])[0]
    return newest


def finish(run: Run, spec: TrainSpec, model: Any) -> TrainResult:
    """Write the final folder, remove what was for resuming, and report."""
    steps = spec.settings.steps
    saving = partial(run.progress.show, "save", steps, steps, "steps")
    final = write_final(model, spec.places.checkpoint, run.folder)
    remove_checkpoints(run.folder)
    facts = run.facts()
    facts["versions"] |= {"reward": reward_version(spec.settings.reward)}
    return TrainResult(steps=steps, checkpoint_hash=hash_checkpoint(final, saving), **facts)


def check_end(done: int, settings: GrpoSettings) -> None:
    """``stopped`` when the run ended before its last step."""
    if done < settings.steps:
        goes_on = "goes on from there" if settings.save_every else "begins anew, for save_every is 0"
        raise GpuFault("stopped", f"Stopped after step {done} of {settings.steps}, as asked. A retry {goes_on}.")


if __name__ == "__main__":
    sys.exit(run_child(TrainSpec, work))
