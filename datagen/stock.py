"""What a wave may choose from: the free pictures of the campaign's pools, and the dealing of them at the barrier."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.provider import ImageRef
from core.tool_calls import ToolUse
from datagen.agents.requests import Candidate
from datagen.domain.images import size_fault
from datagen.domain.search import MAX_A_QUERY, Shelf, Want, pictures_deal
from datagen.models import Mixture, PoolImage, Slot
from datagen.pictures import gates_of
from datagen.tries import benchmark_pictures, pictures_seen, samples_earlier, task_of, try_seed

SEARCH, SEARCH_VERSION = "image_search", "image_search-v1"


@dataclass(frozen=True)
class Stock:
    """Free pictures by name, shelved by image type; ``missing`` counts why pictures of a type are not free."""

    pictures: Mapping[str, Candidate]
    shelves: Mapping[str, Shelf]
    missing: Mapping[str, Counter[str]]
    seen: Mapping[int, frozenset[str]]

    def num_free(self, image_type: str) -> int:
        """How many pictures of the type there are to deal out."""
        return len(self.shelves[image_type].names) if image_type in self.shelves else 0

    def why_none(self, image_type: str) -> str:
        """Why a slot of this type gets no picture."""
        counts = sorted(self.missing.get(image_type, {}).items())
        words = "; ".join(f"{reason.replace('_', ' ')}: {number}" for reason, number in counts)
        return f"No picture of type {image_type} is left{f' ({words})' if words else ''}."


def stock_of(mixture: Mixture, slots: Sequence[Slot]) -> Stock:
    """Pictures of the slots' types from pools that are whole: none of a benchmark, none that the campaign used."""
    taken = dict.fromkeys(pictures_used(mixture), "used") | dict.fromkeys(
        benchmark_pictures(mixture.campaign), "shown by a benchmark"
    )
    pictures: dict[str, Candidate] = {}
    texts: dict[str, dict[str, str]] = defaultdict(dict)
    missing: dict[str, Counter[str]] = defaultdict(Counter)
    settings = mixture.campaign.config.images
    for row in pool_rows(mixture, {slot.image_type for slot in slots}):
        media, gates = row.media, gates_of(settings, row.image_type)
        reason = taken.get(media.pk) or size_fault(gates, media.width, media.height, media.num_bytes)
        if reason:
            missing[row.image_type][reason] += 1
            continue
        pictures[media.pk] = Candidate(ImageRef(media.pk, media.mime), row.caption)
        texts[row.image_type][media.pk] = f"{row.caption} {row.source}"
    shelves = {kind: Shelf(named) for kind, named in texts.items()}
    return Stock(pictures, shelves, missing, pictures_seen(mixture))


def pool_rows(mixture: Mixture, image_types: set[str]) -> list[PoolImage]:
    """The pictures of these types, in one query."""
    whole = PoolImage.objects.filter(pool__campaign=mixture.campaign, pool__num_images__gt=0)
    rows = whole.filter(image_type__in=image_types).select_related("media")
    return list(rows.order_by("media_id", "caption", "source"))


def pictures_used(mixture: Mixture) -> set[str]:
    """What earlier tries of the campaign showed, or edited to show."""
    pairs = samples_earlier(mixture).exclude(media=None).values_list("media_id", "evidence__edited_from")
    return {str(name) for pair in pairs.iterator(chunk_size=2000) for name in pair if name}


def want_of(mixture: Mixture, slot: Slot, queries: Sequence[str], stock: Stock) -> Want:
    """What a slot looks for in its present try."""
    seen = stock.seen.get(slot.index, frozenset())
    return Want(slot.index, slot.image_type, tuple(queries), try_seed(mixture, slot), seen)


def uses_of(mixture: Mixture, slot: Slot, queries: Sequence[str]) -> list[ToolUse]:
    """A slot's searches as the ledger names them: the query's place sets equal words apart."""
    task = task_of(mixture, slot)
    facts = {"image_type": slot.image_type, "most": MAX_A_QUERY}
    inputs = [{"query": query, "turn": turn, **facts} for turn, query in enumerate(queries)]
    return [ToolUse(SEARCH, "searcher", task.subject, SEARCH_VERSION, told, task.scope, task.skill) for told in inputs]


def stock_deal(
    stock: Stock, wants: Sequence[Want], dealt: Mapping[int, list[list[str]]], had: Mapping[int, frozenset[str]]
) -> dict[int, list[list[str]]]:
    """Every want's pictures by query. Those ``dealt`` before a kill stay, and those of samples that are made stay."""
    kept = {index: frozenset(name for found in lists for name in found) for index, lists in dealt.items()}
    open_wants = [want for want in wants if want.index not in dealt]
    return {**dealt, **pictures_deal(open_wants, stock.shelves, {**kept, **had})}
