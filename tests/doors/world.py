"""Campaigns in every state that an action needs, so that each door has something behind it."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from knox.models import AuthToken

from core.models import Campaign
from tests.factories import make_member, make_user
from tests.pages.rows import end_round, make_full_campaign, make_round
from training.models import Round

ROLES = ("viewer", "curator", "researcher", "approver", "admin")
STATES = ("approve", "decide", "stuck", "ended", "running", "dataset")


@dataclass
class World:
    """One campaign a state of its round, and one person a role who has it in all of them; ``stranger`` has none."""

    rounds: dict[str, Round] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)
    token: str = "every-one"  # each person has a token of this name

    def campaign(self, state: str = "decide") -> Campaign:
        return self.rounds[state].campaign

    def slug(self, state: str = "decide") -> dict[str, Any]:
        return {"slug": self.campaign(state).slug}

    def round(self, state: str = "decide") -> dict[str, Any]:
        return {**self.slug(state), "number": self.rounds[state].number}


def make_world(**sizes: int) -> World:
    """``sizes`` make the rounds larger: ``num_items`` a skill, ``total`` slots, ``num_steps`` of training."""
    world = World()
    for state in STATES:
        campaign = make_full_campaign()
        if state == "stuck":
            world.rounds[state] = make_round(campaign, "train", "failed", **sizes)
        elif state == "running":
            world.rounds[state] = make_round(campaign, "train", **sizes)
        elif state == "ended":
            world.rounds[state] = end_round(make_round(campaign, "decide", **sizes), "promoted")
        else:
            world.rounds[state] = make_round(campaign, state, **sizes)
    world.people = {role: make_user() for role in (*ROLES, "stranger")}
    for person in world.people.values():
        AuthToken.objects.filter(pk=AuthToken.objects.create(user=person)[0].pk).update(token_key=world.token)
    for role in ROLES:
        for state in STATES:
            make_member(world.campaign(state), role, world.people[role])
    return world
