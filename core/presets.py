"""Vetted GRPO settings by model: where to start from, and why each number is what it is."""

from dataclasses import dataclass, field

from core.specs import Device, GrpoSettings, Precision

LORA_REASONS = {
    "learning_rate": "LoRA needs about ten times the rate of a full fine-tune (1e-6).",
    "lora_rank": "32 on every linear layer of the language model, never on lm_head; the vision tower stays as it is.",
    "prompts_per_step": "32 x 8 completions; the reference takes 128 x 8 an update, on eight GPUs.",
    "micro_batch_size": "One group at a time: the least memory that keeps it together; raise it where there is room.",
    "max_completion_tokens": "The reference allows 4,096; what is cut off is masked. Raise it when many are.",
    "max_pixels": "1,048,576 (1024 x 1024), a quarter of the reference's limit: about 1,300 tokens a picture.",
    "beta": "0.01 against the round's first model, as the reference.",
    "save_every": "Adapters are small, so losing at most five steps is cheap.",
    "first_limit_s": "A checkpoint of 16 GB may take minutes to load from a slow disk.",
}
FULL_REASONS = LORA_REASONS | {
    "learning_rate": "1e-6 as the reference, with all weights and the vision tower.",
    "lora_rank": "0: all weights are trained.",
    "gpus": "Four: with float32 weights and a reference model about 20 bytes a weight lie divided between them.",
    "sharding": "Copies do not fit: 20 bytes a weight are 167 GB at 8.4 billion weights.",
    "save_every": "A checkpoint with its optimizer is 100 GB, and up to three lie on the disk; 0 writes none.",
}
MINI_REASONS = {
    "learning_rate": "5e-5 moves a model of 6 million weights; at 1e-4 other skills fall, at 2e-4 all collapse.",
    "beta": "0.04 keeps what it could do already.",
    "prompts_per_step": "22 x 8 completions are a step of some seconds on two cores.",
    "max_completion_tokens": "12 cover the longest answer of the mini world.",
    "save_every": "A checkpoint is 70 MB.",
}


@dataclass(frozen=True)
class Preset:
    """Settings with the engine that they are meant for; ``reasons`` explains a setting by its name."""

    name: str
    title: str
    settings: GrpoSettings
    device: Device = "cuda"
    dtype: Precision = "bfloat16"
    gpu_memory_gb: int = 80
    reasons: dict[str, str] = field(default_factory=dict)


def large(max_pixels: int) -> GrpoSettings:
    """LoRA for a model of 7 to 8 billion weights on one GPU of 80 GB."""
    return GrpoSettings(
        policy="calibrated",
        learning_rate=1e-5,
        lora_rank=32,
        lora_alpha=64,
        freeze_vision=True,
        prompts_per_step=32,
        micro_batch_size=8,
        max_completion_tokens=1024,
        max_pixels=max_pixels,
        save_every=5,
        first_limit_s=1800,
    )


def large_full(max_pixels: int) -> GrpoSettings:
    """All weights of such a model, divided between four GPUs of 80 GB."""
    changes = {"learning_rate": 1e-6, "lora_rank": 0, "freeze_vision": False, "gpus": 4, "sharding": "full"}
    return large(max_pixels).model_copy(update=changes | {"save_every": 20})


MINI = GrpoSettings(
    policy="mini",
    learning_rate=5e-5,
    beta=0.04,
    prompts_per_step=22,
    steps=31,
    micro_batch_size=176,
    max_completion_tokens=12,
    save_every=8,
)
PRESETS = {
    preset.name: preset
    for preset in (
        Preset("qwen2.5-vl-7b-lora", "Qwen2.5-VL-7B-Instruct, LoRA", large(1 << 20), reasons=LORA_REASONS),
        Preset("qwen3-vl-8b-lora", "Qwen3-VL-8B-Instruct, LoRA", large(1 << 20), reasons=LORA_REASONS),
        Preset("qwen2.5-vl-7b-full", "Qwen2.5-VL-7B-Instruct, all weights", large_full(1 << 20), reasons=FULL_REASONS),
        Preset("qwen3-vl-8b-full", "Qwen3-VL-8B-Instruct, all weights", large_full(1 << 20), reasons=FULL_REASONS),
        Preset("mini", "The mini model, all weights", MINI, "cpu", "float32", 0, MINI_REASONS),
    )
}
