"""What a completion is worth: one function of its verdict, the controls beside it, and rewards of one's own.

A reward of one's own is a Python entry point of the group ``dpe.rewards`` in an installed package, named in the
settings; nothing that comes through a form is ever run. It is called in the grading process, bounded in time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from core.domain.seeds import seed_of

REWARD_VERSION = "rewards-2"
GROUP = "dpe.rewards"
COMPOSED, RANDOM, FORMAT_ONLY = "composed", "random", "format_only"
BUILT_IN = (COMPOSED, RANDOM, FORMAT_ONLY)
CONTROLS = frozenset(
    {RANDOM, FORMAT_ONLY}
)  # they say nothing about the answer: what such a run gains, it did not learn
BOX = "\\boxed"

Parts = Mapping[str, float]
# text, gold, answer_type, options, is_whole, is_correct and has_format -> the reward, its parts, or None: unknown
OwnReward = Callable[[Mapping[str, Any]], float | Parts | None]


@dataclass(frozen=True)
class Recipe:
    """How a run's rewards are made: which reward, its weights, and the seed of a random one."""

    name: str = COMPOSED
    accuracy: float = 0.9
    format: float = 0.1
    length: float = 0.0
    max_tokens: int = 64
    group_size: int = 8
    seed: int = 0


@dataclass(frozen=True)
class Marks:
    """What is known of one completion. ``own`` is what a reward of one's own said; ``place`` is (step, sample, ix)."""

    is_correct: bool | None
    has_format: bool
    asks_for_format: bool
    num_tokens: int
    place: tuple[int, str, int]
    own: Parts | None = None


def reward_parts(marks: Marks, recipe: Recipe) -> dict[str, float]:
    """The parts that add up to the reward; empty when it is not known and the completion must not count."""
    if recipe.name == RANDOM:
        return {"random": float(seed_of(recipe.seed, "reward", *marks.place) % 2)}
    if recipe.name not in BUILT_IN:
        return dict(marks.own or {})
    if marks.is_correct is None:
        return {}
    shape = {"format": recipe.format * marks.has_format} if marks.asks_for_format else {}
    if recipe.name == FORMAT_ONLY:
        return {"format": float(marks.has_format)}
    parts = {"accuracy": recipe.accuracy * marks.is_correct, **shape}
    return (
        {**parts, "length": -recipe.length * overlong(marks.num_tokens, recipe.max_tokens)} if recipe.length else parts
    )


def overlong(num_tokens: int, max_tokens: int) -> float:
    """0 up to half of the tokens that are allowed, 1 at the limit, a straight line between."""
    return min(1.0, max(0.0, (2 * num_tokens - max_tokens) / max_tokens))


def asks_for_box(prompt: Sequence[Mapping[str, Any]]) -> bool:
    r"""Whether a prompt asks for ``\boxed{}``: only then is a box worth anything."""
    contents = [message["content"] for message in prompt]
    texts = [c if isinstance(c, str) else " ".join(block.get("text") or "" for block in c) for c in contents]
    return any(BOX in text for text in texts)


def own_rewards() -> dict[str, EntryPoint]:
    """The rewards that installed packages bring, by name; nothing of them is loaded."""
    return {one.name: one for one in entry_points(group=GROUP) if one.name not in BUILT_IN}


def check_reward(name: str) -> None:
    """ValueError that names the rewards there are, when this is none of them."""
    known = (*BUILT_IN, *sorted(own_rewards()))
    if name not in known:
        raise ValueError(f"there is no reward {name!r}; there are {', '.join(known)} (entry points of {GROUP})")


def own_reward(name: str) -> OwnReward | None:
    """The reward of one's own called ``name``, loaded; None for one that is built in."""
    if name in BUILT_IN:
        return None
    check_reward(name)
    loaded: OwnReward = own_rewards()[name].load()
    return loaded


def own_parts(said: float | Parts | None) -> dict[str, float] | None:
    """What a reward of one's own said, as parts."""
    if said is None:
        return None
    return {name: float(value) for name, value in said.items()} if isinstance(said, Mapping) else {"own": float(said)}


def reward_version(name: str) -> str:
    """What made the rewards: our version, or the package that brings the reward."""
    found = own_rewards().get(name)
    if found is None or found.dist is None:
        return f"{name} ({REWARD_VERSION})"
    return f"{name} ({found.dist.name} {found.dist.version})"
