"""Mutated files through the importer: a named error or whole rows, never a traceback, never half of a benchmark."""

import base64
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from core.domain.files import hash_bytes
from core.errors import DpeError
from core.media import media_path
from diagnostics.handlers import benchmark_import_job, predictions_import_job
from diagnostics.models import Benchmark
from tests.diagnostics.makers import b64, png, tsv_row, write_tsv
from tests.factories import make_campaign, make_context, make_job

NUM_FILES = int(os.environ.get("MUTATED_FILES", "400"))  # 5,000 in the nightly run
SEED = 2602
NASTY = (
    b"\0",
    b"\xff\xfe",
    b'"',
    b"\t",
    b"\n",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\\",
    b"\\ud800",
    b"../",
    b"/etc/passwd",
    b"NaN",
)
PICTURES = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def tsv_file(folder: Path) -> Path:
    rows = [tsv_row(1), tsv_row(2, image="1"), tsv_row(3, image=str([b64(3), b64(4)])), tsv_row(4, hint="x")]
    return write_tsv(folder / "b.tsv", rows)


def json_file(folder: Path) -> Path:
    rows = [{"id": n, "question": "?", "options": ["a", "b"], "answer": n % 2, "image": b64(n)} for n in range(3)]
    rows.append({"id": 9, "question": "?", "answer": "yes", "image": "../../secret.png", "category": "x"})
    return write(folder / "b.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())


def parquet_file(folder: Path) -> Path:
    images = pa.array([{"bytes": png(n), "path": f"{n}.png"} for n in range(4)], PICTURES)
    table = pa.table({"question": ["?"] * 4, "answer": ["yes", "no"] * 2, "image": images})
    pq.write_table(table, folder / "b.parquet", row_group_size=2)
    return folder / "b.parquet"


def arrow_file(folder: Path) -> Path:
    table = pa.table({"question": ["?"] * 2, "answer": ["yes", "3"], "image": [png(1), png(2)]})
    with pa.ipc.new_stream(folder / "b.arrow", table.schema) as writer:
        writer.write_table(table)
    return folder / "b.arrow"


def langfuse_file(folder: Path) -> Path:
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + b64(1)}}
    asked = [{"role": "user", "content": [{"type": "text", "text": "?"}, url]}]
    items = [{"id": str(n), "input": asked, "expectedOutput": "yes", "metadata": {"category": "x"}} for n in range(2)]
    return write(folder / "b.json", json.dumps({"data": items}).encode())


def picture_file(format: str) -> Callable[[Random, Path], Path]:
    buffer = io.BytesIO()
    Image.frombytes("RGB", (40, 30), Random(1).randbytes(3600)).save(buffer, format)

    def make(random: Random, folder: Path) -> Path:
        image = base64.b64encode(mutated(buffer.getvalue(), random)).decode()
        return write_tsv(folder / "b.tsv", [tsv_row(1), tsv_row(2, image=image)])

    return make


def whole_file(make: Callable[[Path], Path]) -> Callable[[Random, Path], Path]:
    def mutate(random: Random, folder: Path) -> Path:
        path = make(folder)
        return write(path, mutated(path.read_bytes(), random))

    return mutate


MAKERS = [
    *map(whole_file, (tsv_file, json_file, parquet_file, arrow_file, langfuse_file)),
    *map(picture_file, ("PNG", "JPEG", "WEBP", "GIF", "BMP")),
]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def mutated(data: bytes, random: Random) -> bytes:
    """One to four changes: bytes flipped, cut out, doubled, put in, or the end cut off."""
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data) or 1)
        size = random.choice((1, 1, 2, 8, 100))
        change = random.randrange(5)
        if change == 0:
            data = data[:at] + random.randbytes(size) + data[at + size :]
        elif change == 1:
            data = data[:at] + data[at + size :]
        elif change == 2:
            data = data[:at] + data[at : at + size] * 2 + data[at + size :]
        elif change == 3:
            data = data[:at] + random.choice(NASTY) + data[at:]
        else:
            data = data[: max(at, 1)]
    return data


def is_whole(benchmark: Benchmark) -> bool:
    return benchmark.num_items > 0 and benchmark.num_items == benchmark.items.count()


@pytest.mark.django_db
@pytest.mark.timeout(1800)
def test_mutated_benchmarks_are_refused_by_name_or_come_in_whole(tmp_path, import_root, settings):
    folder = import_root / "inner"
    folder.mkdir()
    (import_root / "secret.png").write_bytes(png(99))
    before = outside(tmp_path, settings)
    campaign, random = make_campaign(), Random(SEED)
    for number in range(NUM_FILES):
        path = MAKERS[number % len(MAKERS)](random, folder)
        job = make_job(campaign=campaign, spec={"name": f"b{number}", "path": str(path)})
        try:
            benchmark_import_job(make_context(job))
        except DpeError:
            assert not Benchmark.objects.filter(name=f"b{number}").exists(), number
        path.unlink()
    assert all(is_whole(benchmark) for benchmark in Benchmark.objects.all())
    assert 0 < Benchmark.objects.count() < NUM_FILES, "some come in, some are refused"
    assert outside(tmp_path, settings) == before
    assert not media_path(hash_bytes(png(99))).exists(), "the picture beside the folder was not read"


def outside(tmp_path: Path, settings) -> set[Path]:
    """All files that are neither stored pictures nor the file being imported."""
    files = {path for path in tmp_path.rglob("*") if path.is_file()}
    return {path for path in files if not path.is_relative_to(settings.MEDIA_ROOT)}


@pytest.mark.django_db
@pytest.mark.timeout(600)
def test_mutated_predictions_are_refused_by_name_or_come_in_whole(import_root):
    campaign, random = make_campaign(), Random(SEED)
    bench = tsv_file(import_root)
    benchmark_import_job(make_context(make_job(campaign=campaign, spec={"name": "bench", "path": str(bench)})))
    log = {"target": "B", "resps": [["\\boxed{B}", "A"]], "filtered_resps": ["B"], "doc_hash": "ab" * 32}
    text = "".join(json.dumps({"doc_id": n, **log}) + "\n" for n in (1, 2, 3)).encode()
    table = "".join(f"{n}\tB\t\\boxed{{B}}\n" for n in (1, 2, 3)).encode()
    files = {"p.jsonl": text, "p.tsv": b"index\tanswer\tprediction\n" + table}
    for number in range(NUM_FILES // 4):
        name = random.choice(list(files))
        path = write(import_root / name, mutated(files[name], random))
        spec = {"benchmark": "bench", "checkpoint_name": f"m{number}", "path": str(path)}
        try:
            predictions_import_job(make_context(make_job(campaign=campaign, spec=spec)))
        except DpeError:
            assert not campaign.answer_runs.filter(checkpoint__name=f"m{number}").exists()
    runs = list(campaign.answer_runs.all())
    assert runs and all(run.is_complete and run.answers.count() == run.num_items * run.num_answers for run in runs)
