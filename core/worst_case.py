"""What one call may take at most: what is reserved before it is sent."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from pydantic import BaseModel

from core.domain.budget import Spend, money_up, prompt_bound
from core.image_edits import EditRequest
from core.models import Endpoint, Media
from core.provider import PER_MILLION, CallRequest, json_schema

Size = tuple[int, int]
CHUNK = 500


def worst_case(
    endpoint: Endpoint, request: CallRequest | EditRequest, sizes: Mapping[str, Size], picture_tokens: int = 0
) -> Spend:
    """The most that one send of this request can cost, by the endpoint's prices; ``sizes`` are its pictures'."""
    if isinstance(request, EditRequest):
        return Spend(money_up(request.num_images * Decimal(endpoint.price_image)), calls=1)
    texts = [request.system, request.text, schema_text(request.schema) if request.schema else ""]
    num_bytes = sum(len(text.encode("utf-8", "replace")) for text in texts)
    pictures = [sizes[image.sha256] for image in request.images if image.sha256 in sizes]
    tokens_in = prompt_bound(num_bytes, pictures, picture_tokens)
    tokens_out = request.answer_bound * request.num_choices
    money = tokens_in * Decimal(endpoint.price_in) + tokens_out * Decimal(endpoint.price_out)
    return Spend(money_up(money / PER_MILLION), tokens_in + tokens_out, calls=1)


def picture_sizes(requests: Iterable[Any]) -> dict[str, Size]:
    """Width and height of every picture that is shown, by sha256."""
    names = sorted({image.sha256 for one in requests if isinstance(one, CallRequest) for image in one.images})
    chunks = (names[start : start + CHUNK] for start in range(0, len(names), CHUNK))
    rows = (Media.objects.filter(pk__in=chunk).values_list("sha256", "width", "height") for chunk in chunks)
    return {name: (width, height) for found in rows for name, width, height in found}


@cache
def schema_text(schema: type[BaseModel]) -> str:
    """The schema of an answer, which servers may write into the prompt."""
    return json.dumps(json_schema(schema))
