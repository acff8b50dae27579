"""The REST door, as the demo uses it."""

import time
from typing import Any

import httpx

Json = dict[str, Any]
PATIENCE_S = 60.0


class DemoError(Exception):
    """Ends the demo with one line."""


class Api:
    """A person's token at one site; a problem answer is a DemoError with its sentence."""

    def __init__(self, base: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=f"{base}/api/v1/", headers={"Authorization": f"Token {token}"}, timeout=60.0
        )

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """One call; while the web side restarts it is made again, for a minute at most."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = self._client.request(method, path, json=body)
                break
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    raise DemoError(f"The web side does not answer: {error}") from error
                time.sleep(0.5)
        if answer.is_error:
            raise DemoError(problem_sentence(answer))
        result: Json = answer.json()
        return result

    def get(self, path: str) -> Json:
        """Read."""
        return self.call("GET", path)

    def post(self, path: str, body: Json) -> Json:
        """Do."""
        return self.call("POST", path, body)

    def wait(self, job_id: int) -> Json:
        """A job's result, once it ended well."""
        while True:
            job = self.get(f"jobs/{job_id}")
            if job["status"] not in ("waiting", "running"):
                break
            time.sleep(0.3)
        if job["status"] != "succeeded":
            raise DemoError(f"{job['kind']}: {job['error_message'].strip().splitlines()[-1]}")
        result: Json = job["result"]
        return result


def problem_sentence(answer: httpx.Response) -> str:
    """What went wrong, in one line."""
    try:
        detail = answer.json().get("detail", answer.text)
    except ValueError:
        detail = answer.text[:200]
    return f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {detail}"
