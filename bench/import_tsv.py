"""Importing a VLMEvalKit TSV on PostgreSQL against the raw limit: ``{"rows", "of_limit", "peak_rss_mb"}``.

The raw limit reads the lines, decodes base64 and every pixel, hashes, writes the picture files and copies the rows into
a table without an index: no csv, no checks, no thumbnails, no fsync, nothing to resume. Ours is the import job as a
worker runs it, thumbnails and fsync included. Both are one process with as many threads; the limit runs half of the
rows before ours and half after, so that a change of the machine's load meets both. ``of_limit`` is the limit's seconds
over ours. ``peak_rss_mb`` is the largest resident memory of our process, which has no children.
The file: 640x480 pictures, half photographs as JPEG, half diagrams as PNG, every one with bytes of its own.
"""

import base64
import csv
import io
import json
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import psycopg
from PIL import Image, ImageDraw

from core.domain.files import hash_bytes
from core.pictures import MIMES
from tests.servers import postgres_url

ROOT = Path(__file__).resolve().parents[1]
ROWS = int(os.environ.get("BENCH_ROWS", "100000"))
BASES = 64
SIZE = (640, 480)
THREADS = 3 * (os.cpu_count() or 1)
CHUNK = 256
TABLE = "bench_raw"
COLUMNS = ("index", "image", "question", "hint", "A", "B", "C", "D", "answer", "category", "l2-category", "split")


def main() -> None:
    """Make the file, run the limit, ours, and the limit again; print the figures."""
    with tempfile.TemporaryDirectory(prefix="dpe-bench-") as folder, postgres_url() as url:
        tsv = Path(folder) / "imports" / "bench.tsv"
        tsv.parent.mkdir()
        write_file(tsv, ROWS)
        print(f"{ROWS} rows, {tsv.stat().st_size >> 20} MiB", file=sys.stderr)
        half = ROWS // 2
        first = child("raw", tsv, url, 0, half)
        ours = child("ours", tsv, url, 0, ROWS)
        second = child("raw", tsv, url, half, ROWS)
    limit = first["seconds"] + second["seconds"]
    print(f"limit {limit:.1f} s ({first['seconds']:.1f} + {second['seconds']:.1f}), ours {ours['seconds']:.1f} s, ")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; thumbnails are in ours only")
    figures = {"rows": ours["rows"], "of_limit": round(limit / ours["seconds"], 3), "peak_rss_mb": ours["peak_rss_mb"]}
    print(json.dumps(figures))


def child(side: str, tsv: Path, url: str, start: int, stop: int) -> dict[str, float]:
    """One side in a process of its own."""
    command = [sys.executable, "-m", "bench.import_tsv", side, str(tsv), str(start), str(stop)]
    environment = {**os.environ, "DATABASE_URL": url, "DPE_VAR": str(tsv.parent.parent)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(side, result, file=sys.stderr)
    return result


# The file.


def write_file(path: Path, rows: int) -> None:
    """A TSV as VLMEvalKit writes it, every cell quoted."""
    rng = random.Random(5)
    bases = [picture(rng, number) for number in range(BASES)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(COLUMNS)
        for number in range(rows):
            data = base64.b64encode(marked(bases[number % BASES], number)).decode()
            question = f"Which of the four statements about part {number} of the picture is true?"
            options = [f"It holds {number % 7 + n} parts of this kind" for n in range(4)]
            facts = ["ABCD"[number % 4], f"skill.{number % 11}", "diagram", ""]
            writer.writerow([number, data, question, "", *options, *facts])


def picture(rng: random.Random, number: int) -> bytes:
    """A photograph as JPEG or a diagram as PNG."""
    buffer = io.BytesIO()
    if number % 2:
        photograph(rng).save(buffer, "JPEG", quality=75)
    else:
        diagram(rng).save(buffer, "PNG")
    return buffer.getvalue()


def photograph(rng: random.Random) -> Image.Image:
    """Soft patches with a little noise."""
    noise = np.random.default_rng(rng.randrange(1 << 30))
    patches = Image.frombytes("RGB", (20, 15), rng.randbytes(900)).resize(SIZE, Image.Resampling.BICUBIC)
    noisy = np.asarray(patches) + noise.normal(0, 3, (SIZE[1], SIZE[0], 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype("uint8"))


def diagram(rng: random.Random) -> Image.Image:
    """Boxes and labels on white."""
    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        x, y = rng.randrange(500), rng.randrange(400)
        draw.rectangle((x, y, x + rng.randrange(140), y + rng.randrange(80)), outline=tuple(rng.randbytes(3)))
        draw.text((x, y), f"part {rng.randrange(99)}", fill="black")
    return image


def marked(data: bytes, number: int) -> bytes:
    """The same picture with a comment of its own, so that every row has other bytes."""
    note = f"bench\0{number:08d}".encode()
    if data.startswith(b"\xff\xd8"):
        return data[:2] + b"\xff\xfe" + struct.pack(">H", len(note) + 2) + note + data[2:]
    chunk = b"tEXt" + note
    end = len(data) - 12
    return data[:end] + struct.pack(">I", len(note)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[end:]


# The limit.


def raw(tsv: Path, start: int, stop: int) -> int:
    """Read, decode, hash, decode pixels, write files, copy rows."""
    folder = Path(os.environ["DPE_VAR"]) / "raw"
    for number in range(256):
        (folder / f"{number:02x}").mkdir(parents=True, exist_ok=True)
    done = 0
    with ThreadPoolExecutor(THREADS) as pool, psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        fields = ", ".join(f"c{number} text" for number in range(len(COLUMNS) + 3))
        connection.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} ({fields})")
        lines = islice(raw_lines(tsv), start, stop)
        while chunk := list(islice(lines, CHUNK)):
            rows = list(pool.map(lambda cells: raw_row(cells, folder), chunk))
            with connection.cursor() as cursor, cursor.copy(f"COPY {TABLE} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            done += len(rows)
    return done


def raw_lines(tsv: Path) -> Iterator[list[str]]:
    """The cells of every line but the header, by the simplest cut."""
    with tsv.open(encoding="utf-8") as file:
        next(file)
        for line in file:
            yield line[1:-2].split('"\t"')


def raw_row(cells: list[str], folder: Path) -> list[str]:
    """The row with its picture's name, kind and size in place of the picture."""
    data = base64.b64decode(cells[1])
    sha = hash_bytes(data)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        facts = [sha, MIMES[image.format or ""], str(image.width), str(image.height)]
    (folder / sha[:2] / sha).write_bytes(data)
    return [cells[0], *facts, *cells[2:]]


# Ours.


def ours(tsv: Path) -> int:
    """The import job as a worker runs it."""
    from django.contrib.auth.models import User

    from core.campaigns import campaign_create
    from core.jobs.engine import Handler, execute_next
    from diagnostics.handlers import benchmark_import_job
    from diagnostics.services.benchmarks import benchmark_submit

    person = User.objects.create_superuser(f"bench{time.time_ns()}")
    campaign = campaign_create(actor=person, slug=f"bench-{time.time_ns()}", name="bench", seed=1, settings={})
    job = benchmark_submit(actor=person, campaign=campaign, name="bench", path=str(tsv))
    execute_next("work", {"benchmark_import": Handler(benchmark_import_job)})
    job.refresh_from_db()
    if job.status != "succeeded":
        raise RuntimeError(f"{job.status}: {job.error_message}")
    return int(job.result["items"])


def prepare_ours() -> None:
    """Start Django on an empty schema."""
    import django
    from celery import current_app
    from django.core.management import call_command

    os.environ["DJANGO_SETTINGS_MODULE"] = "dpe_site.settings"
    django.setup()
    current_app.conf.update(broker_url="memory://")  # nobody listens to hints here
    call_command("migrate", verbosity=0)


def measure(side: str, tsv: Path, start: int, stop: int) -> None:
    """Run one side and print its seconds, rows and peak memory."""
    if side == "ours":
        prepare_ours()
    started = time.perf_counter()
    rows = ours(tsv) if side == "ours" else raw(tsv, start, stop)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": round(seconds, 2), "peak_rss_mb": round(peak, 1)}))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
