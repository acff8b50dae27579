"""The settings mean in TRL what the method says."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from trl.trainer.grpo_config import GRPOConfig

from core.domain.extras import EXTRAS
from core.specs import GrpoSettings, Places, TrainSpec
from gpu.grpo import (
    Batches,
    _batch_arguments,
    _loss_arguments,
    _machine_arguments,
    _vllm_arguments,
    batches,
    grpo_config,
    largest_divisor,
    num_scheduled_rows,
)


def config_of(device: Any = "cpu", dtype: Any = "float32", num_parameters: int = 10, **choices: Any) -> Any:
    spec = TrainSpec(
        checkpoint_hash="",
        seed=2**62,
        device=device,
        dtype=dtype,
        places=Places(checkpoint=Path()),
        dataset_hash="",
        settings=GrpoSettings(**choices),
    )
    return grpo_config(spec, Path("run"), [5, 6], num_parameters)


def test_the_defaults_are_the_reference_in_the_trainers_terms() -> None:
    config = config_of()
    wanted = {
        "loss_type": "dapo", "scale_rewards": "group", "beta": 0.01, "use_bias_correction_kl": False,
        "epsilon": 0.2, "epsilon_high": 0.3, "delta": 3.0, "num_iterations": 1, "weight_decay": 0.01,
        "learning_rate": 1e-6, "max_grad_norm": 1.0, "top_p": 1.0, "top_k": 0, "temperature": 1.0,
        "mask_truncated_completions": True, "shuffle_dataset": False, "max_steps": 40, "num_generations": 8,
        "save_only_model": False, "save_total_limit": 2, "warmup_steps": 0,
    }  # fmt: skip
    assert {name: getattr(config, name) for name in wanted} == wanted
    assert config.lr_scheduler_type == "constant"
    assert config.generation_kwargs == {"suppress_tokens": [5, 6]}, "a seed here would make all copies equal"


def test_on_cpu_weights_are_fp32_and_on_cuda_bf16_comes_by_autocast_only() -> None:
    assert (config_of().use_cpu, config_of().bf16, config_of().gradient_checkpointing) == (True, False, False)
    assert config_of(dtype="bfloat16").bf16
    assert config_of(num_parameters=7_000_000_000).gradient_checkpointing


def test_a_step_is_one_pass_when_it_fits() -> None:
    cut = batches(GrpoSettings())
    assert cut == Batches(micro=256, accumulation=1, passes_per_generation=1, prompts_per_generation=32, save_every=10)


def test_a_pass_holds_whole_groups_and_divides_the_step() -> None:
    cut = batches(GrpoSettings(micro_batch_size=100, steps_per_generation=4))
    assert (cut.micro, cut.accumulation, cut.passes_per_generation) == (64, 4, 16)
    assert cut.prompts_per_generation == 128
    config = config_of(micro_batch_size=100, steps_per_generation=4)
    assert config.per_device_train_batch_size * config.gradient_accumulation_steps == 256
    assert config.generation_batch_size == 1024


def test_a_pass_smaller_than_a_group_divides_the_group() -> None:
    cut = batches(GrpoSettings(micro_batch_size=3, num_generations=8, prompts_per_step=2))
    assert (cut.micro, cut.accumulation) == (2, 8)


def test_saving_waits_for_the_end_of_a_generation() -> None:
    assert batches(GrpoSettings(steps_per_generation=4, save_every=10)).save_every == 12
    assert config_of(steps_per_generation=4, save_every=10).save_steps == 12


def test_without_checkpoints_nothing_is_saved_on_the_way() -> None:
    assert config_of(save_every=0).save_strategy == "no" and config_of().save_strategy == "steps"


def test_rows_suffice_for_a_last_generation_that_is_used_in_part() -> None:
    assert num_scheduled_rows(GrpoSettings(steps=10, prompts_per_step=32)) == 320
    assert num_scheduled_rows(GrpoSettings(steps=10, prompts_per_step=32, steps_per_generation=4)) == 384


@pytest.mark.parametrize(("number", "limit", "wanted"), [(12, 5, 4), (12, 12, 12), (12, 99, 12), (7, 6, 1), (5, 0, 1)])
def test_largest_divisor(number: int, limit: int, wanted: int) -> None:
    assert largest_divisor(number, limit) == wanted


def test_every_extra_setting_is_one_of_trls_that_we_do_not_set_ourselves() -> None:
    known = {field.name for field in fields(GRPOConfig)}
    assert set(EXTRAS) <= known
    spec = TrainSpec(
        checkpoint_hash="", seed=1, places=Places(checkpoint=Path()), dataset_hash="", settings=GrpoSettings()
    )
    ours = {"output_dir", "seed", "generation_kwargs", "gradient_checkpointing"}
    for part in (_batch_arguments(spec.settings), _loss_arguments(spec.settings), _machine_arguments(spec)):
        ours |= set(part)
    ours |= set(_vllm_arguments(GrpoSettings(vllm_url="http://a")))
    ours |= set(_vllm_arguments(GrpoSettings(vllm_memory_share=0.3)))
    assert not set(EXTRAS) & ours


def test_extra_settings_reach_the_trainer() -> None:
    assert config_of(extra={"adam_beta2": 0.95}).adam_beta2 == 0.95


def test_a_server_gets_the_blocked_ids_as_a_bias_and_its_log_probs_are_corrected() -> None:
    config = config_of(vllm_url="http://a:8000", max_completion_tokens=1024)
    assert config.use_vllm and config.vllm_server_base_url == "http://a:8000"
    assert config.generation_kwargs == {"logit_bias": {5: -100.0, 6: -100.0}}
    assert (config.vllm_importance_sampling_mode, config.vllm_importance_sampling_clip_max) == ("token_truncate", 2.0)
    assert config_of(vllm_url="http://a:8000").vllm_importance_sampling_mode == "sequence_mask"


def test_vllm_in_the_trainers_process_gets_its_share_of_memory_and_the_same_bias_and_correction() -> None:
    config = config_of(vllm_memory_share=0.3, max_completion_tokens=1024)
    assert config.use_vllm and config.vllm_mode == "colocate" and config.vllm_gpu_memory_utilization == 0.3
    assert config.generation_kwargs == {"logit_bias": {5: -100.0, 6: -100.0}}
    assert config.vllm_importance_sampling_mode == "token_truncate"


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"lora_rank": 8}, "sharding is for a full fine-tune"),
        ({"vllm_url": "http://a:8000"}, "sharding goes without vLLM"),
        ({"vllm_memory_share": 0.3}, "sharding goes without vLLM"),
    ],
)
def test_what_does_not_go_with_divided_weights_is_refused_by_name(choices: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        GrpoSettings(sharding="full", gpus=2, **choices)


def test_one_run_has_one_generator() -> None:
    with pytest.raises(ValidationError, match="vllm_url or vllm_memory_share"):
        GrpoSettings(vllm_url="http://a:8000", vllm_memory_share=0.3)
