"""The mini world through the doors that any campaign uses: benchmark files and a folder of pool images."""

import base64
import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from core.domain.files import hash_bytes, write_atomic
from demo.world.scenes import Scene, scene_hash, to_png
from demo.world.splits import WorldSplit, world_split
from demo.world.suites import LETTERS, SUITES

COLUMNS = (
    "index", "image", "question", *LETTERS, "answer", "category", "l2-category", "split", "answer_type",
)  # fmt: skip
LICENCE, SOURCE = "CC0-1.0", "mini-world"
CAPTIONS = {
    "paint": "a blob of paint on a canvas",
    "shape": "one geometric shape",
    "balls": "some balls",
    "pair": "a map with roads, a house and a mark",
    "display": "a monitor with a number over a pulse line",
    "page": "a printed page with one large word",
    "bars": "a bar chart in colours",
    "clock": "a tower clock at a full hour",
    "sum": "two digits and a plus sign",
}


def draw_scenes(suite: str, split: WorldSplit, seed: int) -> Iterator[Scene]:
    """Different scenes of one suite and split without end, the same for the same seed."""
    rng = Random(f"scenes-{suite}-{split}-{seed}")
    seen: set[str] = set()
    while True:
        scene: Scene = SUITES[suite].draw(rng)
        name = scene_hash(scene)
        if world_split(name) == split and name not in seen:
            seen.add(name)
            yield scene


def benchmark_rows(suite: str, split: WorldSplit, items: int, seed: int) -> list[dict[str, str]]:
    """``items`` rows of one suite in VLMEvalKit's columns; ``index`` names the row by suite, split and place."""
    asking = Random(f"questions-{suite}-{split}-{seed}")
    facts = SUITES[suite]
    rows = []
    for i, scene in zip(range(items), draw_scenes(suite, split, seed), strict=False):
        asked = facts.ask(scene, asking)
        rows.append(
            {
                "index": f"{suite}-{split}-{i:05d}",
                "image": base64.b64encode(to_png(scene)).decode(),
                "question": asked.question,
                **{letter: asked.options.get(letter, "") for letter in LETTERS},
                "answer": asked.answer,
                "category": facts.skill,
                "l2-category": facts.image_type,
                "split": split,
                "answer_type": asked.answer_type,
            }
        )
    return rows


def write_rows(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write benchmark rows as one tab-separated file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(path, text.getvalue())


def write_benchmark(path: Path, suite: str, split: WorldSplit, items: int, seed: int) -> None:
    """One suite and one split as a VLMEvalKit file with the images inside."""
    write_rows(path, benchmark_rows(suite, split, items, seed))


def write_pool(folder: Path, per_suite: int, seed: int) -> Path:
    """``per_suite`` PNGs of each suite's pool split, shuffled, and the ``pool.jsonl`` that lists them.

    A file is named by its content, so that neither its name nor its line tells the suite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for suite in SUITES.values():
        for _, scene in zip(range(per_suite), draw_scenes(suite.name, "pool", seed), strict=False):
            png = to_png(scene)
            name = f"{hash_bytes(png)[:24]}.png"
            (folder / name).write_bytes(png)
            facts = {
                "file": name,
                "image_type": suite.image_type,
                "licence": LICENCE,
                "source": SOURCE,
                "caption": CAPTIONS[scene.kind],
            }
            lines.append(json.dumps(facts))
    Random(f"pool-{seed}").shuffle(lines)
    index = folder / "pool.jsonl"
    write_atomic(index, "\n".join(lines) + "\n")
    return index
