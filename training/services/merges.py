"""Adapters merged into their base: a job whose child writes a full checkpoint, registered below the adapters."""

from pathlib import Path

from django.contrib.auth.models import User

from core.access import audit, require
from core.errors import InvalidInput
from core.gpu_runs import GpuRun, gpu_run
from core.jobs.context import JobContext
from core.jobs.services import JobRequest, job_submit
from core.models import Campaign, Job
from core.specs import FINAL_FOLDER, RESULT_FILE, MergeResult, MergeSpec, Places
from diagnostics.models import Checkpoint
from diagnostics.services.checkpoints import adapter_base_set, checkpoint_save
from training.services.training_runs import final_facts, room_check

KIND = "checkpoint_merge"


def merge_submit(*, actor: User, adapter: Checkpoint, base: Checkpoint | None = None) -> Job:
    """A job that merges the adapters; ``base`` may be left out where it is known."""
    campaign = adapter.campaign
    require(actor, "research", campaign)
    whole, device = base_checked(adapter, base), campaign.config.engine.device
    spec = {"adapter_id": adapter.pk, "base_id": whole.pk, "device": device}
    key = f"merge {adapter.pk} into {whole.pk}"
    request = JobRequest(KIND, spec, queue="gpu", dedup_key=key, gpus=int(device == "cuda"))
    return job_submit(actor=actor, campaign=campaign, request=request)


def base_named(campaign: Campaign, pk: int | None) -> Checkpoint | None:
    """The campaign's checkpoint of that id; None where none was named."""
    found = campaign.checkpoints.filter(pk=pk).first() if pk is not None else None
    if pk is not None and found is None:
        raise InvalidInput(f"base: this campaign has no checkpoint {pk}.", field="base")
    return found


def base_checked(adapter: Checkpoint, base: Checkpoint | None) -> Checkpoint:
    """The base that the adapters are merged into; InvalidInput says why there is none."""
    if not adapter.is_adapter:
        raise InvalidInput("checkpoint: it holds no adapters that could be merged.", field="checkpoint")
    if adapter.parent and base not in (None, adapter.parent):
        raise InvalidInput(f"base: these adapters belong to {adapter.parent.name}.", field="base")
    base = adapter.parent or base
    if base is None:
        raise InvalidInput("base: say on which checkpoint the adapters were trained.", field="base")
    if base.campaign_id != adapter.campaign_id or base.lacks:
        why = base.lacks or "it belongs to another campaign"
        raise InvalidInput(f"base: {base.name} cannot be used: {why}.", field="base")
    return base


def merge_execute(context: JobContext, adapter: Checkpoint, base: Checkpoint) -> Checkpoint:
    """Merge, or find it done; the full checkpoint. The same adapters and base again are the same row."""
    base = base_checked(adapter, base)
    run = GpuRun("gpu.merge", merge_spec(adapter, base, context.spec["device"]), lambda folder: None)
    if not (run.folder / RESULT_FILE).exists():
        room_check(base, "merging", 1)
    folder = gpu_run(context, run)
    result = MergeResult.model_validate_json((folder / RESULT_FILE).read_bytes())
    facts = final_facts(context, folder / FINAL_FOLDER, result.checkpoint_hash)
    actor, campaign, name = context.job.actor, adapter.campaign, f"{adapter.name[:110]}, merged"
    with context.writing():
        adapter_base_set(actor=actor, adapter=adapter, base=base)
        whole = checkpoint_save(actor=actor, campaign=campaign, name=name, facts=facts, parent=adapter)
        audit(actor, "checkpoint.merged", whole, campaign=campaign, adapter=adapter.pk, base=base.pk)
    return whole


def merge_spec(adapter: Checkpoint, base: Checkpoint, device: str) -> MergeSpec:
    """The child's work; nothing in it is left to chance."""
    threads = adapter.campaign.config.engine.threads
    places = Places(checkpoint=Path(base.path), adapter=Path(adapter.path), threads=threads)
    names = {"checkpoint_hash": base.content_hash, "adapter_hash": adapter.content_hash, "device": device}
    return MergeSpec.model_validate({**names, "seed": 0, "places": places})
