"""Saved views: filters of the list of items, each person's own."""

from django.contrib.auth.models import User
from django.db import transaction

from core.access import audit, require
from core.errors import InvalidInput, NotFound
from core.models import Campaign
from diagnostics.models import SavedView
from diagnostics.selectors.item_filters import filter_read

MAX_VIEWS = 50
MAX_NAME = 60


def view_save(*, actor: User, campaign: Campaign, name: str, query: str) -> SavedView:
    """The filter in ``query`` under ``name``; an older view of that name is replaced."""
    require(actor, "view", campaign)
    name, query = name.strip(), filter_read(query).query
    if not 0 < len(name) <= MAX_NAME or "\0" in name:
        raise InvalidInput(f"name: 1 to {MAX_NAME} characters.", field="name")
    mine = SavedView.objects.filter(campaign=campaign, user=actor)
    with transaction.atomic():
        if len(mine.exclude(name=name).values_list("pk")[:MAX_VIEWS]) == MAX_VIEWS:
            raise InvalidInput(f"name: you have {MAX_VIEWS} views here; remove one first.", field="name")
        view, _ = mine.update_or_create(campaign=campaign, user=actor, name=name, defaults={"query": query})
        audit(actor, "view.saved", view, campaign=campaign, name=name)
    return view


def view_remove(*, actor: User, campaign: Campaign, name: str) -> None:
    """Forget one of the actor's own views."""
    require(actor, "view", campaign)
    view = SavedView.objects.filter(campaign=campaign, user=actor, name=name).first()
    if view is None:
        raise NotFound(f"You have no view {name!r} in {campaign.name}.")
    with transaction.atomic():
        audit(actor, "view.removed", view, campaign=campaign, name=name)
        view.delete()
