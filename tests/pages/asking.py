"""How tests ask for pages and their parts."""

import warnings

from django.test import Client
from django.urls import reverse

from training.models import Round


def page(client: Client, name: str, *args: object, query: str = "", status: int = 200) -> str:
    """The page's HTML."""
    answer = client.get(reverse(name, args=args) + query)
    assert answer.status_code == status, answer.status_code
    return answer.content.decode()


def part(client: Client, target: str, name: str, *args: object, query: str = "") -> str:
    """The HTML of one live region, as htmx asks for it."""
    answer = client.get(reverse(name, args=args) + query, headers={"HX-Request": "true", "HX-Target": target})
    assert answer.status_code == 200
    return answer.content.decode()


def send(client: Client, name: str, *args: object, **form: str) -> int:
    """Post a form; the status of the answer."""
    return client.post(reverse(name, args=args), form).status_code


def where(round: Round) -> tuple[str, int]:
    """A round's place in addresses."""
    return round.campaign.slug, round.number


def saved(client: Client, name: str, *args: object, query: str = "") -> bytes:
    """The bytes of a download."""
    answer = client.get(reverse(name, args=args) + query)
    assert answer.status_code == 200, answer.status_code
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an async stream, read at once by a client without a loop
        return b"".join(answer)
