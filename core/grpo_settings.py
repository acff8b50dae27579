"""The settings of GRPO with a word on each: forms, REST and the GPU child all read them here."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from core.domain.extras import Value, check_extras
from core.frozen import LATER, NAMELESS, Frozen


class GrpoSettings(Frozen):
    """GRPO in TRL's terms (method.md, section 6). ``policy`` names where the values come from."""

    policy: Literal["ref", "calibrated", "mini"] = Field(
        default="calibrated", description="whose values these are; a name for people, which changes nothing"
    )
    learning_rate: float = Field(
        default=1e-6, gt=0, description="size of an update; about 1e-6 for all weights, ten times that for LoRA"
    )
    beta: float = Field(
        default=0.01, ge=0, description="weight of the KL to the parent; more keeps what it can do, 0 lets it drift"
    )
    epsilon: float = Field(default=0.2, gt=0, lt=1, description="how far an update may lower a token's probability")
    epsilon_high: float = Field(
        default=0.3, gt=0, description="how far it may raise one; above epsilon, so that rare words can grow"
    )
    delta: float | None = Field(
        default=3.0, gt=1, description="upper limit of the ratio where the advantage is negative; empty for none"
    )
    loss_type: Literal["dapo", "dr_grpo", "grpo", "bnpo"] = Field(
        default="dapo", description="over what the loss is averaged; dapo: all tokens of the step"
    )
    scale_rewards: Literal["group", "batch", "none"] = Field(
        default="group", description="whose spread divides an advantage; none goes with dr_grpo"
    )
    weight_decay: float = Field(default=0.01, ge=0, description="pull of the weights to zero, as AdamW has it")
    max_grad_norm: float = Field(default=1.0, gt=0, description="a longer gradient is cut to this length")
    lr_scheduler_type: Literal["constant", "linear", "cosine"] = Field(
        default="constant", description="how the learning rate goes on; linear and cosine end at 0"
    )
    num_generations: int = Field(
        default=8, ge=2, description="answers to one prompt, compared with each other; equal rewards teach nothing"
    )
    prompts_per_step: int = Field(default=32, ge=1, description="different prompts in one optimizer step")
    steps: int = Field(default=40, ge=1, description="optimizer steps")
    steps_per_generation: int = Field(
        default=1, ge=1, description="optimizer steps made from one generation; above 1 the answers are older"
    )
    micro_batch_size: int = Field(
        default=256, ge=1, description="answers in one forward and backward pass; lower it when memory ends"
    )
    temperature: float = Field(
        default=1.0, gt=0, description="chance in drawing answers; the loss takes the same, so leave it near 1"
    )
    top_p: float = Field(default=1.0, gt=0, le=1, description="draws from the likeliest tokens only; 1 is off")
    top_k: int = Field(default=0, ge=0, description="draws from so many likeliest tokens; 0 is off")
    max_completion_tokens: int = Field(
        default=64, ge=1, description="tokens an answer may have; too few hide a skill, many cost memory and time"
    )
    mask_truncated_completions: bool = Field(
        default=True, description="answers that were cut off teach nothing, instead of counting as wrong"
    )
    save_every: int = Field(
        default=10,
        ge=0,
        description="steps between checkpoints, at generation boundaries only; 0 writes none: a retry begins anew",
    )
    accuracy_weight: float = Field(default=0.9, ge=0, description="reward of a right answer")
    format_weight: float = Field(default=0.1, ge=0, description="reward of the format that the prompt asks for")
    reward: Annotated[str, LATER] = Field(
        default="composed",
        max_length=80,
        description="composed; random or format_only as controls; or an entry point of dpe.rewards",
    )
    length_weight: Annotated[float, LATER] = Field(
        default=0.0, ge=0, le=1, description="taken off at the token limit, from half of it on; 0 is off"
    )
    lora_rank: Annotated[int, LATER] = Field(
        default=0, ge=0, le=512, description="LoRA: size of the adapters; 0 trains the weights themselves"
    )
    lora_alpha: Annotated[int, LATER] = Field(
        default=64, ge=1, description="strength of the adapters; twice the rank is usual"
    )
    freeze_vision: Annotated[bool, LATER] = Field(
        default=False, description="the vision tower stays as it is; LoRA leaves it alone anyway"
    )
    max_pixels: Annotated[int, LATER] = Field(
        default=0, ge=0, description="larger pictures are made smaller; 0 leaves it to the checkpoint's own limit"
    )
    gpus: Annotated[int, LATER] = Field(default=1, ge=1, le=8, description="GPUs of one host; the step is divided")
    sharding: Annotated[Literal["none", "full"], LATER] = Field(
        default="none", description="full divides weights, gradients and optimizer between the GPUs; none copies them"
    )
    extra: Annotated[dict[str, Value], LATER] = Field(default={}, description="further settings of TRL's GRPOConfig")
    vllm_url: Annotated[str, LATER] = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="a `vllm serve` server that generates",
    )
    vllm_memory_share: Annotated[float, LATER] = Field(
        default=0.0, ge=0, le=0.9, description="of each GPU's memory, for vLLM in the trainer's own process; 0: none"
    )
    first_limit_s: Annotated[float, NAMELESS] = Field(
        default=600.0, ge=60, description="seconds of silence allowed while loading and in a phase's first turn"
    )

    @property
    def by_vllm(self) -> bool:
        """Whether vLLM generates, on a server or in the trainer's own process."""
        return bool(self.vllm_url or self.vllm_memory_share)

    @field_validator("extra")
    @classmethod
    def _check_extra(cls, extra: dict[str, Value]) -> dict[str, Value]:
        check_extras(extra)
        return extra

    @model_validator(mode="after")
    def _check_generator(self) -> "GrpoSettings":
        if self.vllm_url and self.vllm_memory_share:
            raise ValueError("give vllm_url or vllm_memory_share, not both: one run has one generator")
        return self

    @model_validator(mode="after")
    def _check_gpus(self) -> "GrpoSettings":
        if self.prompts_per_step % self.gpus:
            raise ValueError(f"prompts_per_step ({self.prompts_per_step}) must be a multiple of gpus ({self.gpus})")
        return self

    @model_validator(mode="after")
    def _check_sharding(self) -> "GrpoSettings":
        if self.sharding == "full" and self.lora_rank:
            raise ValueError("sharding is for a full fine-tune: with adapters (lora_rank) the weights fit on each GPU")
        if self.sharding == "full" and (self.vllm_url or self.vllm_memory_share):
            raise ValueError("sharding goes without vLLM: divided weights cannot be sent to it")
        return self
