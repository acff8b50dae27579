"""Checkpoints: registered once by their content."""

import json
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from core.access import audit, require
from core.domain.files import hash_bytes
from core.errors import InvalidInput
from core.jobs.services import JobRequest, job_submit
from core.models import Campaign, Job
from diagnostics.checkpoint_folder import CheckpointFacts, checkpoint_inspect
from diagnostics.import_paths import import_path
from diagnostics.models import Checkpoint


def checkpoint_submit(*, actor: User, campaign: Campaign, name: str, path: str) -> Job:
    """A job that registers the folder; a path outside the import folders is refused here and now."""
    require(actor, "research", campaign)
    folder = import_path(path)
    key = hash_bytes(json.dumps([campaign.pk, name, str(folder)]))
    request = JobRequest("checkpoint_register", {"name": name, "path": str(folder)}, dedup_key=f"checkpoint {key}")
    return job_submit(actor=actor, campaign=campaign, request=request)


def checkpoint_register(
    *,
    actor: User,
    campaign: Campaign,
    name: str,
    path: str | Path,
    parent: Checkpoint | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Checkpoint:
    """The folder as a checkpoint of the campaign; the same content again is the same row.

    A child (``parent`` given) may lie in RUNS_ROOT too. Hashing takes seconds a GB: call it outside of
    transactions, with a job's ``context.beat`` as ``tick``.
    """
    require(actor, "research", campaign)
    more_roots = (Path(settings.RUNS_ROOT),) if parent else ()
    facts = checkpoint_inspect(path, more_roots=more_roots, tick=tick)
    return checkpoint_save(actor=actor, campaign=campaign, name=name, facts=facts, parent=parent)


def checkpoint_save(
    *, actor: User, campaign: Campaign, name: str, facts: CheckpointFacts, parent: Checkpoint | None = None
) -> Checkpoint:
    """The row of a checked folder; where the folder moved, the row learns its new place."""
    require(actor, "research", campaign)
    if parent and parent.campaign_id != campaign.pk:
        raise InvalidInput("parent: it belongs to another campaign.", field="parent")
    parent = parent or base_of(campaign, facts.base)
    fields = {"name": name, "path": str(facts.path), "num_bytes": facts.num_bytes, "parent": parent}
    with transaction.atomic():
        row, is_new = Checkpoint.objects.get_or_create(
            campaign=campaign, content_hash=facts.content_hash, defaults=fields
        )
        if is_new:
            audit(actor, "checkpoint.registered", row, campaign=campaign, content_hash=row.content_hash)
        elif not row.path or not Path(row.path).is_dir():
            row.path = str(facts.path)
            row.save(update_fields=["path"])
            audit(actor, "checkpoint.moved", row, campaign=campaign, path=row.path)
    return row


def base_of(campaign: Campaign, named: str) -> Checkpoint | None:
    """The one full checkpoint of the campaign that adapters name as their base, by its path or its name.

    The words come from a foreign file: they are compared, never opened. None when no one checkpoint is meant.
    """
    meant = Q(path=named) | Q(name=named) | Q(name=named.rsplit("/", 1)[-1])
    found = [row for row in campaign.checkpoints.filter(meant) if not row.lacks] if named else []
    return found[0] if len(found) == 1 else None


def adapter_base_set(*, actor: User, adapter: Checkpoint, base: Checkpoint) -> None:
    """The base that adapters fit, as their parent; one that is known already stays."""
    require(actor, "research", adapter.campaign)
    with transaction.atomic():
        if Checkpoint.objects.filter(pk=adapter.pk, parent=None).update(parent=base):
            audit(actor, "checkpoint.base_set", adapter, campaign=adapter.campaign, base=base.pk)
