"""What the demo runs: its folders, sizes and addresses, as the environment asks for it."""

import os
from dataclasses import dataclass
from pathlib import Path

from demo.run.client import DemoError

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = ROOT / "demo" / "checkpoint"
GENERATIONS = 8  # answers a prompt, as demo/campaign.yaml says
ROLES = (
    *("planner", "searcher", "selector", "analyst", "editor"),
    *("question_writer", "validator", "blind_solver"),
)
MAX_PORT = 65535


@dataclass(frozen=True)
class Sizes:
    """How large a world's parts are.

    ``items`` are asked a suite, split and round, of ``bank`` that there are; ``pool`` counts pictures a suite.
    ``share`` of the ``samples`` must be accepted: once nothing is weak any more, little but the replay is. GRPO makes
    ``steps`` of ``prompts`` x 8 answers.
    """

    campaign: str = "mini-world"
    name: str = "Mini world"
    items: int = 200
    bank: int = 600
    pool: int = 400
    samples: int = 320
    share: float = 0.3
    refills: int = 1
    steps: int = 24
    prompts: int = 24


FULL = Sizes()
SMALL = Sizes("mini-world-small", "Mini world, small", 8, 16, 24, 22, 0.2, 0, 2, 8)


@dataclass(frozen=True)
class Plan:
    """One invocation of the demo. ``endpoint`` is the base URL of the agents' endpoint; empty: our own teacher,
    whose answers take ``latency_ms``.
    """

    port: int = 8000
    teacher_port: int = 8001
    var: Path = ROOT / "var"
    rounds: int = 1
    is_unattended: bool = False
    seed: int = 2602
    checkpoint: Path = CHECKPOINT
    endpoint: str = ""
    sizes: Sizes = FULL
    latency_ms: int = 0

    @property
    def base(self) -> str:
        """The site's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def agents(self) -> str:
        """Where the agents answer."""
        return self.endpoint or f"http://127.0.0.1:{self.teacher_port}/v1"

    @property
    def campaign(self) -> str:
        """The campaign's slug."""
        return self.sizes.campaign

    @property
    def facts(self) -> Path:
        """What is known of the checkpoint, beside its folder: what was planted."""
        return self.checkpoint.with_suffix(".json")

    @property
    def imports(self) -> Path:
        """Where files lie that the site may import."""
        return self.var / "imports"

    @property
    def world(self) -> Path:
        """The mini world's files."""
        return self.imports / self.campaign

    @property
    def folder(self) -> Path:
        """The demo's own files."""
        return self.var / "demo"

    @property
    def bills(self) -> Path:
        """The teacher's log."""
        return self.folder / "teacher.jsonl"

    def page(self, number: int) -> str:
        """The address of a round's page."""
        return f"{self.base}/campaigns/{self.campaign}/rounds/{number}/"


def plan_read() -> Plan:
    """The plan from the environment; a bad value is named."""
    port = whole("PORT", 8000, MAX_PORT)
    return Plan(
        port=port,
        teacher_port=whole("DEMO_TEACHER_PORT", port % MAX_PORT + 1, MAX_PORT),
        var=Path(os.environ.get("DPE_VAR") or ROOT / "var").resolve(),
        rounds=whole("DEMO_ROUNDS", 1, 100),
        is_unattended=flag("DEMO_EXIT"),
        seed=whole("DEMO_SEED", Plan.seed, 1 << 31),
        checkpoint=Path(os.environ.get("DEMO_CHECKPOINT") or CHECKPOINT).resolve(),
        endpoint=os.environ.get("DEMO_ENDPOINT", "").rstrip("/"),
        sizes=SMALL if flag("DEMO_SMALL") else FULL,
    )


def whole(name: str, default: int, most: int) -> int:
    """A whole number from 1 to ``most`` from the environment."""
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or not 0 < int(value) <= most:
        raise DemoError(f"{name} must be a whole number from 1 to {most}, not {value!r}.")
    return int(value)


def flag(name: str) -> bool:
    """A switch from the environment: 1 or 0."""
    value = os.environ.get(name) or "0"
    if value not in ("0", "1"):
        raise DemoError(f"{name} must be 0 or 1, not {value!r}.")
    return value == "1"
