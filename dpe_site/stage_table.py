"""What each kind of job does, and what follows from its success: the only place that knows all apps."""

from core.jobs.engine import Handler

HANDLERS: dict[str, Handler] = {}
