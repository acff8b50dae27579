"""Where endpoints may be: anywhere public; at a private address only where the site's setting lets the person.

Looked at when an endpoint is saved, by what its name resolves to then, and at every connection (``core.guarded``).
"""

import socket
from concurrent.futures import Future
from threading import Thread
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User

from core.domain.addresses import Reach, is_metadata_name, is_odd_ipv4, reach_of, reach_of_all
from core.errors import InvalidInput

PATIENCE_S = 5.0
WHO = {
    "admins": "only staff of this site may use one (DPE_PRIVATE_ENDPOINTS)",
    "nobody": "this site uses none (DPE_PRIVATE_ENDPOINTS)",
}


def base_url_check(url: str) -> None:
    """A base URL must be http(s) with a host that is written plainly, and no user name or password in it."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_good = False
    if not is_good or parts.username or parts.password or any(one.isspace() for one in url):
        raise InvalidInput("base_url: give http(s)://host[:port]/path without a user name.", field="base_url")
    if is_odd_ipv4(parts.hostname or ""):
        raise InvalidInput("base_url: write an IPv4 address as four plain numbers, like 10.0.0.7.", field="base_url")


def base_url_allow(actor: User, url: str) -> bool:
    """Whether the endpoint may be connected to at a private address; InvalidInput where this person may not use it.

    A name that resolves to nothing yet may turn out private later only for those who may use private addresses.
    """
    base_url_check(url)
    host = urlsplit(url).hostname or ""
    reach = Reach.METADATA if is_metadata_name(host) else reach_of_all(addresses_of(host))
    if reach is Reach.METADATA:
        raise InvalidInput(f"base_url: {host} is where a cloud keeps its machines' secrets.", field="base_url")
    may = private_allowed(actor)
    if reach is Reach.PRIVATE and not may:
        raise InvalidInput(f"base_url: {host} is a private address: {WHO[policy()]}.", field="base_url")
    return may and reach is not Reach.PUBLIC


def private_allowed(actor: User) -> bool:
    """Whether this person may set endpoints at private addresses."""
    return policy() == "everybody" or (policy() == "admins" and (actor.is_staff or actor.is_superuser))


def policy() -> str:
    """Who may: ``everybody``, ``admins`` or ``nobody``."""
    return str(settings.PRIVATE_ENDPOINTS)


def connection_fault(address: str, *, is_private: bool) -> str:
    """Why this address must not be connected to; empty when it may. ``is_private``: the endpoint may be private."""
    reach = reach_of(address)
    if reach is Reach.METADATA:
        return "it leads to where a cloud keeps its machines' secrets"
    if reach is not Reach.PUBLIC and not (is_private and policy() != "nobody"):
        return "it leads to a private address, which it was not set for: set it again, as somebody who may"
    return ""


def addresses_of(host: str) -> list[str]:
    """What the name resolves to here; empty when nothing is found in time: the C library knows no time-out."""
    answer: Future[list[str]] = Future()
    Thread(target=resolve, args=(host, answer), daemon=True, name="resolve").start()
    try:
        return answer.result(PATIENCE_S)
    except (OSError, UnicodeError, TimeoutError):
        return []


def resolve(host: str, answer: "Future[list[str]]") -> None:
    """Give the name's addresses, or why there are none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        answer.set_result([str(address[0]) for *_, address in found])
    except (OSError, UnicodeError) as error:
        answer.set_exception(error)
