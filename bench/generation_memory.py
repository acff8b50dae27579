"""How much memory one worker process takes over 10,000 samples: ``{"samples", "peak_rss_mb"}``, at most 300 MB.

One worker does the whole chain on PostgreSQL: agents with pictures of about 50 KB and answers of about 1 KB, quality
control, the difficulty filter (a stand-in of the model writes the answers), the dataset. The peak is the process's
own, over its whole life, and is told on standard error after each job.
"""

import json
import os
import sys
from typing import Any

from bench.endpoint_server import server_open
from bench.generation_chain import Chain, Worker
from bench.generation_world import django_start, mixture_made, pictures_write, scratch

SLOTS = int(os.environ.get("BENCH_SAMPLES", "10000"))
LATENCY_S, WIDTH = 0.05, 32


def main() -> None:
    """Play one run without refills, print the figures."""
    with scratch() as folder:
        django_start(migrate=True)
        pictures = pictures_write(SLOTS + SLOTS // 10)
        with server_open(folder, LATENCY_S) as server:
            generation = {"max_refills": 0, "min_accept_share": 0.2, "concurrency": 2 * WIDTH}
            mixture = mixture_made(pictures, server.url, SLOTS, WIDTH, **generation)
            worker = Worker(folder / "worker.log")
            try:
                Chain(mixture, worker).play()
            finally:
                worker.kill()
        jobs = [json.loads(line) for line in worker.log.read_text().splitlines() if line.startswith("{")]
        print(*jobs, sep="\n", file=sys.stderr)
        print(json.dumps({"samples": sample_count(mixture), "peak_rss_mb": jobs[-1]["peak_rss_mb"]}))


def sample_count(mixture: Any) -> int:
    """Tries that were made, whatever became of them."""
    from datagen.models import Sample

    return Sample.objects.filter(slot__mixture=mixture).exclude(question="").count()


if __name__ == "__main__":
    main()
