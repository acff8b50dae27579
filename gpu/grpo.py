"""``GrpoSettings`` in TRL's terms (method.md, section 6)."""

import math
from dataclasses import dataclass
from pathlib import Path

from trl.trainer.grpo_config import GRPOConfig

from core.domain.seeds import seed_of
from core.specs import GrpoSettings, TrainSpec

CHECKPOINTED_PARAMETERS = 1_000_000_000


def largest_divisor(number: int, limit: int) -> int:
    """The largest divisor of ``number`` that is at most ``limit`` (at least 1)."""
    return next(d for d in range(min(number, max(limit, 1)), 0, -1) if number % d == 0)


@dataclass(frozen=True)
class Batches:
    """How completions are cut into forward passes and steps."""

    micro: int  # completions in one forward and backward pass
    accumulation: int  # passes in one optimizer step
    passes_per_generation: int  # passes made from one generation
    prompts_per_generation: int
    save_every: int  # steps, a whole number of generations


def batches(settings: GrpoSettings) -> Batches:
    """Whole groups in a pass where they fit, so that a prompt is computed once for all its completions."""
    group, prompts = settings.num_generations, settings.prompts_per_step
    if settings.micro_batch_size >= group:
        micro = group * largest_divisor(prompts, settings.micro_batch_size // group)
    else:
        micro = largest_divisor(group, settings.micro_batch_size)
    accumulation = prompts * group // micro
    reuse = settings.steps_per_generation
    return Batches(
        micro=micro,
        accumulation=accumulation,
        passes_per_generation=accumulation * reuse,
        prompts_per_generation=prompts * reuse,
        save_every=math.ceil(settings.save_every / reuse) * reuse,
    )


def num_scheduled_rows(settings: GrpoSettings) -> int:
    """Rows that all generations of the run need together."""
    generations = math.ceil(settings.steps / settings.steps_per_generation)
    return generations * batches(settings).prompts_per_generation


def grpo_config(spec: TrainSpec, folder: Path, blocked: list[int], num_parameters: int) -> GRPOConfig:
    """TRL's arguments. ``blocked`` ids are never sampled; a fixed seed never goes into ``generation_kwargs``."""
    s, cut, on_cpu = spec.settings, batches(spec.settings), spec.device == "cpu"
    return GRPOConfig(
        output_dir=str(folder),
        seed=seed_of(spec.seed, "train") % 2**31,
        # batches and length
        per_device_train_batch_size=cut.micro,
        gradient_accumulation_steps=cut.accumulation,
        steps_per_generation=cut.passes_per_generation,
        num_generations=s.num_generations,
        max_steps=s.steps,
        num_iterations=1,
        shuffle_dataset=False,
        # sampling
        max_completion_length=s.max_completion_tokens,
        temperature=s.temperature,
        top_p=s.top_p,
        top_k=s.top_k,
        generation_kwargs={"suppress_tokens": blocked},
        mask_truncated_completions=s.mask_truncated_completions,
        # loss
        loss_type=s.loss_type,
        scale_rewards=s.scale_rewards,
        beta=s.beta,
        use_bias_correction_kl=False,
        epsilon=s.epsilon,
        epsilon_high=s.epsilon_high,
        delta=s.delta,
        # optimizer
        learning_rate=s.learning_rate,
        lr_scheduler_type=s.lr_scheduler_type,
        weight_decay=s.weight_decay,
        max_grad_norm=s.max_grad_norm,
        # machine: fp32 master weights, bf16 by autocast only
        use_cpu=on_cpu,
        bf16=spec.dtype == "bfloat16",
        gradient_checkpointing=num_parameters > CHECKPOINTED_PARAMETERS,
        dataloader_pin_memory=not on_cpu,
        # saving and logging
        save_strategy="steps",
        save_steps=cut.save_every,
        save_total_limit=2,
        logging_steps=1,
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
    )
