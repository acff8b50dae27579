"""What an answer run freezes: engine, prompt, model, sampling and items; everything that may change an answer."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NotRequired, TypedDict, get_args

from core.domain.files import hash_bytes
from core.domain.prompts import PROMPT_HASH, PROMPT_VERSION
from core.domain.seeds import seed_of
from core.models import Campaign, Endpoint
from core.specs import Sampling
from diagnostics.models import Checkpoint
from diagnostics.services.item_choice import BankItem

Engine = Literal["transformers", "vllm", "endpoint"]
ENGINES: tuple[str, ...] = get_args(Engine)
LIMITS_FILE = "preprocessor_config.json"


class RunChoice(TypedDict):
    """What a run asks and how. A ``sampling`` that names no ``max_new_tokens`` gets the campaign's.

    Without ``engine`` it is transformers; ``benchmark`` and ``skill`` ask only their items.
    """

    split: str
    items_a_skill: int
    sampling: Sampling
    label: str
    round_number: int
    engine: NotRequired[Engine]
    benchmark: NotRequired[str]
    skill: NotRequired[str]


def run_spec(
    campaign: Campaign, checkpoint: Checkpoint, choice: RunChoice, asked: Iterable[BankItem], endpoint: Endpoint | None
) -> dict[str, object]:
    """The run's settings as JSON; an AnswerSpec but for places and the hash of its items, known when it starts."""
    engine, sampling = campaign.config.engine, choice["sampling"]
    if "max_new_tokens" not in sampling.model_fields_set:
        sampling = sampling.model_copy(update={"max_new_tokens": engine.max_new_tokens})
    runs_on = endpoint_facts(endpoint) if endpoint else {"device": engine.device, "dtype": engine.dtype}
    return {
        "engine": choice.get("engine", "transformers"),
        "checkpoint_hash": checkpoint.content_hash,
        "seed": seed_of(campaign.seed, "answers", choice["split"], choice["round_number"]),
        **runs_on,
        "prompt_version": PROMPT_VERSION,
        "prompt_hash": PROMPT_HASH,
        "sampling": sampling.model_dump(mode="json"),
        "batch_size": engine.batch_size,
        "pixels": pixel_limits(checkpoint),
        "items_digest": items_digest(asked),
    }


def endpoint_facts(endpoint: Endpoint) -> dict[str, object]:
    """Which model answers where."""
    return {"model": endpoint.model, "base_url": endpoint.base_url}


def items_digest(asked: Iterable[BankItem]) -> str:
    """The same for the same items in whatever order, on every machine."""
    return hash_bytes(json.dumps(sorted((item.benchmark, item.index, item.content_hash) for item in asked)))


def pixel_limits(checkpoint: Checkpoint) -> list[int] | None:
    """The fewest and most pixels of a picture by the checkpoint's own file; None where it says nothing."""
    try:
        told = json.loads((Path(checkpoint.path) / LIMITS_FILE).read_bytes()) if checkpoint.path else {}
        size = told.get("size") or {}
        limits = (size.get("shortest_edge", told.get("min_pixels")), size.get("longest_edge", told.get("max_pixels")))
    except (OSError, ValueError, AttributeError):
        return None
    return [one for one in limits if isinstance(one, int)] or None
