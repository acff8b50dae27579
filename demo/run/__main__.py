"""``python -m demo.run``: check, serve, seed, play the rounds, show what changed, keep serving."""

import json
import signal
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from demo.run.checks import check_all
from demo.run.client import Api, DemoError, Json
from demo.run.plan import CAMPAIGN, FACTS, Plan, plan_read
from demo.run.report import report_add, round_report
from demo.run.rounds import play_round
from demo.run.seeding import seed_campaign
from demo.run.servers import MemoryWatch, manage, person, start, stop


def main() -> None:
    """Run the demo; a fault is one line and exit status 1."""
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        plan = plan_read()
        check_all(plan)
        manage(plan, "migrate", "--verbosity", "0")
        run(plan, person(plan), console)
    except DemoError as error:
        sys.exit(f"dpe: {error}")
    except KeyboardInterrupt:
        console.print("stopped; make demo goes on where this ended")


def run(plan: Plan, demo: dict[str, str], console: Console) -> None:
    """Serve, play, and stay until Ctrl-C unless DEMO_EXIT=1."""
    server = start(plan)
    try:
        welcome(plan, demo, console)
        api = Api(plan.base, demo["token"])
        seed_campaign(plan, api, lambda line: console.print(f"[dim]{line}[/dim]"))
        play(plan, api, console)
        if not plan.exits:
            console.print("still serving; Ctrl-C ends it")
            wait(server)
    finally:
        stop(server)


def welcome(plan: Plan, demo: dict[str, str], console: Console) -> None:
    """Where to look, and how to get in."""
    console.print(f"\nDPE Studio at [bold]{plan.base}[/bold]")
    console.print(f"one-time login link: {plan.base}{demo['login_path']}", soft_wrap=True)
    if "password" in demo:
        console.print(f"or sign in as demo with the password {demo['password']}")


def play(plan: Plan, api: Api, console: Console) -> None:
    """The rounds that were asked for, each with its table and its entry in the report."""
    planted = json.loads(FACTS.read_text())["planted_suites"]
    memory = MemoryWatch()
    for _ in range(plan.rounds):
        found = play_round(api, console)
        entry = round_report(found, planted, memory.take())
        report_add(plan.folder / "report.json", entry)
        console.print(table(entry))
        console.print(
            f"{entry['decision']}: {plan.base}/campaigns/{CAMPAIGN}/rounds/{entry['number']}/", soft_wrap=True
        )


def table(entry: Json) -> Table:
    """Suite, before, after, difference with its interval."""
    found = Table(title=f"round {entry['number']}, gate split, paired by item")
    for name in ("suite", "items", "before", "after", "difference", "95% interval"):
        found.add_column(name, justify="left" if name == "suite" else "right")
    for suite, row in entry["suites"].items():
        name = f"{suite} (planted weakness)" if row["planted"] else suite
        interval = f"[{row['ci'][0]:+.3f}, {row['ci'][1]:+.3f}]".replace("[", r"\[")
        shown = (f"{row['before']:.3f}", f"{row['after']:.3f}", f"{row['diff']:+.3f}", interval)
        found.add_row(name, str(row["items"]), *shown)
    return found


def wait(server: "subprocess.Popen[bytes]") -> None:
    """Until Ctrl-C, or until the supervisor ends by itself."""
    if server.wait():
        raise DemoError("The supervisor ended; see var/log/supervisord.log.")


if __name__ == "__main__":
    main()
