"""The servers of a job's endpoints: roles on one server with one key share its pace, as they share its limits."""

import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from core.errors import LeaseLost
from core.jobs.context import JobContext
from core.models import Endpoint
from core.pace import Server
from core.room import Room

REFRESH_S = 2.0
AHEAD = 0.25
Place = tuple[str, str]
State = tuple[set[int], dict[str, Any]]


@dataclass
class Servers:
    """All servers of one job. ``random`` spreads retries in time and touches no result."""

    context: JobContext
    random: Random
    _by_place: dict[Place, Server] = field(default_factory=dict)
    _pks: dict[Place, set[int]] = field(default_factory=dict)
    _ahead: dict[str, Room] = field(default_factory=dict)
    _refreshed_at: float = -REFRESH_S

    def server(self, endpoint: Endpoint) -> Server:
        """The server that plays this role, with room for the role's calls."""
        place = place_of(endpoint)
        if place not in self._by_place:
            self._by_place[place] = Server(endpoint.base_url, settings.CALL_PATIENCE_S, self.random)
        server = self._by_place[place]
        if endpoint.role not in server.lanes:
            server.lane_set(endpoint.role, endpoint.concurrency)
            self._pks.setdefault(place, set()).add(endpoint.pk)
        return server

    def ahead(self, endpoint: Endpoint) -> Room:
        """Room for calls of the role that are written down before their turn.

        So the next call starts the moment one ends, and the server does not wait for our storing. A kill shows those
        few as perhaps sent.
        """
        server = self.server(endpoint)
        return self._ahead.setdefault(endpoint.role, Room(num_ahead(server, endpoint.role)))

    def are_due(self) -> bool:
        """Whether it is time to look at the endpoints' rows again, and to show how the servers stand."""
        return bool(self._by_place) and time.monotonic() - self._refreshed_at >= REFRESH_S

    async def refresh(self, endpoints: dict[str, Endpoint]) -> None:
        """Show how the servers stand, and move the roles' ceilings to what their rows say by now."""
        self._refreshed_at = time.monotonic()
        await sync_to_async(self._show)(self._states())
        ceilings = await sync_to_async(ceilings_read)(self.context.job.campaign_id or 0)
        for role, endpoint in endpoints.items():
            server, ceiling = self._by_place.get(place_of(endpoint)), ceilings.get(endpoint.pk)
            if server and role in server.lanes and ceiling:
                server.lane_set(role, ceiling)
                self._ahead.setdefault(role, Room(1)).move(num_ahead(server, role))

    async def close(self) -> None:
        """Wake nobody any more, and show how the servers stood at the end."""
        for server in self._by_place.values():
            server.close()
        with suppress(LeaseLost):  # then another attempt shows how they stand
            await sync_to_async(self._show)(self._states())

    def _states(self) -> list[State]:
        at = timezone.now().isoformat(timespec="seconds")
        return [(self._pks[place], {**server.state(), "at": at}) for place, server in self._by_place.items()]

    def _show(self, states: list[State]) -> None:
        with self.context.writing():
            for pks, state in states:
                Endpoint.objects.filter(pk__in=pks).update(pace=state)


def num_ahead(server: Server, role: str) -> int:
    """A quarter of the calls that may be under way: storing takes less of a call's time than that."""
    return math.ceil(AHEAD * min(server.lanes[role].ceiling, server.pace.limit.value))


def place_of(endpoint: Endpoint) -> Place:
    """What makes two roles share a server's limits."""
    return endpoint.base_url, endpoint.key_env


def ceilings_read(campaign_id: int) -> dict[int, int]:
    """How many calls each endpoint of a campaign may get at once now, by primary key."""
    return dict(Endpoint.objects.filter(campaign_id=campaign_id).values_list("pk", "concurrency"))
