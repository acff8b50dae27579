"""``python -m demo.teacher --port P --log FILE``: serve the teacher on 127.0.0.1."""

import argparse
from pathlib import Path

import uvicorn

from demo.teacher.app import Teacher
from demo.teacher.bill import Book


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="python -m demo.teacher", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True, help="what was paid for; also the teacher's memory")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--error-rate", type=float, default=0.04, help="share of written questions that are spoiled")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="how long every answer takes")
    given = parser.parse_args()
    teacher = Teacher(Book(given.log), given.seed, given.error_rate, given.latency_ms / 1000)
    uvicorn.run(teacher, host="127.0.0.1", port=given.port, log_level="warning", lifespan="off", access_log=False)


if __name__ == "__main__":
    main()
