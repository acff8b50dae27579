"""``python -m demo.make_model make --out DIR``: train, plant and search; ``freeze``: write the checkpoint folder."""

import argparse
from pathlib import Path

import torch

from demo.make_model.job import Job, Maker, settings_grid
from demo.make_model.supervised import Plan


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo.make_model", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where weights and log.jsonl go")
    parser.add_argument("--start", type=Path, help="weights of a finished base; needs --base-seconds 0 to be kept")
    parser.add_argument("--base-seconds", type=float, default=400, help="from the start of the process")
    parser.add_argument("--base-rate", type=float, default=1e-3)
    parser.add_argument("--plant-seconds", type=float, default=20)
    parser.add_argument("--plant-rate", type=float, default=2e-4)
    parser.add_argument("--seeds", type=int, nargs="*", default=[], help="worlds to plant")
    parser.add_argument("--rates", type=float, nargs="*", default=[], help="GRPO learning rates to try")
    parser.add_argument("--betas", type=float, nargs="*", default=[0.04])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--rows", type=int, default=512, help="items a chunk")
    parser.add_argument("--chunks", type=int, default=2, help="chunks a step")
    parser.add_argument("--items", type=int, default=200, help="evaluation items a suite")
    parser.add_argument("--eager", action="store_true", help="do not compile")
    return parser.parse_args()


def main() -> None:
    """Run the job that the arguments describe."""
    given = _arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    torch.set_float32_matmul_precision("high")
    job = Job(
        out=given.out,
        device=torch.device("cuda" if torch.cuda.device_count() else "cpu"),
        base=Plan(given.base_seconds, given.base_rate, given.chunks),
        plant=Plan(given.plant_seconds, given.plant_rate, given.chunks, warm_up=20),
        seeds=tuple(given.seeds),
        searched=settings_grid(given.rates, given.betas, given.steps),
        workers=given.workers,
        rows=given.rows,
        items=given.items,
        quick=not given.eager,
        start=given.start,
    )
    Maker(job).run()


if __name__ == "__main__":
    main()
