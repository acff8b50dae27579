"""``GrpoSettings`` in TRL's terms (method.md, section 6)."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trl.trainer.grpo_config import GRPOConfig

from core.domain.seeds import seed_of
from core.specs import GrpoSettings, TrainSpec

CHECKPOINTED_PARAMETERS = 1_000_000_000
LONG_TOKENS = 256


def largest_divisor(number: int, limit: int) -> int:
    """The largest divisor of ``number`` that is at most ``limit`` (at least 1)."""
    return next(d for d in range(min(number, max(limit, 1)), 0, -1) if number % d == 0)


@dataclass(frozen=True)
class Batches:
    """How completions are cut into forward passes and steps."""

    micro: int  # completions in one forward and backward pass of one process
    accumulation: int  # passes of one process in one optimizer step
    passes_per_generation: int  # passes made from one generation
    prompts_per_generation: int
    save_every: int  # steps, a whole number of generations; 0 for never


def batches(settings: GrpoSettings) -> Batches:
    """Whole groups in a pass where they fit, so that a prompt is computed once for all its completions."""
    group, prompts = settings.num_generations, settings.prompts_per_step // settings.gpus
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
        prompts_per_generation=settings.prompts_per_step * reuse,
        save_every=math.ceil(settings.save_every / reuse) * reuse,
    )


def num_scheduled_rows(settings: GrpoSettings) -> int:
    """Rows that all generations of the run need together."""
    generations = math.ceil(settings.steps / settings.steps_per_generation)
    return generations * batches(settings).prompts_per_generation


def grpo_config(spec: TrainSpec, folder: Path, blocked: list[int], num_parameters: int) -> GRPOConfig:
    """TRL's arguments. ``blocked`` ids are never sampled; a fixed seed never goes into ``generation_kwargs``."""
    settings = spec.settings
    extra: dict[str, Any] = dict(settings.extra)
    return GRPOConfig(
        output_dir=str(folder),
        seed=seed_of(spec.seed, "train") % 2**31,
        generation_kwargs=blocking(blocked, by_vllm=settings.by_vllm),
        gradient_checkpointing=num_parameters > CHECKPOINTED_PARAMETERS,
        **_vllm_arguments(settings),
        **_batch_arguments(settings),
        **_loss_arguments(settings),
        **_machine_arguments(spec),
        **extra,
    )


def blocking(ids: list[int], *, by_vllm: bool) -> dict[str, Any]:
    """How the generator is told never to draw ``ids``."""
    return {"logit_bias": dict.fromkeys(ids, -100.0)} if by_vllm else {"suppress_tokens": ids}


def _batch_arguments(settings: GrpoSettings) -> dict[str, Any]:
    """Batches, sampling, and when to save; rows come in their final order, so nothing is shuffled."""
    cut = batches(settings)
    return {
        "per_device_train_batch_size": cut.micro,
        "gradient_accumulation_steps": cut.accumulation,
        "steps_per_generation": cut.passes_per_generation,
        "num_generations": settings.num_generations,
        "num_iterations": 1,
        "max_steps": settings.steps,
        "shuffle_dataset": False,
        "max_completion_length": settings.max_completion_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "mask_truncated_completions": settings.mask_truncated_completions,
        "save_strategy": "steps" if cut.save_every else "no",
        "save_steps": cut.save_every or settings.steps,
        "save_total_limit": 2,
    }


def _vllm_arguments(settings: GrpoSettings) -> dict[str, Any]:
    """Generation by vLLM; the gap between its log-probs and ours is corrected (method.md, 6: vLLM)."""
    if settings.vllm_url:
        where: dict[str, Any] = {"vllm_mode": "server", "vllm_server_base_url": settings.vllm_url}
    elif settings.vllm_memory_share:
        where = {"vllm_mode": "colocate", "vllm_gpu_memory_utilization": settings.vllm_memory_share}
    else:
        return {}
    is_long = settings.max_completion_tokens > LONG_TOKENS
    return where | {
        "use_vllm": True,
        "vllm_importance_sampling_mode": "token_truncate" if is_long else "sequence_mask",
        "vllm_importance_sampling_clip_max": 2.0 if is_long else 3.0,
    }


def _loss_arguments(settings: GrpoSettings) -> dict[str, Any]:
    """Loss and optimizer."""
    return {
        "loss_type": settings.loss_type,
        "scale_rewards": settings.scale_rewards,
        "beta": settings.beta,
        "use_bias_correction_kl": False,
        "epsilon": settings.epsilon,
        "epsilon_high": settings.epsilon_high,
        "delta": settings.delta,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.lr_scheduler_type,
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
    }


def _machine_arguments(spec: TrainSpec) -> dict[str, Any]:
    """Trained weights are fp32; bf16 comes by autocast alone. Logs go through our own callback.

    A step without any picture gives the vision tower no gradient, which several processes must know beforehand.
    """
    on_cpu = spec.device == "cpu"
    return {
        "use_cpu": on_cpu,
        "bf16": spec.dtype == "bfloat16",
        "dataloader_pin_memory": not on_cpu,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "remove_unused_columns": False,
        "report_to": "none",
        "disable_tqdm": True,
        "ddp_find_unused_parameters": not (spec.settings.lora_rank or spec.settings.freeze_vision),
    }
