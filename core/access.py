"""Who may do what: one table, asked by every write service and every page."""

from typing import Any

from django.contrib.auth.models import User

from core.errors import NotAllowed
from core.models import AuditEvent, Campaign, Membership

# What each role may do. Superusers may do everything; a person without a role may do nothing.
GRANTS: dict[str, frozenset[str]] = {
    "viewer": frozenset({"view"}),
    "curator": frozenset({"view", "curate"}),
    "researcher": frozenset({"view", "curate", "research"}),
    "approver": frozenset({"view", "curate", "research", "approve"}),
    "admin": frozenset({"view", "curate", "research", "approve", "admin"}),
}


def allowed(actor: User, action: str, campaign: Campaign | None) -> bool:
    """Whether ``actor`` may do ``action`` here; without a campaign only staff may."""
    if not actor.is_active:
        return False
    if actor.is_superuser:
        return True
    if campaign is None:
        return actor.is_staff
    role = Membership.objects.filter(campaign=campaign, user=actor).values_list("role", flat=True).first()
    return role is not None and action in GRANTS[role]


def require(actor: User, action: str, campaign: Campaign | None) -> None:
    """Go on only when allowed; else NotAllowed says which right is missing."""
    if not allowed(actor, action, campaign):
        where = f"in {campaign.name}" if campaign else "on this site"
        raise NotAllowed(f"{actor.get_username()} lacks the right to {action} {where}.")


def audit(
    actor: User | None,
    action: str,
    target: Any,
    *,
    campaign: Campaign | None,
    **data: Any,
) -> None:
    """Note a deed; call it inside the transaction that does it."""
    AuditEvent.objects.create(
        actor=actor,
        action=action,
        campaign=campaign,
        object_type=target._meta.label_lower,
        object_id=str(target.pk),
        data=data,
    )
