"""What can be known of a campaign before anything is written: one sentence a check, which says what to change."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.contrib.auth.models import User

from core.access import allowed
from core.campaign_file import CampaignFile, FileBenchmark, FileEndpoint, NamedPath
from core.campaign_settings import WIDEST_UNSIGNED
from core.capabilities import capabilities_of
from core.endpoint_models import models_check
from core.endpoint_test import Probe
from core.errors import InvalidInput
from core.keys import key_advice, key_of
from core.models import Campaign, Endpoint
from core.reach import base_url_allow
from core.roles import PICTURE_ROLES, REQUIRED_ROLES, ROLES
from datagen.pool_lines import pool_folder, pool_lines
from diagnostics.benchmark_file import BenchmarkFile, benchmark_file
from diagnostics.checkpoint_folder import checkpoint_look, has_adapters
from diagnostics.domain.splits import DEFAULT_SHARES, Split
from diagnostics.item_text import item_text
from training.services.training_runs import ROOM

Status = Literal["ok", "warn", "fail"]
MAX_COUNTED = 256 << 20
SHOWN = 4


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    status: Status
    sentence: str


def preflight(*, actor: User, file: CampaignFile, offline: bool = False) -> list[Check]:
    """Every check of the campaign, in the order of its file; nothing is written. ``offline`` asks no endpoint."""
    checks = [campaign_check(actor, file), *checkpoint_checks(file)]
    checks += [check for one in file.benchmarks for check in benchmark_checks(one, file)] or [lacking("benchmark")]
    checks += [pool_check(one) for one in file.pools] or [lacking("pool")]
    checks += [
        roles_check(file),
        *sight_checks(file),
        *key_checks(file),
        *endpoint_checks(actor, file, offline=offline),
    ]
    return [*checks, *member_checks(file), gate_check(file), device_check(file)]


def has_failed(checks: list[Check]) -> bool:
    """Whether anything stands in the way."""
    return any(check.status == "fail" for check in checks)


def lacking(kind: str) -> Check:
    """A group that names nothing."""
    return Check(kind, "fail", f"The campaign names no {kind}: without one no round can start.")


def campaign_check(actor: User, file: CampaignFile) -> Check:
    """Whether the slug is free, or taken by this very campaign."""
    seen = Campaign.objects.filter(slug=file.slug).first()
    if seen is None:
        return Check("campaign", "ok", f"{file.slug} is free.")
    if not allowed(actor, "admin", seen):
        return Check("campaign", "fail", f"A campaign {file.slug!r} exists: take another slug.")
    if (seen.name, seen.seed, seen.config) != (file.name, file.seed, file.settings):
        return Check("campaign", "fail", f"A campaign {file.slug!r} with other settings exists: take another slug.")
    return Check("campaign", "ok", f"{file.slug} exists; what it lacks is added.")


def checkpoint_checks(file: CampaignFile) -> Iterator[Check]:
    """Whether the checkpoint can be loaded, and whether the disk holds what training it writes."""
    if file.checkpoint is None:
        yield lacking("checkpoint")
        return
    try:
        folder, num_bytes = checkpoint_look(file.checkpoint.path)
    except (InvalidInput, OSError) as error:
        yield Check("checkpoint", "fail", bare(error))
        return
    if has_adapters(folder):
        yield Check("checkpoint", "fail", f"{folder} holds adapters: name the folder of their base, a full checkpoint.")
        return
    yield Check("checkpoint", "ok", f"{folder} is a vision-language checkpoint of {num_bytes / 1e9:.2f} GB.")
    yield disk_check(num_bytes)


def disk_check(num_bytes: int) -> Check:
    """Whether the disk has room for a training run."""
    root = Path(settings.RUNS_ROOT)
    place = next(path for path in (root, *root.parents) if path.exists())
    free, needed = shutil.disk_usage(place).free, ROOM * num_bytes
    sentence = f"{place} has {free / 1e9:.1f} GB free, training needs {needed / 1e9:.1f} GB ({ROOM} checkpoints)"
    return Check("disk", "ok" if free >= needed else "fail", f"{sentence}{'.' if free >= needed else ': free some.'}")


def benchmark_checks(one: FileBenchmark, file: CampaignFile) -> Iterator[Check]:
    """Whether the file can be read as a benchmark, and whether its skills have items enough."""
    name = f"benchmark {one.name}"
    try:
        found = benchmark_file(one.path, format=one.format, columns=one.columns)
        path = found.origin.path
        if next(found.rows(), None) is None:
            yield Check(name, "fail", f"{path} has no rows.")
        elif path.stat().st_size > MAX_COUNTED:
            yield Check(name, "ok", f"{path} has the columns of a benchmark; too large to count its skills here.")
        else:
            yield from skill_checks(name, skills_counted(found, one.name), file)
    except (InvalidInput, OSError) as error:
        yield Check(name, "fail", bare(error))


def skills_counted(file: BenchmarkFile, benchmark: str) -> dict[str, float]:
    """About how many probe items each skill has; rows that are wrong are left to the import, which names them all."""
    found: dict[str, float] = {}
    for row in file.rows():
        with suppress(InvalidInput):
            text = item_text(row, benchmark)
            found[text.skill] = found.get(text.skill, 0.0) + probe_share(text.split)
    return found


def probe_share(split: Split | None) -> float:
    """The chance that an item may be asked in a diagnosis; certain where the file says its split."""
    return DEFAULT_SHARES[Split.PROBE] if split is None else float(split is Split.PROBE)


def skill_checks(name: str, skills: dict[str, float], file: CampaignFile) -> Iterator[Check]:
    """Whether a diagnosis finds as many items a skill as it asks for."""
    wanted = file.settings.diagnosis.items_a_skill
    short = {skill: n for skill, n in sorted(skills.items()) if n < wanted}
    if not skills:
        yield Check(name, "fail", "None of its rows is a question that can be graded: the import would name each.")
    elif short:
        shown = ", ".join(f"{skill} about {n:.0f}" for skill, n in list(short.items())[:SHOWN])
        more = f" and {len(short) - SHOWN} more" if len(short) > SHOWN else ""
        sentence = f"{len(short)} of {len(skills)} skills have fewer than {wanted} items to ask: {shown}{more}."
        yield Check(name, "warn", f"{sentence} Their verdict may be: not enough data.")
    else:
        yield Check(name, "ok", f"{len(skills)} skills with at least {wanted} items each to ask in a round.")


def pool_check(one: NamedPath) -> Check:
    """Whether the folder has a list of pictures; the import checks every picture."""
    name = f"pool {one.name}"
    try:
        folder = pool_folder(one.path)
        first = next(pool_lines(folder), None)
    except (InvalidInput, OSError) as error:
        return Check(name, "fail", bare(error))
    if first is None:
        return Check(name, "fail", f"{folder / 'pool.jsonl'} lists no picture.")
    return Check(name, "ok", f"{folder} has a list of pictures.")


def roles_check(file: CampaignFile) -> Check:
    """Whether every role that a round needs is played."""
    missing = [role for role in REQUIRED_ROLES if role not in file.roles]
    if missing:
        return Check("roles", "fail", f"No endpoint plays {', '.join(missing)}: add the roles to an endpoint.")
    skipped = [role for role in ROLES if role not in file.roles]
    unplayed = f"; nobody plays {', '.join(skipped)}, which may be left out" if skipped else ""
    return Check("roles", "ok", f"Every needed role has an endpoint{unplayed}.")


def sight_checks(file: CampaignFile) -> Iterator[Check]:
    """Whether servers that this site has tested take pictures for the roles that look at them."""
    tested = Endpoint.objects.filter(campaign__slug=file.slug, checked_at__isnull=False)
    blind = {(row.base_url, row.model) for row in tested if capabilities_of(row).images is False}
    for role, one in file.roles.items():
        if role in PICTURE_ROLES and (one.base_url, one.model) in blind:
            yield Check(f"role {role}", "fail", f"{one.model} at {one.base_url} takes no pictures: name another one.")


def key_checks(file: CampaignFile) -> Iterator[Check]:
    """Whether there is a key by every name that is given, where this runs."""
    for name in sorted({one.key_env for one in file.endpoints if one.key_env}):
        is_set = bool(key_of(name))
        said = f"{name} is set." if is_set else key_advice(name)
        yield Check(f"key {name}", "ok" if is_set else "fail", said)


def endpoint_checks(actor: User, file: CampaignFile, *, offline: bool) -> Iterator[Check]:
    """Whether every endpoint may be asked and answers GET /models, all asked at once."""
    asked = {(one.base_url, one.model, one.key_env): one for one in file.endpoints}
    with ThreadPoolExecutor(8) as pool:
        yield from pool.map(lambda one: endpoint_check(actor, one, offline=offline), asked.values())


def endpoint_check(actor: User, one: FileEndpoint, *, offline: bool) -> Check:
    """Whether one endpoint may be used, answers, and serves its model."""
    name = f"endpoint {one.base_url}"
    try:
        is_private = base_url_allow(actor, one.base_url)
    except InvalidInput as error:
        return Check(name, "fail", bare(error))
    if offline or not key_of(one.key_env):
        return Check(name, "warn", "It was not asked whether it answers.")
    answers, sentence = models_check(Probe(one.base_url, one.model, one.key_env, is_private))
    if not answers:
        return Check(name, "fail", sentence)
    return Check(name, "warn" if sentence else "ok", sentence or f"It answers and serves {one.model}.")


def member_checks(file: CampaignFile) -> Iterator[Check]:
    """Whether everybody who is named has an account."""
    names = [one.user for one in file.members]
    known = set(User.objects.filter(username__in=names, is_active=True).values_list("username", flat=True))
    missing = [name for name in names if name not in known]
    if missing:
        yield Check(
            "members", "fail", f"Nobody signs in here as {', '.join(missing)}: manage.py user_create makes one."
        )
    elif names:
        yield Check("members", "ok", f"{len(names)} people will be members.")


def gate_check(file: CampaignFile) -> Check:
    """Whether somebody answers for a wide margin."""
    gate = file.settings.gate
    if gate.margin <= WIDEST_UNSIGNED:
        return Check("gate", "ok", f"A protected suite may lose at most {100 * gate.margin:g} points.")
    if gate.margin_signed_by:
        return Check("gate", "warn", f"{gate.margin_signed_by} signs a margin of {100 * gate.margin:g} points.")
    return Check("gate", "fail", "A margin wider than 3 points needs a name in settings.gate.margin_signed_by.")


def device_check(file: CampaignFile) -> Check:
    """What the web side cannot know."""
    engine = file.settings.engine
    if engine.device == "cpu":
        return Check("device", "ok", "cpu: any machine has one; a model of billions of weights needs cuda.")
    return Check("device", "warn", f"Whether the gpu worker's machine has {engine.device} cannot be seen from here.")


def bare(error: Exception) -> str:
    """The error's sentence without the field that it starts with."""
    return str(error).removeprefix("path: ").removeprefix("base_url: ")
