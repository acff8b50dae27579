"""The trainer of a run whose weights are divided between its GPUs (``sharding`` full).

It computes what ``SharedPromptTrainer`` computes on copies (tests/gpu/test_sharding.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch

from core.specs import Device, Precision
from gpu.checkpoints import stored_dtype
from gpu.loading import load_model
from gpu.sharding import gathered, load_model_shards, load_optimizer_shards, save_shards, shard, whole_weights
from gpu.trainer import SharedPromptTrainer

SCHEDULER_FILE = "scheduler.pt"


class ShardedTrainer(SharedPromptTrainer):
    """Policy and reference divided; the Trainer knows such models as sharded when they were loaded."""

    lr_scheduler: Any

    def __init__(self, *, device: Device, dtype: Precision, **arguments: Any) -> None:
        super().__init__(**arguments)
        shard(self.model, device, dtype)
        if self.ref_model is not None:
            shard(self.ref_model, device, dtype)
        self.is_distributed_loading_by_transformers = True  # the Trainer wraps it in nothing further
        prepare: Any = partial(self.accelerator.prepare_model, evaluation_mode=True)  # nor does accelerate, in DDP
        vars(self.accelerator)["prepare_model"] = prepare

    @contextmanager
    def _generating(self) -> Iterator[Any]:
        """The policy with all its weights here, gathered once: each rank may end when its own answers do."""
        with super()._generating() as model, gathered(model):
            yield model

    def _defer_fsdp_gradient_reduction(self) -> Any:
        """Nothing is put off: every pass adds to divided gradients, so that no GPU ever holds whole ones."""
        return nullcontext()

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Nothing: a checkpoint's weights lie with its optimizer, in shards."""

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        save_shards(Path(output_dir), self.model, self.optimizer)
        if self.args.should_save:
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / SCHEDULER_FILE)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        load_model_shards(Path(resume_from_checkpoint), self.model)

    def _load_optimizer_and_scheduler(self, checkpoint: Any) -> None:
        load_optimizer_shards(Path(checkpoint), self.model, self.optimizer)
        self.lr_scheduler.load_state_dict(torch.load(Path(checkpoint) / SCHEDULER_FILE, weights_only=True))

    def whole_model(self, source: Path) -> Any:
        """The trained model on the first rank, in the dtype of ``source``; None on the others."""
        weights = whole_weights(self.model)
        if not self.accelerator.is_main_process:
            return None
        model = load_model(source, "cpu", "float32").to(stored_dtype(source))
        model.load_state_dict(weights)
        return model
