"""Which items a round asks: so many of every skill, other ones each round while the bank lasts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.domain.seeds import seed_of


@dataclass(frozen=True)
class BankItem:
    """An item that could be asked. ``content_hash``, ``benchmark`` and ``index`` fix its place in the seeded order."""

    id: int
    skill: str
    content_hash: str
    benchmark: str
    index: str


@dataclass(frozen=True)
class Choice:
    """The items of a run in the order in which they are asked, and how many of them an earlier round asked."""

    item_ids: list[int]
    num_reused: int


def items_choose(bank: Iterable[BankItem], *, seed: int, items_a_skill: int, round_number: int) -> Choice:
    """Round r takes places [(r-1)n, rn) of every skill's seeded order, from the front again where the bank ends."""
    chosen, reused = [], 0
    for items in by_skill(bank, seed).values():
        n = min(items_a_skill, len(items))
        places = range((round_number - 1) * n, round_number * n)
        chosen += [items[place % len(items)].id for place in places]
        reused += sum(place >= len(items) for place in places)
    return Choice(chosen, reused)


def by_skill(bank: Iterable[BankItem], seed: int) -> Mapping[str, Sequence[BankItem]]:
    """Every skill's items, shuffled by what they are: the same order whatever the order of import."""
    skills: dict[str, list[BankItem]] = defaultdict(list)
    for item in bank:
        skills[item.skill].append(item)
    for items in skills.values():
        items.sort(key=lambda item: (seed_of(seed, "item order", item.content_hash), item.benchmark, item.index))
    return {skill: skills[skill] for skill in sorted(skills)}
