"""What the demo runs: its folders, sizes and the campaign's settings, as the environment asks for it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.run.client import DemoError

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = ROOT / "demo" / "checkpoint"
MARGIN = 0.10
ROLES = (
    *("planner", "searcher", "selector", "analyst", "editor"),
    *("question_writer", "validator", "blind_solver"),
)
MAX_PORT = 65535
# The mini world's pictures are 84 pixels a side and flat: nearly nothing in them is an edge.
DRAWINGS = {
    "min_side": 84,
    "min_bytes": 100,
    "min_sharpness": 0.0,
    "drawing_min_bytes": 100,
    "drawing_min_sharpness": 0.0,
}


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

    def settings(self) -> dict[str, Any]:
        """The campaign's settings."""
        sizes = self.sizes
        sampling = {"num_answers": 9, "temperature": 1.0, "top_k": 40, "max_new_tokens": 16}
        generation = {
            "concurrency": 32,
            "max_refills": sizes.refills,
            "min_accept_share": sizes.share,
            "max_attempts": 1,
        }
        grpo = {
            "policy": "mini",
            "learning_rate": 5e-5,
            "beta": 0.04,
            "num_generations": 8,
            "prompts_per_step": sizes.prompts,
            "steps": sizes.steps,
            "micro_batch_size": 8 * sizes.prompts,
            "max_completion_tokens": 12,
            "save_every": 8,
        }
        return {
            "diagnosis": {"items_a_skill": sizes.items},
            "mixture": {"policy": "calibrated", "total": sizes.samples, "replay_share": 0.35},
            "generation": generation,
            "images": DRAWINGS,
            "difficulty": {"sampling": sampling},
            "gate": {"margin": MARGIN, "margin_signed_by": "demo", "items_a_suite": sizes.items},
            "engine": {"device": "cpu", "batch_size": 64, "threads": 2, "max_new_tokens": 16},
            "grpo": grpo,
        }


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
