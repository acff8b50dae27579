"""The page and the REST of a person's own API tokens."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from knox.models import AuthToken
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import Body, body_of, person_of
from core.pages import number_read
from core.tokens import token_create, token_revoke, tokens_of

TERMS = (("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "no end"))


@never_cache
def token_list(request: HttpRequest) -> HttpResponse:
    """Tokens, and a form for a new one; its secret is shown in the answer to the form and never again."""
    user, secret = cast(User, request.user), ""
    if request.method == "POST":
        secret = token_create(actor=user, days=days_of(request.POST.get("days", "")))[1]
    context = {"section": "tokens", "tokens": tokens_of(user), "secret": secret, "terms": TERMS}
    return render(request, "core/token_list.html", context)


@require_POST
def token_end(request: HttpRequest, key: str) -> HttpResponse:
    """Revoke one."""
    token_revoke(actor=cast(User, request.user), key=key)
    messages.success(request, f"The token {key} opens nothing any more.")
    return redirect("token-list")


def days_of(value: str) -> int | None:
    """The form's number of days; None for no end."""
    return number_read(value, "days") if value else None


class TokenBody(Body):
    """A new token; without ``days`` it has no end."""

    days: int | None = Field(default=None, ge=1)


class TokenList(APIView):
    """One's own tokens."""

    @extend_schema(operation_id="token_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """All that still work; never their secrets."""
        return Response({"data": [token_json(row) for row in tokens_of(person_of(request))]})

    @extend_schema(operation_id="token_create", request=TokenBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        """A new one; ``secret`` stands in this answer only."""
        token, secret = token_create(actor=person_of(request), days=body_of(request, TokenBody).days)
        return Response({**token_json(token), "secret": secret}, status=201)


class TokenDetail(APIView):
    """One of one's own tokens."""

    @extend_schema(operation_id="token_revoke", responses={204: None})
    def delete(self, request: Request, key: str) -> Response:
        """End it."""
        token_revoke(actor=person_of(request), key=key)
        return Response(status=204)


def token_json(row: AuthToken) -> dict[str, Any]:
    """A token as the API shows it."""
    return {"key": row.token_key, "created_at": row.created, "expires_at": row.expiry}
