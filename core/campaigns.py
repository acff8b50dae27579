"""Making campaigns, saying who is in them, which endpoints play which role, and by which settings they go on."""

import json
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db import transaction

from core.access import GRANTS, audit, require
from core.campaign_file import RESERVED_SLUGS
from core.campaign_settings import parse_settings
from core.domain.files import hash_bytes
from core.errors import InvalidInput, WrongState
from core.models import Campaign, Endpoint, Membership
from core.roles import ROLES

OURS = ("DPE_", "DJANGO_")  # variables of this server, which no endpoint may be sent
SPOKEN_TO = ("base_url", "model", "key_env")


def campaign_create(*, actor: User, slug: str, name: str, seed: int, settings: Any) -> Campaign:
    """A new campaign with its maker as admin; the same one again is returned, another under its slug is WrongState."""
    checked = parse_settings(settings).model_dump(mode="json")
    if slug in RESERVED_SLUGS:
        raise InvalidInput(f"slug: {slug!r} is an address of the site, take another one.", field="slug")
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


def settings_hash(campaign: Campaign) -> str:
    """What names the settings as somebody saw them; a form or an If-Match carries it."""
    return hash_bytes(json.dumps(campaign.config.model_dump(mode="json"), sort_keys=True))[:32]


def campaign_settings_set(*, actor: User, campaign: Campaign, settings: Any, seen: str) -> Campaign:
    """Other settings from now on; WrongState when they are no longer those whose hash was ``seen``."""
    require(actor, "admin", campaign)
    checked = parse_settings(settings).model_dump(mode="json")
    with transaction.atomic():
        row = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if settings_hash(row) != seen:
            raise WrongState("The settings changed since you opened them.")
        changes = settings_changed(row.config.model_dump(mode="json"), checked)
        if changes:
            Campaign.objects.filter(pk=row.pk).update(settings=checked)
            audit(actor, "campaign.settings_set", row, campaign=row, changes=changes)
    campaign.refresh_from_db()
    return campaign


def settings_changed(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> dict[str, list[Any]]:
    """Every setting that differs, by its dotted name, as [before, after]."""
    found: dict[str, list[Any]] = {}
    for name, value in new.items():
        before, place = old.get(name), f"{prefix}{name}"
        if isinstance(value, dict) and isinstance(before, dict):
            found |= settings_changed(before, value, f"{place}.")
        elif before != value:
            found[place] = [before, value]
    return found


def member_set(*, actor: User, campaign: Campaign, username: str, role: str) -> Membership:
    """The person with this role from now on; the last admin stays one."""
    require(actor, "admin", campaign)
    if role not in GRANTS:
        raise InvalidInput(f"role: one of {', '.join(GRANTS)}.", field="role")
    with transaction.atomic():
        Campaign.objects.select_for_update().get(pk=campaign.pk)
        user = person_named(username)
        if role != "admin":
            keep_an_admin(campaign, user)
        member, is_new = Membership.objects.get_or_create(campaign=campaign, user=user, defaults={"role": role})
        if is_new or member.role != role:
            audit(actor, "member.set", member, campaign=campaign, user=username, role=role)
            Membership.objects.filter(pk=member.pk).update(role=role)
    member.role = role
    return member


def member_remove(*, actor: User, campaign: Campaign, username: str) -> None:
    """The person is no member any more; the last admin cannot go."""
    require(actor, "admin", campaign)
    with transaction.atomic():
        Campaign.objects.select_for_update().get(pk=campaign.pk)
        member = Membership.objects.filter(campaign=campaign, user__username=username).select_related("user").first()
        if member is None:
            raise InvalidInput(f"user: {username} is no member.", field="user")
        keep_an_admin(campaign, member.user)
        audit(actor, "member.removed", member, campaign=campaign, user=username, role=member.role)
        member.delete()


def person_named(username: str) -> User:
    """The person who signs in under this name."""
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise InvalidInput(f"user: nobody signs in here as {username!r}.", field="user")
    return found


def keep_an_admin(campaign: Campaign, user: User) -> None:
    """Go on only when somebody but ``user`` is an admin, or ``user`` is none."""
    admins = set(Membership.objects.filter(campaign=campaign, role="admin").values_list("user_id", flat=True))
    if admins == {user.pk}:
        raise WrongState(f"{user} is the only admin: make somebody else an admin first.")


def endpoint_set(*, actor: User, campaign: Campaign, role: str, fields: dict[str, Any]) -> Endpoint:
    """The endpoint that plays ``role`` from now on; what the last test found goes when it is another server."""
    require(actor, "admin", campaign)
    base_url_check(str(fields.get("base_url", "")))
    key_env_check(str(fields.get("key_env", "")))
    seen = Endpoint.objects.filter(campaign=campaign, role=role).first()
    if seen and any(name in fields and getattr(seen, name) != fields[name] for name in SPOKEN_TO):
        fields = {**fields, "capabilities": {}, "checked_at": None}
    with transaction.atomic():
        endpoint, _ = Endpoint.objects.update_or_create(campaign=campaign, role=role, defaults=fields)
        audit(actor, "endpoint.set", endpoint, campaign=campaign, role=role, base_url=endpoint.base_url)
    return endpoint


def endpoints_set(*, actor: User, campaign: Campaign, roles: Sequence[str], fields: dict[str, Any]) -> list[Endpoint]:
    """One server for several roles, all of them or none."""
    unknown = [role for role in roles if role not in ROLES]
    if unknown or not roles:
        raise InvalidInput(f"roles: choose from {', '.join(ROLES)}.", field="roles")
    with transaction.atomic():
        return [endpoint_set(actor=actor, campaign=campaign, role=role, fields=fields) for role in roles]


def base_url_check(url: str) -> None:
    """A base URL must be http(s) with a host, and no user name or password in it."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_good = False
    if not is_good or parts.username or parts.password or any(one.isspace() for one in url):
        raise InvalidInput("base_url: give http(s)://host[:port]/path without a user name.", field="base_url")


def key_env_check(name: str) -> None:
    """A key is taken from a variable of its own, never from one that this server keeps its secrets in."""
    if name and (name.startswith(OURS) or not name.endswith(("KEY", "TOKEN"))):
        raise InvalidInput(
            "key_env: give the name of a variable that ends in KEY or TOKEN and is none of this server's own.",
            field="key_env",
        )


def is_key_set(endpoint: Endpoint) -> bool:
    """Whether this server can call the endpoint: it needs no key, or the variable that holds it is set."""
    return not endpoint.key_env or bool(os.environ.get(endpoint.key_env))
