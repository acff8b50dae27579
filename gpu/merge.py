"""``python -m gpu.merge RUN_DIR``: add LoRA adapters to the weights of their base; a full checkpoint in ``final/``."""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel

from core.domain.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS, adapter_flaw
from core.domain.files import hash_checkpoint
from core.specs import MergeResult, MergeSpec
from gpu.adapters import load_adapters, merged
from gpu.checkpoints import write_final
from gpu.errors import GpuFault, one_line
from gpu.loading import LOADING_ERRORS, load_model, prepare_torch, vision_token_ids
from gpu.runtime import Run, run_child

NUM_PROBES = 32
MAX_GAP = 1e-3


def work(run: Run, spec: MergeSpec) -> MergeResult:
    """Merge in float32, look whether the merged weights answer as base and adapters, and write them."""
    prepare_torch(spec)
    adapter = checked_adapter(run, spec)
    base = load_model(spec.places.checkpoint, spec.device, "float32")
    probe = probe_tokens(base)
    model = adapted(base, adapter)
    before = logits_of(model, probe)
    whole = merged(model)
    gap = checked_gap(before, logits_of(whole, probe))
    run.progress.show("save", 0, 1, "model")
    final = write_final(whole, spec.places.checkpoint, run.folder)
    found = hash_checkpoint(final, lambda: run.progress.show("save", 0, 1, "model"))
    return MergeResult(checkpoint_hash=found, max_gap=gap, **run.facts())


def checked_adapter(run: Run, spec: MergeSpec) -> Path:
    """The folder of the adapters; ``bad_checkpoint`` when it is not the very one that the spec names."""
    folder = spec.places.adapter
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise GpuFault("bad_checkpoint", f"{folder} has no {ADAPTER_WEIGHTS}.")
    if hash_checkpoint(folder, run.loading) != spec.adapter_hash:
        raise GpuFault("bad_checkpoint", f"{folder} does not hold the adapters that the spec names: its hash differs.")
    return folder


def adapted(model: Any, folder: Path) -> Any:
    """The model with the folder's adapters; ``bad_checkpoint`` when they were made for another one."""
    try:
        if flaw := adapter_flaw(json.loads((folder / ADAPTER_CONFIG).read_bytes())):
            raise GpuFault("bad_checkpoint", f"{folder}: {flaw}.")
        config = LoraConfig.from_pretrained(str(folder), local_files_only=True)
        with_adapters = PeftModel(model, config).eval()
        load_adapters(with_adapters, folder)
    except LOADING_ERRORS as error:
        raise GpuFault(
            "bad_checkpoint", f"The adapters in {folder} do not fit their base: {one_line(error)}"
        ) from error
    return with_adapters


def probe_tokens(model: Any) -> torch.Tensor:
    """A few tokens of text, none of which announces a picture."""
    vision = set(vision_token_ids(model))
    count = model.get_input_embeddings().num_embeddings
    return torch.tensor([[token for token in range(count) if token not in vision][:NUM_PROBES]], device=model.device)


def logits_of(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    """What the model says to the tokens."""
    with torch.no_grad():
        logits: torch.Tensor = model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits
    return logits


def checked_gap(before: torch.Tensor, after: torch.Tensor) -> float:
    """The largest difference as a share of the largest logit; ``bad_checkpoint`` when one merged model cannot hold it.

    Adapters on an embedding that the base shares with its head are such a case; weights that are no numbers another.
    """
    gap = float((before - after).abs().max() / before.abs().max())
    if not gap <= MAX_GAP:
        why = f"its logits differ by {gap:.2g} of the largest, and {MAX_GAP:g} is allowed"
        raise GpuFault("bad_checkpoint", f"The merged model does not answer as base and adapters do: {why}.")
    return gap


if __name__ == "__main__":
    sys.exit(run_child(MergeSpec, work))
