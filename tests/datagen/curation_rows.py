"""An approved mixture with samples in any state, for tests of what people decide."""

from core.models import Campaign
from datagen.models import Mixture, Sample, Slot
from tests.datagen.rows import make_approved, make_pool


def make_curated(campaign: Campaign | None = None, *, total: int = 12) -> Mixture:
    """A mixture with planned slots and a pool to take pictures from."""
    mixture = make_approved(campaign, total=total)
    make_pool(mixture.campaign, {"map": range(40)}, name=f"pool {mixture.pk}")
    return mixture


def make_try(mixture: Mixture, index: int, status: str, reason: str = "", *, slot: str = "open", **fields) -> Sample:
    """A try of the slot ``index``, which stands as ``slot`` says; ``num_tries`` is the slot's."""
    place = mixture.slots.get(index=index)
    media = mixture.campaign.pools.latest("pk").images.order_by("pk")[index].media_id
    num_tries = fields.pop("num_tries", place.num_tries)
    facts = {"try_ix": 0, "media_id": media, "question": f"How many in {index}?", "answer": "3", **fields}
    Slot.objects.filter(pk=place.pk).update(status=slot, num_tries=num_tries)
    place.refresh_from_db()
    return Sample.objects.create(slot=place, status=status, reason=reason, answer_type="number", **facts)


def slot_of(mixture: Mixture, index: int) -> tuple[str, str, int]:
    slot = mixture.slots.get(index=index)
    return slot.status, slot.reason, slot.num_tries


def sample_of(sample: Sample) -> tuple[str, str, int, int]:
    sample.refresh_from_db()
    return sample.status, sample.reason, sample.slot.index, sample.try_ix
