"""A person's own API tokens: made, listed by their first letters, revoked. Knox keeps only a hash of each."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from knox.models import AuthToken

from core.access import audit
from core.errors import InvalidInput, NotFound

MAX_DAYS = 3650
MAX_TOKENS = 50


def tokens_of(user: User) -> QuerySet[AuthToken]:
    """The person's tokens that still open the API, newest first."""
    valid = Q(expiry__isnull=True) | Q(expiry__gt=timezone.now())
    rows: QuerySet[AuthToken] = AuthToken.objects.filter(valid, user=user).order_by("-created", "digest")
    return rows


def token_create(*, actor: User, days: int | None) -> tuple[AuthToken, str]:
    """A new token, good for ``days`` (None: until it is revoked), and its secret, which is never to be had again."""
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise InvalidInput(f"days: give a number from 1 to {MAX_DAYS}, or nothing for no end.", field="days")
    if tokens_of(actor).count() >= MAX_TOKENS:
        raise InvalidInput(f"You have {MAX_TOKENS} tokens: revoke one first.", field="days")
    with transaction.atomic():
        token, secret = AuthToken.objects.create(user=actor, expiry=timedelta(days=days) if days else None)
        audit(actor, "token.created", actor, campaign=None, token=token.token_key)
    return token, secret


def token_revoke(*, actor: User, key: str) -> None:
    """End one of the person's own tokens, named by its first letters."""
    with transaction.atomic():
        found, _ = AuthToken.objects.filter(user=actor, token_key=key).delete()
        if not found:
            raise NotFound("You have no such token.")
        audit(actor, "token.revoked", actor, campaign=None, token=key)
