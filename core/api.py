"""What every REST view shares: problem+json errors, whose campaign it is, and checked bodies."""

from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from core.access import require
from core.errors import DpeError, InvalidInput, NotFound
from core.models import Campaign
from core.pages import NUL_TOLD

Sent = TypeVar("Sent", bound=BaseModel)


class Body(BaseModel):
    """A checked body; unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class NamedPathBody(Body):
    """A name to give, and a path below the import folders."""

    model_config = ConfigDict(str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=120)
    path: str = Field(min_length=1, max_length=500)


PROBLEM_JSON = "application/problem+json"


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every error as RFC 9457 problem+json; None lets a bug reach the top."""
    if isinstance(error, DpeError):
        return problem(error.http_status, error.code, str(error), field=error.field)
    if isinstance(error, (Http404, ObjectDoesNotExist)):
        return problem(404, "not_found", "There is no such thing.")
    if isinstance(error, exceptions.APIException):
        response = exception_handler(error, context)
        headers = dict(response.headers) if response is not None else {}
        headers.pop("Content-Type", None)
        return problem(
            error.status_code,
            str(error.default_code),
            str(error.detail),
            headers=headers,
        )
    return None


def problem(status: int, code: str, detail: str, *, field: str = "", headers: Any = None) -> Response:
    """One problem+json answer."""
    body = problem_body(status, code, detail, field)
    return Response(body, status=status, content_type=PROBLEM_JSON, headers=headers)


def problem_body(status: int, code: str, detail: str, field: str) -> dict[str, Any]:
    """What RFC 9457 says of an error, with the field that is wrong where one is."""
    facts = {"type": "about:blank", "title": code.replace("_", " "), "status": status, "code": code, "detail": detail}
    return {**facts, "field": field} if field else facts


def body_of(request: Request, schema: type[Sent]) -> Sent:
    """The request's JSON as a checked value; InvalidInput names the first bad field."""
    if has_nul(request.data):
        raise InvalidInput(NUL_TOLD)
    try:
        return schema.model_validate(request.data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{field}: {first['msg']}", field=field) from error


def has_nul(document: object) -> bool:
    """Whether any text in a JSON document holds the character NUL, which no database text can hold."""
    parts = [document]
    while parts:
        part = parts.pop()
        if isinstance(part, str) and "\0" in part:
            return True
        parts.extend([*part, *part.values()] if isinstance(part, dict) else part if isinstance(part, list) else [])
    return False


def campaign_of(request: Request, slug: str, action: str = "view") -> Campaign:
    """The campaign, if this person may do ``action`` in it; who may not even view it learns nothing of it."""
    campaign = Campaign.objects.filter(slug=slug).first()
    if campaign is None:
        raise NotFound(f"There is no campaign {slug!r}.")
    require(person_of(request), action, campaign)
    return campaign


def person_of(request: Request) -> User:
    """Who asks; the API lets nobody in who is not signed in."""
    assert isinstance(request.user, User)
    return request.user
