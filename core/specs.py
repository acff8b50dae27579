"""What crosses the GPU border: a frozen spec in, a result out, both as JSON files in RUN_DIR.

RUN_DIR holds, by kind of run:

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
``checkpoint-N/``   (train) TRL's own resumable checkpoints; of a divided run its ranks' ``shards/``
``final/``          (train, merge) the new model as a Hugging Face folder
``stop.json``       a ``StopFile``: the child ends at the next generation boundary, after a checkpoint
``error.json``      an ``ErrorFile`` when the child failed by a named error
``result.json``     the run's result (``AnswerResult`` and so on), written last and whole; without it the run failed
==================  =================================================================================
"""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from core.domain.files import hash_bytes
from core.domain.prompts import Message
from core.frozen import LATER, NAMELESS, Frozen, identity
from core.grpo_settings import GrpoSettings as GrpoSettings

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


class Places(Frozen):
    """Where things lie on this machine. Not part of a run's identity: it changes no result."""

    checkpoint: Path
    media: Path = Path()
    adapter: Path = Path()
    threads: int = Field(default=0, ge=0, description="CPU threads for torch; 0 leaves torch's default")
    log_level: str = "INFO"


class Sampling(Frozen):
    """How answers are drawn; temperature 0 is greedy."""

    num_answers: int = Field(default=1, ge=1, description="answers an item")
    temperature: float = Field(default=0.0, ge=0, description="chance in drawing answers; 0 takes the likeliest token")
    top_p: float = Field(default=1.0, gt=0, le=1, description="draws from the likeliest tokens only; 1 is off")
    top_k: int = Field(default=0, ge=0, description="draws from so many likeliest tokens; 0 is off")
    max_new_tokens: int = Field(
        default=64, ge=1, description="tokens an answer may have; at 64 the engine's own limit holds"
    )


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


class TrainSpec(Spec):
    """Train ``places.checkpoint`` on dataset.parquet by GRPO."""

    kind: Literal["train"] = "train"
    dataset_hash: str = Field(description="sha256 of dataset.parquet")
    settings: GrpoSettings


class TrainResult(RunResult):
    """A finished training run; the new weights are in ``final/``."""

    steps: int
    checkpoint_hash: str


class MergeSpec(Spec):
    """Add the adapters in ``places.adapter`` to the weights of their base, ``places.checkpoint``."""

    kind: Literal["merge"] = "merge"
    adapter_hash: str


class MergeResult(RunResult):
    """A finished merge; the full checkpoint is in ``final/``.

    ``max_gap`` is the largest difference between the logits of base with adapters and of the merged weights, before
    these were rounded to the base's dtype, as a share of the largest logit.
    """

    checkpoint_hash: str
    max_gap: float


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
