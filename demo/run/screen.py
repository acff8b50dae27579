"""What the terminal shows: what goes on, one line a stage, and the table at the end."""

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from demo.run.client import Json
from demo.run.plan import Plan

COLUMNS = ("suite", "items", "before", "after", "difference", "95% interval")
STILL = ("done", "stale")


def bars(console: Console) -> Progress:
    """One line a thing, live; nothing where the output is no terminal."""
    return Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed:>6.0f} / {task.total:<6.0f} {task.fields[unit]:<14}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}"),
        console=console,
        disable=not console.is_terminal,
    )


class Bars:
    """Shows things by name as bars; where the output is no terminal, a line when one ends."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._ended: set[str] = set()

    def show(self, name: str, done: int, total: int, unit: str = "", *, state: str = "", is_done: bool = False) -> None:
        """Bring one bar up to date."""
        if name in self._ended:
            return
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=1, unit="", state="")
        whole = total or 1
        task = self._tasks[name]
        self._progress.update(task, total=whole, completed=whole if is_done else done, unit=unit, state=escape(state))
        if is_done:
            self._ended.add(name)
            self._progress.stop_task(task)
            if not self._progress.console.is_terminal:
                self._progress.console.print(f"{name}: {whole} {unit} {state}".rstrip())

    def job(self, name: str, job: Json) -> None:
        """Bring the bar of an import up to date."""
        is_done = job["status"] == "succeeded"
        state = "" if job["status"] in ("running", "succeeded") else job["status"]
        self.show(name, job["done"], job["total"], job["unit"], state=state, is_done=is_done)

    def round(self, found: Json) -> None:
        """Bring the bars of a round's stages up to date."""
        for stage in found["stages"]:
            name = stage["stage"] + (f" ({stage['take']})" if stage["take"] > 1 else "")
            is_done = stage["status"] in STILL
            state = f"{stage['seconds']:.0f} s" if is_done else stage["waiting_for"] or stage["status"]
            self.show(name, stage["done"], stage["total"], stage["unit"], state=state, is_done=is_done)


def result_table(entry: Json) -> Table:
    """Suite, before, after, difference with its interval, of a report's entry; what was planted is named."""
    found = Table(title=f"round {entry['number']}: gate split, the same items before and after")
    for name in COLUMNS:
        found.add_column(name, justify="left" if name == "suite" else "right")
    for suite, row in entry["suites"].items():
        name = f"{suite} (planted)" if row["planted"] else suite
        shown = (f"{row['before']:.3f}", f"{row['after']:.3f}", f"{row['diff']:+.3f}")
        found.add_row(name, str(row["items"]), *shown, escape(f"[{row['ci'][0]:+.3f}, {row['ci'][1]:+.3f}]"))
    found.add_section()
    found.add_row("mean", "", f"{entry['mean_before']:.3f}", f"{entry['mean_after']:.3f}")
    for name in ("planted", "unplanted"):
        pool = entry[name]
        found.add_row(f"mean, {name}", "", "", "", f"{pool['diff']:+.3f}", f"lower {pool['lower']:+.3f}")
    return found


def welcome(plan: Plan, demo: dict[str, str], console: Console) -> None:
    """Where to look, and how to get in."""
    console.print(f"\nDPE Studio: {plan.base}", soft_wrap=True)
    console.print(f"one-time login link: {plan.base}{demo['login_path']}", soft_wrap=True)
    if "password" in demo:
        console.print(f"or sign in as demo with the password {demo['password']}", markup=False)
    console.print()


def farewell(plan: Plan, entry: Json, console: Console) -> None:
    """How the round ended, and where its page is."""
    console.print(result_table(entry))
    seconds = f"{entry['seconds']:.0f} s, largest process {entry['peak_rss_mb']:.0f} MiB"
    console.print(f"round {entry['number']} {entry['decision']} after {seconds}")
    console.print(f"its page: {plan.page(entry['number'])}\n", soft_wrap=True)
