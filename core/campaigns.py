"""Making campaigns, saying who is in them, which endpoints play which role, and by which settings they go on."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from core.access import GRANTS, audit, require
from core.campaign_file import RESERVED_SLUGS
from core.campaign_settings import CampaignSettings, parse_settings
from core.domain.files import hash_bytes
from core.errors import InvalidInput, WrongState
from core.keys import key_env_check, key_of
from core.models import Campaign, Endpoint, Membership
from core.reach import base_url_allow
from core.roles import ROLES, TIMEOUTS_S

SPOKEN_TO = ("base_url", "model", "key_env")


def campaign_create(*, actor: User, slug: str, name: str, seed: int, settings: Any) -> Campaign:
    """A new campaign with its maker as admin; the same one again is returned, another under its slug is WrongState."""
    generator_allow(actor, parse_settings(settings))
    return campaign_save(actor=actor, slug=slug, name=name, seed=seed, settings=settings)


def generator_allow(actor: User, settings: CampaignSettings) -> None:
    """Go on only when this person may name the server that generates in training; its name is resolved here."""
    if settings.grpo.vllm_url:
        try:
            base_url_allow(actor, settings.grpo.vllm_url)
        except InvalidInput as error:
            field = "settings.grpo.vllm_url"
            raise InvalidInput(str(error).replace("base_url", field, 1), field=field) from error


def campaign_save(*, actor: User, slug: str, name: str, seed: int, settings: Any) -> Campaign:
    """As ``campaign_create``, for one whose addresses are looked at already."""
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
    wanted = parse_settings(settings)
    if wanted.grpo.vllm_url != campaign.config.grpo.vllm_url:
        generator_allow(actor, wanted)
    checked = wanted.model_dump(mode="json")
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
    return endpoints_set(actor=actor, campaign=campaign, roles=[role], fields=fields)[0]


def endpoints_set(*, actor: User, campaign: Campaign, roles: Sequence[str], fields: dict[str, Any]) -> list[Endpoint]:
    """One server for several roles, all of them or none."""
    require(actor, "admin", campaign)
    unknown = [role for role in roles if role not in ROLES]
    if unknown or not roles:
        raise InvalidInput(f"roles: choose from {', '.join(ROLES)}.", field="roles")
    checked = endpoint_checked(actor, fields)
    with transaction.atomic():
        return [endpoint_save(actor, campaign, role, checked) for role in roles]


def endpoint_checked(actor: User, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of an endpoint, with whether it may be at a private address; its name is resolved here."""
    key_env_check(str(fields.get("key_env", "")))
    return {**fields, "is_private": base_url_allow(actor, str(fields.get("base_url", "")))}


def endpoint_save(actor: User, campaign: Campaign, role: str, checked: dict[str, Any]) -> Endpoint:
    """Store a checked endpoint; call it inside the transaction that sets it."""
    seen = Endpoint.objects.filter(campaign=campaign, role=role).first()
    if seen and any(name in checked and getattr(seen, name) != checked[name] for name in SPOKEN_TO):
        checked = {**checked, "capabilities": {}, "checked_at": None}
    if checked.get("timeout_s") is None:
        checked = {**checked, "timeout_s": TIMEOUTS_S[role]}
    endpoint, _ = Endpoint.objects.update_or_create(campaign=campaign, role=role, defaults=checked)
    audit(actor, "endpoint.set", endpoint, campaign=campaign, role=role, base_url=endpoint.base_url)
    return endpoint


def is_key_set(endpoint: Endpoint) -> bool:
    """Whether this server can call the endpoint: it needs no key, or a variable or a secret file holds it."""
    return bool(key_of(endpoint.key_env))
