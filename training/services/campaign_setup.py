"""A whole campaign from its file: made or completed in one transaction, its imports waiting for a worker."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from core.access import require
from core.budget_caps import CapValues, cap_values
from core.budgets import budget_set
from core.campaign_file import CampaignFile, NamedPath
from core.campaigns import campaign_save, endpoint_checked, endpoint_save, generator_allow, member_set
from core.errors import InvalidInput, WrongState
from core.models import Budget, Campaign, Endpoint, Job, Membership
from datagen.services.pools import pool_submit
from diagnostics.services.benchmarks import benchmark_submit
from diagnostics.services.checkpoints import checkpoint_submit


@dataclass(frozen=True)
class Waiting:
    """An import that has to run before the first round."""

    kind: str
    name: str
    job: Job


@dataclass(frozen=True)
class Setup:
    """The campaign, whether it is new, and what is still to be imported."""

    campaign: Campaign
    is_new: bool
    waiting: tuple[Waiting, ...]


def campaign_set_up(*, actor: User, file: CampaignFile) -> Setup:
    """The campaign that the file says. The same file again adds what is missing; another one is WrongState.

    All or nothing: a fault anywhere, named by its place in the file, leaves nothing behind.
    """
    checked = endpoints_checked(actor, file)
    generator_allow(actor, file.settings)
    with transaction.atomic():
        is_new = not Campaign.objects.filter(slug=file.slug).exists()
        settings = file.settings.model_dump(mode="json")
        campaign = campaign_save(actor=actor, slug=file.slug, name=file.name, seed=file.seed, settings=settings)
        require(actor, "admin", campaign)
        endpoints_fill(actor, campaign, file, checked)
        members_fill(actor, campaign, file)
        budget_fill(actor, campaign, file)
        return Setup(campaign, is_new, tuple(imports_start(actor, campaign, file)))


def endpoints_checked(actor: User, file: CampaignFile) -> list[dict[str, Any]]:
    """The fields of every endpoint, checked; names are resolved here, before anything is locked."""
    checked = []
    for place, one in enumerate(file.endpoints):
        with placed(f"endpoints.{place}"):
            checked.append(endpoint_checked(actor, one.fields))
    return checked


def endpoints_fill(actor: User, campaign: Campaign, file: CampaignFile, checked: Sequence[dict[str, Any]]) -> None:
    """Set the roles that nobody plays yet; a role that another server plays is WrongState."""
    seen = {row.role: row for row in campaign.endpoints.all()}
    for one, fields in zip(file.endpoints, checked, strict=True):
        for role in one.roles:
            if role in seen:
                same_endpoint(seen[role], one.base_url, one.model)
            else:
                endpoint_save(actor, campaign, role, fields)


def same_endpoint(row: Endpoint, base_url: str, model: str) -> None:
    """Go on only when the role is played by this server and model."""
    if (row.base_url, row.model) != (base_url, model):
        raise WrongState(f"{row.role} is played by {row.model} at {row.base_url}; change it on the endpoints' page.")


def members_fill(actor: User, campaign: Campaign, file: CampaignFile) -> None:
    """Add people who are no members yet; who has another role is WrongState. The actor stays admin."""
    seen = dict(Membership.objects.filter(campaign=campaign).values_list("user__username", "role"))
    for place, one in enumerate(file.members):
        role = seen.get(one.user)
        if role not in (None, one.role) and one.user != actor.get_username():
            raise WrongState(f"{one.user} is {role} already, not {one.role}; change it on the settings' page.")
        if role is None:
            with placed(f"members.{place}"):
                member_set(actor=actor, campaign=campaign, username=one.user, role=one.role)


def budget_fill(actor: User, campaign: Campaign, file: CampaignFile) -> None:
    """Set the campaign's caps where it has none yet; other caps are WrongState."""
    row = Budget.objects.filter(campaign=campaign, scope="").first()
    there, wanted, nothing = cap_values(row.caps) if row else CapValues(), file.budget, CapValues()
    if there == nothing != wanted:
        budget_set(actor=actor, campaign=campaign, scope="", values=wanted)
    elif wanted not in (there, nothing):
        raise WrongState("The campaign has other caps already; change them on the settings' page.")


def imports_start(actor: User, campaign: Campaign, file: CampaignFile) -> Iterator[Waiting]:
    """The jobs that import what is not there whole."""
    if file.checkpoint and not campaign.checkpoints.filter(name=file.checkpoint.name).exists():
        with placed("checkpoint"):
            job = checkpoint_submit(actor=actor, campaign=campaign, **file.checkpoint.model_dump())
        yield Waiting("checkpoint", file.checkpoint.name, job)
    there = set(campaign.benchmarks.filter(num_items__gt=0).values_list("name", flat=True))
    for place, one in missing(file.benchmarks, there):
        with placed(f"benchmarks.{place}"):
            job = benchmark_submit(actor=actor, campaign=campaign, **one.model_dump())
        yield Waiting("benchmark", one.name, job)
    there = set(campaign.pools.filter(num_images__gt=0).values_list("name", flat=True))
    for place, one in missing(file.pools, there):
        with placed(f"pools.{place}"):
            job = pool_submit(actor=actor, campaign=campaign, **one.model_dump())
        yield Waiting("pool", one.name, job)


def missing(wanted: Sequence[NamedPath], there: set[str]) -> list[tuple[int, NamedPath]]:
    """What is not there, with its place in the file."""
    return [(place, one) for place, one in enumerate(wanted) if one.name not in there]


@contextmanager
def placed(place: str) -> Iterator[None]:
    """Name the place in the file in an error about one of its parts."""
    try:
        yield
    except InvalidInput as error:
        field = f"{place}.{error.field}"
        raise InvalidInput(f"{field}: {str(error).removeprefix(f'{error.field}: ')}", field=field) from error
