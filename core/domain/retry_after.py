"""How long a server asked to be left alone, by the headers of its refusal."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds by ``retry-after-ms`` or ``Retry-After`` (seconds or an HTTP date), 0 or more; None when it says none.

    ``headers`` are asked by lower-case names.
    """
    milliseconds = number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "")
    seconds = number(text)
    return seconds if seconds is not None else seconds_until(text, now)


def number(text: str) -> float | None:
    """A finite number, 0 or more."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def seconds_until(date: str, now: datetime) -> float | None:
    """Seconds until an HTTP date; 0 when it is past."""
    try:
        at = parsedate_to_datetime(date)
    except (ValueError, IndexError, TypeError):
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
