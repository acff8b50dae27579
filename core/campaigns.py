"""Making campaigns, saying who is in them, and which endpoints play which role."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db import transaction

from core.access import audit, require
from core.campaign_settings import parse_settings
from core.errors import InvalidInput, WrongState
from core.models import Campaign, Endpoint, Membership


def campaign_create(*, actor: User, slug: str, name: str, seed: int, settings: Any) -> Campaign:
    """A new campaign with its maker as admin; the same one again is returned, another under its slug is WrongState."""
    checked = parse_settings(settings).model_dump(mode="json")
    seen = Campaign.objects.filter(slug=slug).first()
    if seen:
        require(actor, "admin", seen)
        if (seen.name, seen.seed, seen.config.model_dump(mode="json")) != (name, seed, checked):
            raise WrongState(f"A campaign {slug!r} with other settings exists.")
        return seen
    with transaction.atomic():
        campaign = Campaign.objects.create(slug=slug, name=name, seed=seed, settings=checked, created_by=actor)
        Membership.objects.create(campaign=campaign, user=actor, role="admin")
        audit(actor, "campaign.created", campaign, campaign=campaign)
    return campaign


def endpoint_set(*, actor: User, campaign: Campaign, role: str, fields: dict[str, Any]) -> Endpoint:
    """The endpoint that plays ``role`` from now on; a base URL must be http(s) with a host and no password."""
    require(actor, "admin", campaign)
    parts = urlsplit(str(fields.get("base_url", "")))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise InvalidInput("base_url: give http(s)://host[:port]/path without a user name.", field="base_url")
    with transaction.atomic():
        endpoint, _ = Endpoint.objects.update_or_create(campaign=campaign, role=role, defaults=fields)
        audit(actor, "endpoint.set", endpoint, campaign=campaign, role=role, base_url=endpoint.base_url)
    return endpoint
