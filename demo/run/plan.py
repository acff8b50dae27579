"""What the demo runs: its folders, sizes and the campaign's settings."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.run.client import DemoError

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = ROOT / "demo" / "checkpoint"
FACTS = ROOT / "demo" / "checkpoint.json"
CAMPAIGN = "mini-world"
MARGIN = 0.10
ROLES = ("planner", "question_writer", "validator", "blind_solver")


@dataclass(frozen=True)
class Sizes:
    """How large the demo's parts are; ``bank`` items a suite and split, of which a round takes ``items``."""

    items: int = 200
    bank: int = 400
    pool: int = 500
    samples: int = 512
    steps: int = 31
    prompts: int = 32


SMALL = Sizes(items=16, bank=16, pool=40, samples=33, steps=2, prompts=8)


@dataclass(frozen=True)
class Plan:
    """One invocation of the demo, as the environment asks for it."""

    port: int = 8000
    teacher_port: int = 8001
    var: Path = ROOT / "var"
    rounds: int = 1
    exits: bool = False
    seed: int = 2602
    checkpoint: Path = CHECKPOINT
    sizes: Sizes = field(default_factory=Sizes)

    @property
    def base(self) -> str:
        """The site's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def imports(self) -> Path:
        """Where files lie that the site may import."""
        return self.var / "imports"

    @property
    def folder(self) -> Path:
        """The demo's own files."""
        return self.var / "demo"

    def settings(self) -> dict[str, Any]:
        """The campaign's settings; docs/mini-world.md says where the GRPO values come from."""
        sizes = self.sizes
        return {
            "diagnosis": {"items_a_skill": sizes.items},
            "mixture": {"policy": "calibrated", "total": sizes.samples, "replay_share": 0.35},
            "generation": {"concurrency": 32, "max_refills": 3, "min_accept_share": 0.5 if sizes is SMALL else 0.8},
            "difficulty": {
                "sampling": {"num_answers": 9, "temperature": 1.0, "top_k": 40, "max_new_tokens": 16},
            },
            "gate": {"margin": MARGIN, "margin_signed_by": "demo", "items_a_suite": sizes.items},
            "engine": {"device": "cpu", "batch_size": 64, "threads": 2, "max_new_tokens": 16},
            "grpo": {
                "policy": "mini",
                "learning_rate": 5e-5,
                "beta": 0.04,
                "num_generations": 8,
                "prompts_per_step": sizes.prompts,
                "steps": sizes.steps,
                "micro_batch_size": 8 * sizes.prompts,
                "max_completion_tokens": 16,
                "save_every": 10,
            },
        }


def plan_read() -> Plan:
    """The plan from the environment; a bad value is named."""
    var = Path(os.environ.get("DPE_VAR", ROOT / "var")).resolve()
    port = whole("PORT", 8000)
    return Plan(
        port=port,
        teacher_port=whole("DEMO_TEACHER_PORT", port + 1),
        var=var,
        rounds=whole("DEMO_ROUNDS", 1),
        exits=os.environ.get("DEMO_EXIT", "0") == "1",
        seed=whole("DEMO_SEED", 2602),
        checkpoint=Path(os.environ.get("DEMO_CHECKPOINT", CHECKPOINT)),
        sizes=SMALL if os.environ.get("DEMO_SMALL", "0") == "1" else Sizes(),
    )


def whole(name: str, default: int) -> int:
    """A positive whole number from the environment."""
    value = os.environ.get(name, str(default))
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise DemoError(f"{name} must be a whole number from 1 to 65535, not {value!r}.")
    return int(value)
