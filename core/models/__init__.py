"""Tables that every app points down to."""

from core.models.budgets import Budget
from core.models.calls import Endpoint, ModelCall
from core.models.campaigns import AuditEvent, Campaign, Membership
from core.models.jobs import Job, JobEvent
from core.models.media import CampaignMedia, Media
from core.models.workers import Worker

__all__ = [
    "AuditEvent",
    "Budget",
    "Campaign",
    "CampaignMedia",
    "Endpoint",
    "Job",
    "JobEvent",
    "Media",
    "Membership",
    "ModelCall",
    "Worker",
]
