"""Whether sampling can never draw a token that announces a picture: one in an answer breaks the next forward pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from core.check_specs import CheckLine
from core.specs import Sampling
from gpu.checks.lines import line, some
from gpu.loading import vision_token_ids
from gpu.sampling import Tokens, sample_answers
from gpu.vision import core_of

FORCED = 1e4
WORDS = ("image", "video", "vision")


def vision_ids(model: Any, tokenizer: Any) -> list[int]:
    """Every id that announces vision: those that we know, and those that the vocabulary's own names tell."""
    named = {i for token, i in tokenizer.get_added_vocab().items() if any(word in token for word in WORDS)}
    return sorted(named | set(vision_token_ids(model, tokenizer)))


def blocking_line(model: Any, tokenizer: Any, tokens: Tokens, prompts: dict[str, Tensor]) -> CheckLine:
    """Draw with these tokens' logits forced up; not one may come."""
    ids = vision_ids(core_of(model), tokenizer)
    with forced(core_of(model), ids):
        answers = sample_answers(model, prompts, Sampling(num_answers=4, temperature=1.0, max_new_tokens=4), tokens)
    drawn = sorted({i for group in answers for answer in group for i in answer} & set(ids))
    names = tokenizer.convert_ids_to_tokens(drawn)
    return line(
        "vision tokens",
        f"Sampling can draw {some(names)}."
        if drawn
        else f"With the logits of all {len(ids)} vision tokens forced up, none of them is drawn.",
        fails=bool(drawn),
        change="Name these tokens in the checkpoint's config, or in VISION_TOKENS of gpu/loading.py: an answer that "
        "holds one breaks the run.",
    )


@contextmanager
def forced(model: Any, ids: list[int]) -> Iterator[None]:
    """While this lasts, the model wants nothing but these ids."""

    def force(module: Any, inputs: Any, logits: Tensor) -> Tensor:
        raised = logits.clone()
        raised[..., ids] += FORCED
        return raised

    hook = model.lm_head.register_forward_hook(force)
    try:
        yield
    finally:
        hook.remove()
