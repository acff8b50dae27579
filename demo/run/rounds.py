"""One round from start to decision: what a person would do on its page, done as ``demo``."""

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from demo.run.client import Api, DemoError, Json
from demo.run.plan import CAMPAIGN, MARGIN

POLL_S = 1.0
BROKEN = ("failed", "errored", "cancelled")
ROUNDS = f"campaigns/{CAMPAIGN}/rounds"
Watch = Callable[[Json], None]


def play_round(api: Api, console: Console) -> Json:
    """Resume the open round or start the next one; the finished round as the API shows it."""
    number = open_round(api)
    url = f"{ROUNDS}/{number}"
    console.print(f"round {number}")
    with bars(console) as progress:
        return drive(api, url, Bars(progress).show)


def open_round(api: Api) -> int:
    """The number of the open round; a new one when none is open."""
    found = [row for row in api.get(ROUNDS)["data"] if not row["ended_at"]]
    return int(found[0]["number"] if found else api.post(ROUNDS, {"checkpoint": None})["number"])


def drive(api: Api, url: str, watch: Watch, sleep: Callable[[float], None] = time.sleep) -> Json:
    """Watch a round to its end; approve, decide, and give a failed stage one more chance."""
    retried: set[tuple[str, int]] = set()
    while True:
        found = api.get(url)
        watch(found)
        if found["ended_at"]:
            return found
        act(api, url, found, retried)
        sleep(POLL_S)


def act(api: Api, url: str, found: Json, retried: set[tuple[str, int]]) -> None:
    """What the round waits for from a person."""
    stage = found["stages"][-1]
    if stage["status"] in BROKEN:
        seen = (stage["stage"], stage["take"])
        if seen in retried:
            raise DemoError(f"Stage {stage['stage']} failed twice: {stage['error_message']}")
        retried.add(seen)
        api.post(f"{url}/retry", {})
    elif found["waits_for"] == "approve":
        comment = "Approved by the demo, as a person would on the page."
        api.post(f"{url}/approve", {"manifest_hash": found["mixture"]["manifest_hash"], "comment": comment})
    elif found["waits_for"] == "decide":
        api.post(f"{url}/decide", decide(found["evaluation"]["rows"]))


def decide(rows: list[Json]) -> Json:
    """What ``demo`` answers when the gate waits: promote a gain on the targets that costs no suite a lot."""
    targets = [row for row in rows if row["role"] == "target"]
    protected = [row for row in rows if row["role"] != "target"]
    gain = sum(row["diff"] for row in targets) / max(1, len(targets))
    worst = min([row["diff"] for row in protected], default=0.0)
    rule = f"mean gain on the targets {gain:+.3f}, worst protected suite {worst:+.3f}"
    if gain > 0 and worst > -MARGIN:
        return {"decision": "promoted", "comment": f"The gate could not tell; promoted by the demo: {rule}."}
    return {"decision": "rejected", "comment": f"The gate could not tell; rejected by the demo: {rule}."}


def bars(console: Console) -> Progress:
    """One line a stage."""
    return Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed:>6.0f} / {task.total:<6.0f} {task.fields[unit]:<12}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}"),
        console=console,
    )


class Bars:
    """Shows each stage's newest take as a bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[tuple[str, int], TaskID] = {}

    def show(self, found: Json) -> None:
        """Bring all bars up to date."""
        for stage in found["stages"]:
            key = (stage["stage"], stage["take"])
            if key not in self._tasks:
                name = stage["stage"] + (f" ({stage['take']})" if stage["take"] > 1 else "")
                self._tasks[key] = self._progress.add_task(name, total=1, unit="", state="")
            self._update(self._tasks[key], stage)

    def _update(self, task: TaskID, stage: Json) -> None:
        is_done = stage["status"] == "done"
        total = stage["total"] or 1
        done = total if is_done else stage["done"]
        state = stage["status"] if not is_done else f"{stage['seconds']:.0f} s"
        self._progress.update(task, total=total, completed=done, unit=stage["unit"], state=state)
        if is_done:
            self._progress.stop_task(task)
