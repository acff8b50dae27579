"""Tools that run here are in the ledger too: what went in and what came out, pictures by sha256."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils import timezone

from core.domain.files import hash_bytes
from core.jobs.context import JobContext
from core.models import ModelCall

CHUNK = 500
KEYS_A_QUERY = 50  # psycopg keeps a query that has no more parameters, and parses a longer one anew: 36 ms for 500 keys


@dataclass(frozen=True)
class ToolUse:
    """One use of a tool; ``version`` names how it works. The same use for the same subject is done once."""

    tool: str
    role: str
    subject: str
    version: str
    inputs: dict[str, Any]
    scope: str = ""
    skill: str = ""

    @cached_property
    def request_hash(self) -> str:
        """The content of what went in."""
        return hash_bytes(json.dumps([self.tool, self.version, self.inputs], sort_keys=True))

    def key(self, campaign_id: int) -> str:
        """The name of this use in the ledger."""
        return hash_bytes(f"{campaign_id}|{self.tool}|{self.subject}|{self.request_hash}")


def tools_used(campaign_id: int, uses: list[ToolUse]) -> dict[str, list[str]]:
    """What came out of those of these uses that were made before, by key."""
    keys = [use.key(campaign_id) for use in uses]
    chunks = (keys[start : start + KEYS_A_QUERY] for start in range(0, len(keys), KEYS_A_QUERY))
    rows = (ModelCall.objects.filter(idempotency_key__in=chunk) for chunk in chunks)
    return {key: out for found in rows for key, out in found.values_list("idempotency_key", "choices")}


def tool_uses_store(context: JobContext, done: list[tuple[ToolUse, list[str]]]) -> list[None]:
    """Store uses with what came out of them; one that is stored already stays as it is."""
    assert context.job.campaign_id is not None
    rows = [use_row(context, context.job.campaign_id, use, out) for use, out in done]
    ModelCall.objects.bulk_create(rows, batch_size=CHUNK, ignore_conflicts=True)
    return [None] * len(done)


def use_row(context: JobContext, campaign_id: int, use: ToolUse, out: list[str]) -> ModelCall:
    """The row of one use: answered, for it ran here."""
    return ModelCall(
        idempotency_key=use.key(campaign_id),
        campaign_id=campaign_id,
        tool=use.tool,
        job=context.job,
        role=use.role,
        subject=use.subject,
        scope=use.scope,
        round_number=context.round_number,
        skill=use.skill,
        request_hash=use.request_hash,
        prompt_version=use.version,
        inputs=use.inputs,
        choices=out,
        status="answered",
        answered_at=timezone.now(),
    )
