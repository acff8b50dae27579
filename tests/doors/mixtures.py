"""What the doors of a mixture that waits for approval are sent."""

from typing import Any

from datagen.domain.edits import MixtureEdit
from datagen.models import Mixture
from datagen.services.mixture_edits import mixture_edit
from tests.doors.world import World


def signed(world: World) -> dict[str, Any]:
    return {"manifest_hash": world.campaign("approve").mixtures.last().manifest_hash, "comment": "looks right"}


def waiting(world: World) -> dict[str, Any]:
    """The mixture that waits for approval."""
    return {**world.slug("approve"), "pk": world.campaign("approve").mixtures.last().pk}


def seen(world: World) -> dict[str, Any]:
    return {"manifest_hash": signed(world)["manifest_hash"]}


def shares(world: World) -> dict[str, Any]:
    """The mixture's form with one more sample of its first skill, sent as the page sends it."""
    rows = list(world.campaign("approve").mixtures.last().rows.order_by("id"))
    form = {f"{name}-{row.pk}": str(row.quota) for row in rows for name in ("was", "share")}
    replay = str(sum(row.quota for row in rows if row.purpose == "replay"))
    return {
        **seen(world),
        **form,
        f"share-{rows[0].pk}": str(rows[0].quota + 1),
        "replay-was": replay,
        "replay": replay,
    }


def rest_shares(world: World) -> dict[str, Any]:
    row = world.campaign("approve").mixtures.last().rows.order_by("id")[0]
    return {"shares": {row.skill: row.quota + 1}}


def edited(world: World) -> dict[str, Any]:
    """The waiting mixture after a person changed it."""
    place = waiting(world)
    mixture = Mixture.objects.get(pk=place["pk"])
    edit = MixtureEdit(rest_shares(world)["shares"], {}, frozenset())
    if mixture.edited_by_id is None:
        actor = world.people["researcher"]
        mixture_edit(actor=actor, mixture_id=mixture.pk, seen_hash=mixture.manifest_hash, edit=edit)
    return place
