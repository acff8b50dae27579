"""Named errors: what happened, and whether waiting helps. Anything else that is raised is a bug."""


class DpeError(Exception):
    """The base of all named errors; ``str(error)`` is a sentence for the user."""

    code = "error"
    http_status = 500
    retryable = False

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class InvalidInput(DpeError):
    """Something that came from outside is not what it should be; ``field`` names it."""

    code, http_status = "invalid_input", 400


class NotAllowed(DpeError):
    """This person may not do this here."""

    code, http_status = "not_allowed", 403


class NotFound(DpeError):
    """There is no such thing, or this person may not know of it."""

    code, http_status = "not_found", 404


class WrongState(DpeError):
    """The thing changed since it was read; look again."""

    code, http_status = "wrong_state", 409


class LeaseLost(WrongState):
    """Another worker owns this job by now; nothing of this attempt may be published."""

    code = "lease_lost"


class NotConfigured(DpeError):
    """A setting is missing or wrong; the message says which one to set."""

    code = "not_configured"


class UpstreamUnavailable(DpeError):
    """A model endpoint did not answer; the same call may work later."""

    code, http_status, retryable = "upstream_unavailable", 503, True


class UpstreamRefused(DpeError):
    """A model endpoint answered that it will not do this; the same call will not work later either."""

    code, http_status = "upstream_refused", 502


class ShortOfSamples(DpeError):
    """A stage ended below its minimum; the message holds the table of shortfalls."""

    code, http_status = "short_of_samples", 409


class GpuJobFailed(DpeError):
    """A GPU child ended without a result; ``code`` is the child's own word when it left one."""

    code = "gpu_job_failed"

    def __init__(self, message: str, *, code: str = "gpu_job_failed") -> None:
        super().__init__(message)
        self.code = code


class JobCancelled(DpeError):
    """Somebody asked for this job to stop; raised at the next heartbeat."""

    code, http_status = "cancelled", 409


class JobPaused(DpeError):
    """This job holds still until somebody resumes it; ``code`` says why."""

    code, http_status = "paused_by_person", 409

    def __init__(self, message: str, *, code: str = "paused_by_person") -> None:
        super().__init__(message)
        self.code = code
