"""One round from start to decision: what a person would do on its page, done as ``demo``."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from demo.run.client import CONFLICT, Api, DemoError, Json, Refused
from demo.run.deciding import decide
from demo.run.plan import Plan

POLL_S = 1.0
BROKEN = ("failed", "errored", "cancelled")
APPROVAL = "Approved by the demo, through the same door as a person."
Watch = Callable[[Json], None]


def round_open(plan: Plan, api: Api) -> int:
    """The number of the open round; a new one when none is open."""
    rounds = f"campaigns/{plan.campaign}/rounds"
    for _ in range(2):
        for row in api.get(rounds)["data"]:
            if not row["ended_at"]:
                return int(row["number"])
        with conflicts_passed():
            return int(api.post(rounds, {"checkpoint": None})["number"])
    raise DemoError("Somebody else starts and ends rounds of this campaign.")


@dataclass
class Player:
    """Plays one round for a person.

    ``watch`` sees the round at every look; ``say`` gets sentences for the terminal. A stage that failed is tried
    again ``tries - 1`` times, then it is a DemoError.
    """

    plan: Plan
    api: Api
    number: int
    watch: Watch
    say: Callable[[str], None]
    tries: int = 2
    poll_s: float = POLL_S
    _failures: dict[tuple[str, int, int], int] = field(default_factory=dict)

    def play(self) -> Json:
        """The round as the API shows it once it has ended."""
        while True:
            found = self.api.get(self._url)
            self.watch(found)
            if found["ended_at"]:
                return found
            with conflicts_passed():
                self._act(found)
            time.sleep(self.poll_s)

    @property
    def _url(self) -> str:
        return f"campaigns/{self.plan.campaign}/rounds/{self.number}"

    def _act(self, found: Json) -> None:
        """What the round waits for from a person."""
        stage = found["stages"][-1]
        if stage["status"] in BROKEN:
            self._retry(stage)
        elif found["waits_for"] == "approve":
            signed = {"manifest_hash": found["mixture"]["manifest_hash"], "comment": APPROVAL}
            self.api.post(f"{self._url}/approve", signed)
        elif found["waits_for"] == "decide":
            self.api.post(f"{self._url}/decide", decide(found["evaluation"]))

    def _retry(self, stage: Json) -> None:
        words = " ".join(stage["error_message"].split()) or stage["status"]
        sentence = f"Stage {stage['stage']} {stage['status']}: {words}"
        key = (stage["stage"], stage["take"], stage["job"])
        self._failures[key] = self._failures.get(key, 0) + 1
        if self._failures[key] >= self.tries:
            raise DemoError(f"{sentence} See {self.plan.page(self.number)}")
        self.say(f"{sentence} It is tried again; see {self.plan.page(self.number)}")
        self.api.post(f"{self._url}/retry", {})


@contextmanager
def conflicts_passed() -> Iterator[None]:
    """Pass over a 409: somebody, or a call of ours whose reply was lost, was faster; look again."""
    try:
        yield
    except Refused as error:
        if error.status != CONFLICT:
            raise
