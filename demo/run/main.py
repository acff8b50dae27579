"""Check, write the world, serve, seed, play the rounds, show what changed, keep serving."""

import json
import signal
import subprocess
import sys

from rich.console import Console

from demo.run.checks import check_all
from demo.run.client import Api, DemoError, Json
from demo.run.memory import MemoryWatch
from demo.run.plan import Plan, plan_read
from demo.run.report import report_add, round_report
from demo.run.rounds import Player, round_open
from demo.run.screen import Bars, bars, farewell, welcome
from demo.run.seeding import seed_campaign
from demo.run.servers import api_open, manage, person, serving, try_teacher
from demo.run.world_files import write_world


def main() -> None:
    """Run the demo; a fault is one line and exit status 1."""
    console = Console(highlight=False)
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        plan = plan_read()
        check_all(plan)
        try_teacher(plan)
        demo(plan, console)
    except DemoError as error:
        sys.exit(f"dpe: {error}")
    except KeyboardInterrupt:
        console.print("\nended; the next make demo goes on from here")


def demo(plan: Plan, console: Console) -> None:
    """Prepare, serve, play, and stay until Ctrl-C unless nobody attends."""
    memory = MemoryWatch()
    with bars(console) as progress:
        shown = Bars(progress)
        write_world(plan, lambda done, total: shown.show("files", done, total, is_done=done == total))
    manage(plan, "migrate", "--verbosity", "0")
    visitor = person(plan)
    with serving(plan) as server:
        welcome(plan, visitor, console)
        api = api_open(plan, visitor["token"])
        with bars(console) as progress:
            seed_campaign(plan, api, Bars(progress).job)
        for _ in range(plan.rounds):
            farewell(plan, round_play(plan, api, memory, console), console)
        if not plan.is_unattended:
            console.print("still serving; Ctrl-C ends it")
            stay(server)


def round_play(plan: Plan, api: Api, memory: MemoryWatch, console: Console) -> Json:
    """Resume the open round or play the next one; its entry in the report."""
    memory.take()
    number = round_open(plan, api)
    console.print(f"round {number}: {plan.page(number)}", soft_wrap=True)
    with bars(console) as progress:
        player = Player(plan, api, number, Bars(progress).round, lambda words: console.print(words, markup=False))
        found = player.play()
    planted = json.loads(plan.facts.read_bytes())["planted_suites"]
    entry = round_report(found, planted, memory.take())
    report_add(plan.folder / "report.json", entry)
    return entry


def stay(server: "subprocess.Popen[bytes]") -> None:
    """Until Ctrl-C; a DemoError when the site ends before."""
    server.wait()
    raise DemoError("The site was ended from outside; see var/log/supervisord.log.")
