"""What crosses the GPU border: a frozen spec in, a result out, both as JSON files in RUN_DIR.

RUN_DIR holds, for both kinds of run:

==================  =================================================================================
``spec.json``       the spec, written by the worker before the child starts
``items.jsonl``     (answer) one ``AnswerItem`` a line, in the order of the batches
``dataset.parquet`` (train) rows ``prompt, images, solution, answer_type, options, skill, sample_id``
``lock``            ``flock``-ed by the child while it lives
``progress.json``   a ``Progress``, replaced at every step; its change is the heartbeat
``answers.jsonl``   (answer) one ``AnswerRow`` a line, appended batch by batch
``metrics.jsonl``   (train) one ``MetricRow`` a line; a replayed step's rows come again and win
``rollouts/``       (train) one parquet file a generation with every completion (``core.domain.rollouts``)
``turns.jsonl``     (train) one ``PromptTurn`` a line: a prompt at a step, and where its completions lie
``checkpoint-N/``   (train) TRL's own resumable checkpoints
``final/``          (train) the trained model as a Hugging Face folder
``stop.json``       a ``StopFile``: the child ends at the next generation boundary, after a checkpoint
``error.json``      an ``ErrorFile`` when the child failed by a named error
``result.json``     an ``AnswerResult`` or ``TrainResult``, written last and whole; without it the run failed
==================  =================================================================================
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from core.domain.extras import Value, check_extras
from core.domain.files import hash_bytes
from core.domain.prompts import Message

SPEC_FILE, ITEMS_FILE, DATASET_FILE = "spec.json", "items.jsonl", "dataset.parquet"
ANSWERS_FILE, METRICS_FILE, PROGRESS_FILE = (
    "answers.jsonl",
    "metrics.jsonl",
    "progress.json",
)
RESULT_FILE, ERROR_FILE, STOP_FILE, LOCK_FILE, FINAL_FOLDER = (
    "result.json",
    "error.json",
    "stop.json",
    "lock",
    "final",
)
# Set by a worker that holds the other end of the child's standard input: its end is the worker's end.
PARENT_PIPE = "DPE_PARENT_PIPE"

Device = Literal["cpu", "cuda"]
Precision = Literal["float32", "bfloat16"]
Phase = Literal["load", "generate", "score", "update", "sync", "save"]
GpuErrorCode = Literal[
    "bad_checkpoint",
    "bad_input",
    "out_of_memory",
    "diverged",
    "gpu_lost",
    "server_lost",
    "hung",
    "reward_failed",
    "rank_lost",
    "killed",
    "worker_lost",
    "stopped",
]


class Frozen(BaseModel):
    """A value that is checked once and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# How a field counts in a run's name: NAMELESS never; LATER not at its default, so that older runs keep theirs.
NAMELESS, LATER = "nameless", "later"


def identity(value: Frozen) -> dict[str, Any]:
    """What makes a run another run, as JSON values."""
    facts = value.model_dump(mode="json")
    for name, field in type(value).model_fields.items():
        part = getattr(value, name)
        if NAMELESS in field.metadata or (LATER in field.metadata and part == field.default):
            del facts[name]
        elif isinstance(part, Frozen):
            facts[name] = identity(part)
    return facts


class Places(Frozen):
    """Where things lie on this machine. Not part of a run's identity: it changes no result."""

    checkpoint: Path
    media: Path = Path()
    threads: int = Field(default=0, ge=0, description="CPU threads for torch; 0 leaves torch's default")
    log_level: str = "INFO"


class Sampling(Frozen):
    """How answers are drawn; temperature 0 is greedy."""

    num_answers: int = Field(default=1, ge=1)
    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    max_new_tokens: int = Field(default=64, ge=1)


class Spec(Frozen):
    """What every run has."""

    checkpoint_hash: str
    seed: int
    device: Device = "cpu"
    dtype: Precision = "float32"
    places: Annotated[Places, NAMELESS]

    def run_name(self) -> str:
        """The hash that names RUN_DIR: equal specs with equal inputs are the same run, wherever they lie."""
        return hash_bytes(json.dumps(identity(self), sort_keys=True))[:32]


class AnswerSpec(Spec):
    """Answer every item ``sampling.num_answers`` times in fixed batches."""

    kind: Literal["answer"] = "answer"
    items_hash: str = Field(description="sha256 of items.jsonl")
    prompt_version: str
    sampling: Sampling = Sampling()
    batch_size: int = Field(default=64, ge=1, description="items a batch; batches are the unit of resume")
    engine: Annotated[Literal["transformers", "vllm"], LATER] = "transformers"


class AnswerItem(Frozen):
    """One line of items.jsonl; images are sha256 names under ``places.media`` (``ab/abcd...``)."""

    id: str
    messages: list[Message]
    images: list[str]


class AnswerRow(Frozen):
    """One line of answers.jsonl."""

    id: str
    sample_ix: int
    text: str
    num_tokens: int
    finish: Literal["stop", "length"]
    batch: int


class RunResult(Frozen):
    """What every finished run reports about itself."""

    seconds: float
    peak_rss_mb: float
    versions: dict[str, str]


class AnswerResult(RunResult):
    """A finished answer run."""

    num_answers: int
    answers_hash: str = Field(description="sha256 of answers.jsonl")


class GrpoSettings(Frozen):
    """GRPO in TRL's terms (method.md, section 6). ``policy`` names where the values come from."""

    policy: Literal["ref", "calibrated", "mini"] = "calibrated"
    learning_rate: float = Field(default=1e-6, gt=0)
    beta: float = Field(default=0.01, ge=0)
    epsilon: float = 0.2
    epsilon_high: float = 0.3
    delta: float | None = 3.0
    loss_type: Literal["dapo", "dr_grpo", "grpo", "bnpo"] = "dapo"
    scale_rewards: Literal["group", "batch", "none"] = "group"
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    lr_scheduler_type: Literal["constant", "linear", "cosine"] = "constant"
    num_generations: int = Field(default=8, ge=2)
    prompts_per_step: int = Field(default=32, ge=1, description="different prompts in one optimizer step")
    steps: int = Field(default=40, ge=1, description="optimizer steps")
    steps_per_generation: int = Field(default=1, ge=1, description="optimizer steps made from one generation")
    micro_batch_size: int = Field(default=256, ge=1, description="completions in one forward and backward pass")
    temperature: float = Field(default=1.0, gt=0)
    top_p: float = 1.0
    top_k: int = 0
    max_completion_tokens: int = Field(default=64, ge=1)
    mask_truncated_completions: bool = True
    save_every: int = Field(
        default=10,
        ge=1,
        description="steps between checkpoints; at generation boundaries only",
    )
    accuracy_weight: float = 0.9
    format_weight: float = 0.1
    reward: Annotated[str, LATER] = Field(
        default="composed",
        max_length=80,
        description="composed; random or format_only as controls; or an entry point of dpe.rewards",
    )
    length_weight: Annotated[float, LATER] = Field(
        default=0.0, ge=0, le=1, description="taken off at the token limit, from half of it on; 0 is off"
    )
    lora_rank: Annotated[int, LATER] = Field(default=0, ge=0, le=512, description="0 trains the weights themselves")
    lora_alpha: Annotated[int, LATER] = Field(default=64, ge=1)
    freeze_vision: Annotated[bool, LATER] = Field(default=False, description="LoRA leaves it alone anyway")
    max_pixels: Annotated[int, LATER] = Field(
        default=0, ge=0, description="larger pictures are made smaller; 0 leaves it to the checkpoint's own limit"
    )
    gpus: Annotated[int, LATER] = Field(default=1, ge=1, le=8, description="GPUs of one host; the step is divided")
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


class TrainSpec(Spec):
    """Train ``places.checkpoint`` on dataset.parquet by GRPO."""

    kind: Literal["train"] = "train"
    dataset_hash: str = Field(description="sha256 of dataset.parquet")
    settings: GrpoSettings


class TrainResult(RunResult):
    """A finished training run; the new weights are in ``final/``."""

    steps: int
    checkpoint_hash: str


class MetricRow(Frozen):
    """One point of a curve. ``skill`` is empty for the whole run's curves."""

    step: int
    name: str
    value: float
    skill: str = ""


class Progress(Frozen):
    """How far the child is; ``beat`` grows with every call, so that a change is a sign of life."""

    phase: Phase
    done: int
    total: int
    unit: str
    beat: int


class StopFile(Frozen):
    """Who asked a run to stop; it is meant for one attempt of its job, and a later one goes on."""

    attempt: int
    by: str


class ErrorFile(Frozen):
    """Why a run failed, by name."""

    code: GpuErrorCode
    message: str
