"""What a folder of LoRA adapters says about itself, as PEFT writes it; adapters are no model without their base."""

from collections.abc import Mapping
from typing import Any

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
# These start from other base weights than the base's own, so that adding the adapters to the base gives another model.
OTHER_BASES = ("pissa", "olora", "corda", "loftq")


def adapter_flaw(config: Mapping[str, Any]) -> str:
    """Why these adapters cannot be added to a base; empty when they can."""
    kind, start = config.get("peft_type"), config.get("init_lora_weights")
    if kind != "LORA":
        return f"adapter_config.json says peft_type {kind}, and only LORA can be used"
    if isinstance(start, str) and start.lower().startswith(OTHER_BASES):
        return f"its init_lora_weights {start} changed the base itself; save it as plain LoRA by PEFT's conversion"
    if config.get("megatron_config"):
        return "it was made for Megatron's layers"
    return "" if adapter_rank(config) else "adapter_config.json says no rank (r)"


def adapter_rank(config: Mapping[str, Any]) -> int:
    """The largest rank of any layer; 0 when the configuration says none."""
    pattern = config.get("rank_pattern")
    ranks = [config.get("r"), *(pattern.values() if isinstance(pattern, dict) else ())]
    return max((rank for rank in ranks if isinstance(rank, int)), default=0)


def adapter_base(config: Mapping[str, Any]) -> str:
    """The name or the path of the base that they were trained on, as the configuration says it."""
    return str(config.get("base_model_name_or_path") or "")
