"""Settings of TRL's GRPOConfig that a person may give besides our own: each of them has an effect here.

What we set ourselves, and what our own sampling would ignore, is refused by name, before any GPU time.
"""

from collections.abc import Mapping

Value = bool | int | float | str
NUMBER = (int, float)

EXTRAS: dict[str, tuple[type, ...]] = {
    "adam_beta1": NUMBER,
    "adam_beta2": NUMBER,
    "adam_epsilon": NUMBER,
    "ddp_bucket_cap_mb": (int,),
    "ddp_timeout": (int,),
    "disable_dropout": (bool,),
    "entropy_coef": NUMBER,
    "importance_sampling_level": (str,),
    "off_policy_mask_threshold": NUMBER,
    "optim": (str,),
    "tf32": (bool,),
    "top_entropy_quantile": NUMBER,
    "torch_empty_cache_steps": (int,),
    "vllm_server_timeout": NUMBER,
    "warmup_steps": (int,),
}


def check_extras(extras: Mapping[str, Value]) -> None:
    """ValueError that names the first setting that cannot be given, or has another type."""
    for name, value in extras.items():
        if name not in EXTRAS:
            raise ValueError(f"{name} cannot be given as an extra setting; those that can are {', '.join(EXTRAS)}")
        if type(value) not in EXTRAS[name]:
            kinds = " or ".join(kind.__name__ for kind in EXTRAS[name])
            raise ValueError(f"{name} must be {kinds}, not {value!r}")
