"""What a campaign is made from: its inputs with the imports that go on, and the file that would make it again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath
from typing import Any

from django.utils import timezone

from core.budget_caps import CapValues, cap_values
from core.campaign_file import CampaignFile, FileBenchmark, FileEndpoint, FileMember, NamedPath
from core.errors import NotFound
from core.models import Campaign, Endpoint, Job
from core.models.jobs import LIVE
from core.roles import TIMEOUTS_S

IMPORT_KINDS = {"checkpoint_register": "checkpoint", "benchmark_import": "benchmark", "pool_import": "pool"}
REPORT_KINDS = {"benchmark_check": "dry run", "predictions_import": "predictions"}
RECENT = timedelta(days=7)
MAX_JOBS = 50
REPORTS = 8


@dataclass(frozen=True)
class ImportRow:
    """A job that imports something, or looks at it."""

    kind: str
    name: str
    path: str
    job: Job


def imports_now(campaign: Campaign) -> list[ImportRow]:
    """Imports that are live, and those that ended badly within a week and were not made good; newest first."""
    jobs = Job.objects.filter(campaign=campaign, kind__in=IMPORT_KINDS, created_at__gte=timezone.now() - RECENT)
    rows: dict[tuple[str, str], ImportRow] = {}
    for job in jobs.select_related("campaign", "actor").order_by("-id")[:MAX_JOBS]:
        name, path = str(job.spec.get("name", "")), str(job.spec.get("path", ""))
        rows.setdefault((job.kind, name), ImportRow(IMPORT_KINDS[job.kind], name, path, job))
    return [row for row in rows.values() if row.job.status != "succeeded"]


def imports_reported(campaign: Campaign) -> list[ImportRow]:
    """The latest dry runs and predictions of a week, whatever became of them; newest first."""
    jobs = Job.objects.filter(campaign=campaign, kind__in=REPORT_KINDS, created_at__gte=timezone.now() - RECENT)
    return [report_row(job) for job in jobs.defer("result").order_by("-id")[:REPORTS]]


def import_reported(campaign: Campaign, pk: int) -> ImportRow:
    """One dry run, or one import of predictions, with what it found; NotFound else."""
    job = campaign.jobs.filter(pk=pk, kind__in=REPORT_KINDS).first()
    if job is None:
        raise NotFound(f"There is no report on an import #{pk} in this campaign.")
    return report_row(job)


def report_row(job: Job) -> ImportRow:
    """The job with the name of its file, and whose predictions it brings in."""
    path, owner = str(job.spec["path"]), job.spec.get("checkpoint_name")
    about = f"{owner} on {job.spec['benchmark']}" if owner else PurePath(path).name
    return ImportRow(REPORT_KINDS[job.kind], about, path, job)


def are_live(rows: list[ImportRow]) -> bool:
    """Whether any of them may still change by itself."""
    return any(row.job.status in LIVE for row in rows)


def campaign_file_of(campaign: Campaign) -> CampaignFile:
    """The file that makes this campaign again; what was imported is named by the path it came from."""
    specs = import_specs(campaign)
    benchmarks, pools = (rows.values_list("name", flat=True) for rows in (campaign.benchmarks, campaign.pools))
    root = campaign.checkpoints.filter(parent__isnull=True).exclude(path="").order_by("id").first()
    return CampaignFile(
        slug=campaign.slug,
        name=campaign.name,
        seed=campaign.seed,
        checkpoint=NamedPath(name=root.name, path=root.path) if root else None,
        benchmarks=[FileBenchmark(**one) for one in named("benchmark_import", benchmarks, specs)],
        pools=[NamedPath(**one) for one in named("pool_import", pools, specs)],
        endpoints=endpoint_groups(list(campaign.endpoints.order_by("id"))),
        members=member_lines(campaign),
        budget=caps_of(campaign),
        settings=campaign.config,
    )


def import_specs(campaign: Campaign) -> dict[tuple[str, str], dict[str, Any]]:
    """How each input was asked for, by kind of job and name; the newest import that succeeded counts."""
    jobs = Job.objects.filter(campaign=campaign, kind__in=IMPORT_KINDS, status="succeeded").order_by("id")
    return {(kind, spec["name"]): spec for kind, spec in jobs.values_list("kind", "spec")}


def named(kind: str, names: Iterable[str], specs: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Inputs as the file says them; one whose import nobody remembers keeps its name as its path."""
    return [specs.get((kind, name), {"name": name, "path": name}) for name in sorted(names)]


def endpoint_groups(rows: list[Endpoint]) -> list[FileEndpoint]:
    """Endpoints that differ in their role only, as one."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for row in rows:
        groups.setdefault(tuple(endpoint_fields(row).items()), []).append(row.role)
    return [FileEndpoint.model_validate({"roles": roles, **dict(fields)}) for fields, roles in groups.items()]


def endpoint_fields(row: Endpoint) -> dict[str, Any]:
    """What the file says of an endpoint."""
    plain = ("base_url", "model", "key_env", "concurrency")
    prices = ("price_in", "price_out", "price_image")
    timeout_s = None if row.timeout_s == TIMEOUTS_S.get(row.role) else row.timeout_s
    told = {**{name: getattr(row, name) for name in plain}, "timeout_s": timeout_s}
    return {**told, **{name: float(getattr(row, name)) for name in prices}}


def caps_of(campaign: Campaign) -> CapValues:
    """The campaign's caps."""
    row = campaign.budgets.filter(scope="").first()
    return cap_values(row.caps) if row else CapValues()


def member_lines(campaign: Campaign) -> list[FileMember]:
    """Everybody in the campaign."""
    rows = campaign.memberships.order_by("user__username").values_list("user__username", "role")
    return [FileMember(user=user, role=role) for user, role in rows]
