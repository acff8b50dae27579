"""What a run froze and what its result tells, as short words by name: what comparisons of runs compare."""

from collections.abc import Mapping
from typing import Any

from diagnostics.models import AnswerRun


def run_facts(run: AnswerRun) -> dict[str, str]:
    """Everything but the checkpoint that may change answers or verdicts; what an older run never noted is absent."""
    spec, result = run.spec, run.result
    facts = {
        "engine": spec.get("engine", "transformers"),
        "model": spec.get("model"),
        "device": spec.get("device"),
        "dtype": spec.get("dtype"),
        "batch size": spec.get("batch_size"),
        **sampling_facts(spec.get("sampling") or {}),
        "prompt": spec.get("prompt_version"),
        "prompt text": (spec.get("prompt_hash") or "")[:12],
        "pixels of a picture": pixels_fact(spec.get("pixels")),
        "extractor": result.get("extractor_version"),
        "items": (spec.get("items_digest") or "")[:12],
        "items asked": run.num_items,
        **{name: version for name, version in sorted((result.get("versions") or {}).items())},
    }
    return {name: str(value) for name, value in facts.items() if value not in (None, "")}


def sampling_facts(sampling: Mapping[str, Any]) -> dict[str, Any]:
    """How answers were drawn; without chance nucleus and top-k do nothing."""
    greedy = not sampling.get("temperature")
    names = ("num_answers", "temperature", "max_new_tokens") if greedy else tuple(sampling)
    return {name.replace("_", " "): sampling.get(name) for name in names}


def pixels_fact(limits: list[int] | None) -> str:
    """The fewest and most pixels, where the checkpoint says them."""
    return " to ".join(map(str, limits or ()))
