"""``make test``: the whole suite on SQLite and on PostgreSQL, side by side on two cores, each with a Redis.

A run's output is printed whole when it has ended; the exit status is 0 only when both are.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.servers import postgres_url, redis_url

ROOT = Path(__file__).resolve().parents[1]


def start(name: str, url: str, redis: str, var: str) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "REDIS_URL": redis,
        "DPE_VAR": f"{var}/{name}",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--durations=8", *sys.argv[1:]]
    with Path(f"{var}/{name}.log").open("w") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)


def main() -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dpe-test-") as var, postgres_url() as postgres, redis_url() as redis:
        runs = {
            "sqlite": start("sqlite", f"sqlite:///{var}/test.sqlite3", redis, var),
            "postgresql": start("postgresql", postgres, redis, var),
        }
        for name, run in runs.items():
            run.wait()
            print(f"== {name}\n{Path(f'{var}/{name}.log').read_text()}", flush=True)
    print(f"both runs took {time.monotonic() - started:.0f} s")
    return max(run.returncode for run in runs.values())


if __name__ == "__main__":
    sys.exit(main())
