"""A model divided between the GPUs of one host (FSDP2): every rank holds its share of each weight.

Each layer is a unit whose weights are gathered just before it computes and let go after it; what is no layer
(embedding, head, vision tower's ends) is the root's. Why not through accelerate: docs/adr/0016.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

from core.specs import Device, Precision

MODEL, OPTIMIZER = "model", "optimizer"
SHARDS_FOLDER = "shards"


def shard(model: Any, device: Device, dtype: Precision) -> Any:
    """Divide the model's weights, in place, between all ranks, and return it.

    Weights, sums of gradients and optimizer stay float32; layers compute in ``dtype``.
    """
    start_ranks(device)
    policy = MixedPrecisionPolicy()
    if dtype == "bfloat16":  # inputs stay as they are: autocast casts them where one GPU's run would
        policy = MixedPrecisionPolicy(torch.bfloat16, torch.float32, cast_forward_inputs=False)
    chosen: dict[str, Any] = {"mesh": init_device_mesh(device, (dist.get_world_size(),)), "mp_policy": policy}
    for layer in layers(model):
        fully_shard(layer, **chosen, reshard_after_forward=True)
    fully_shard(model, **chosen, reshard_after_forward=True)
    model.model.register_forward_hook(use_vision, with_kwargs=True)
    return model


def start_ranks(device: Device) -> None:
    """A group of one rank where no launcher made one."""
    if not dist.is_initialized():
        backend = "nccl" if device == "cuda" else "gloo"
        alone = dist.HashStore()  # type: ignore[attr-defined]
        dist.init_process_group(backend, store=alone, rank=0, world_size=1)


def end_ranks() -> None:
    """Wait for all ranks, if there are several, and close their group: one that aborts as it exits ends the others."""
    if dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def layers(model: Any) -> list[nn.Module]:
    """The language model's layers. Those of the vision tower are the root's: a rank without pictures skips them."""
    found: list[nn.Module] = list(model.model.language_model.layers)
    return found


def use_vision(core: Any, inputs: Any, named: dict[str, Any], output: Any) -> Any:
    """Where a pass has no picture, give the vision tower's weights gradients of 0.

    Ranks add up their gradients weight by weight: one that has none where another has some hangs both.
    """
    if torch.is_grad_enabled() and named.get("pixel_values") is None:
        nothing = sum((weight * 0).sum() for weight in core.visual.parameters() if weight.requires_grad)
        output.last_hidden_state = output.last_hidden_state + nothing
    return output


@contextmanager
def gathered(model: Any) -> Iterator[None]:
    """All weights on every rank, in the dtype in which they compute: inside no rank waits for another."""
    units = [module for module in model.modules() if isinstance(module, FSDPModule)]
    model.set_reshard_after_forward(False)
    for unit in units:
        unit.unshard()
    try:
        yield
    finally:
        model.set_reshard_after_forward(True)
        for unit in units:
            unit.reshard()


def whole_weights(model: Any) -> dict[str, Any]:
    """All weights in host memory of the first rank; nothing on the others. Every rank must call."""
    return get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))


def save_shards(folder: Path, model: Any, optimizer: Any) -> None:
    """Every rank writes its share of weights and optimizer."""
    state = {MODEL: get_model_state_dict(model), OPTIMIZER: get_optimizer_state_dict(model, optimizer)}
    save(state, checkpoint_id=folder / SHARDS_FOLDER)


def load_model_shards(folder: Path, model: Any) -> None:
    """Give the model the weights that ``save_shards`` wrote, each rank its share."""
    state = {MODEL: get_model_state_dict(model)}
    load(state, checkpoint_id=folder / SHARDS_FOLDER)
    set_model_state_dict(model, state[MODEL])


def load_optimizer_shards(folder: Path, model: Any, optimizer: Any) -> None:
    """Give the optimizer the state that ``save_shards`` wrote, each rank its share."""
    state = {OPTIMIZER: get_optimizer_state_dict(model, optimizer)}
    load(state, checkpoint_id=folder / SHARDS_FOLDER)
    set_optimizer_state_dict(model, optimizer, state[OPTIMIZER])
