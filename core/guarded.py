"""Connections to endpoints: the address that is really connected to is looked at first, and no redirect is followed.

A name may resolve to something else than when its endpoint was saved (DNS rebinding), so the check sits where the
socket is made. Behind a proxy (``HTTPS_PROXY``) the proxy connects: what it lets through is its operator's word.
"""

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp
import openai

from core.models import Endpoint
from core.reach import connection_fault

AddressInfo = tuple[Any, ...]  # as getaddrinfo gives it: family, type, protocol, name, place


class AddressRefused(OSError):
    """This server does not connect to that address."""


def socket_make(info: AddressInfo, *, is_private: bool) -> socket.socket:
    """A socket for this address, as aiohttp makes one; AddressRefused where the endpoint must not lead there."""
    family, kind, protocol, _, place = info
    fault = connection_fault(str(place[0]), is_private=is_private)
    if fault:
        raise AddressRefused(fault)
    return socket.socket(family, kind, protocol)


def connector_open(*, is_private: bool, **options: Any) -> aiohttp.TCPConnector:
    """Connections for one endpoint, closed by its session."""
    return aiohttp.TCPConnector(socket_factory=partial(socket_make, is_private=is_private), **options)


def session_open(*, is_private: bool, patience_s: float, key: str) -> aiohttp.ClientSession:
    """A session for a few calls, closed by its caller; a call is given up after ``patience_s`` in all."""
    return aiohttp.ClientSession(
        connector=connector_open(is_private=is_private),
        headers={"Authorization": f"Bearer {key}"},
        timeout=aiohttp.ClientTimeout(total=patience_s),
        trust_env=True,
    )


def client_open(endpoint: Endpoint, key: str) -> openai.AsyncOpenAI:
    """The library's client for one endpoint, closed by its caller."""
    http = openai.DefaultAioHttpClient(follow_redirects=False)
    transport: Any = http._transport
    if not hasattr(transport, "client") or not hasattr(transport, "ssl_context"):
        raise RuntimeError("The openai library's transport has changed: connections cannot be guarded.")
    transport.client = session_maker(transport, is_private=endpoint.is_private)
    return openai.AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=key,
        timeout=endpoint.timeout_s,
        max_retries=0,  # core.pace tries again: every try takes a turn
        http_client=http,
    )


def session_maker(transport: Any, *, is_private: bool) -> Callable[[], aiohttp.ClientSession]:
    """How the transport gets its session, at the first call: as it would make one itself, but guarded."""
    limits = transport.limits

    def make() -> aiohttp.ClientSession:
        connector = connector_open(
            is_private=is_private,
            ssl=transport.ssl_context,
            limit=limits.max_connections or 0,
            keepalive_timeout=limits.keepalive_expiry,
        )
        return aiohttp.ClientSession(connector=connector)

    return make


def refused_by(error: BaseException | None) -> str:
    """The guard's sentence where it is the cause of an error; else empty."""
    while error is not None:
        if isinstance(error, AddressRefused):
            return str(error)
        error = error.__cause__ or error.__context__
    return ""
