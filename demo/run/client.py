"""The REST door, as the demo uses it."""

import time
from typing import Any

import httpx

Json = dict[str, Any]
PATIENCE_S = 90.0
PAUSE_S = 0.3
RESTARTING = (502, 503, 504)
UNKNOWN_TOKEN = 401
CONFLICT = 409


class DemoError(Exception):
    """Ends the demo with one line."""


class Refused(DemoError):
    """The site said no, with an HTTP status."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Api:
    """A person's token at one site; a problem answer is a Refused with its sentence."""

    def __init__(self, base: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Token {token}"}
        self._client = httpx.Client(base_url=f"{base}/api/v1/", headers=headers, timeout=60.0, transport=transport)

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """One call; while the web side restarts it is made again, for a minute and a half at most."""
        deadline = time.monotonic() + PATIENCE_S
        while (answer := self._try(method, path, body)) is None:
            if time.monotonic() > deadline:
                raise DemoError(f"{self._client.base_url} does not answer; see the logs in var/log.")
            time.sleep(PAUSE_S)
        if answer.is_error:
            raise Refused(answer.status_code, problem_sentence(answer))
        result: Json = answer.json()
        return result

    def _try(self, method: str, path: str, body: Json | None) -> httpx.Response | None:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.TransportError:
            return None
        return None if answer.status_code in RESTARTING else answer

    def get(self, path: str) -> Json:
        """Read."""
        return self.call("GET", path)

    def post(self, path: str, body: Json) -> Json:
        """Do."""
        return self.call("POST", path, body)

    def is_known(self) -> bool:
        """Whether the site knows the token."""
        try:
            self.get("campaigns")
        except Refused as error:
            if error.status != UNKNOWN_TOKEN:
                raise
            return False
        return True


def problem_sentence(answer: httpx.Response) -> str:
    """What went wrong, in one line."""
    try:
        detail = str(answer.json().get("detail", answer.text))
    except ValueError:
        detail = answer.reason_phrase
    return f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {' '.join(detail.split())}"
