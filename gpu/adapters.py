"""What of a model is trained: all of it, all but its vision tower, or adapters (LoRA) on its language model."""

from pathlib import Path
from typing import Any

from peft import LoraConfig, set_peft_model_state_dict
from safetensors.torch import load_file
from torch import nn

from core.domain.adapters import ADAPTER_WEIGHTS
from core.specs import GrpoSettings, Precision, TrainSpec
from gpu.errors import GpuFault


def held_dtype(spec: TrainSpec) -> Precision:
    """Weights that are trained are float32; those under adapters never change and take the run's own dtype."""
    return spec.dtype if spec.settings.lora_rank else "float32"


def freeze(model: Any, settings: GrpoSettings) -> Any:
    """The model, its vision tower frozen where the settings say so."""
    if settings.freeze_vision:
        model.model.visual.requires_grad_(False)
    return model


def lora_config(model: Any, settings: GrpoSettings) -> LoraConfig | None:
    """Adapters on every linear layer of the language model, never on lm_head; None to train the weights themselves."""
    if not settings.lora_rank:
        return None
    layers = model.model.language_model.named_modules(prefix="model.language_model")
    names = [name for name, module in layers if isinstance(module, nn.Linear)]
    return LoraConfig(r=settings.lora_rank, lora_alpha=settings.lora_alpha, lora_dropout=0.0, target_modules=names)


def has_adapters(model: Any) -> bool:
    """Whether the model carries adapters."""
    return hasattr(model, "merge_and_unload")


def load_adapters(model: Any, folder: Path) -> None:
    """Give the model the adapters of a checkpoint, all of them."""
    found: Any = set_peft_model_state_dict(model, load_file(folder / ADAPTER_WEIGHTS))
    lacking = [key for key in found.missing_keys if "lora_" in key or "modules_to_save" in key]
    foreign = [*found.unexpected_keys, *lacking]
    if foreign:
        few = f"{len(lacking)} are missing, {len(found.unexpected_keys)} fit nowhere, such as {foreign[0]}"
        raise GpuFault("bad_checkpoint", f"{folder} holds other adapters than its model takes: {few}.")


def merged(model: Any) -> Any:
    """One model without adapters that answers as the model with them; added in float32, so that nothing is lost."""
    return model.float().merge_and_unload() if has_adapters(model) else model
