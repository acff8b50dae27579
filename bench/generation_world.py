"""What the benches of data generation run in: a database of their own, pictures of about 50 KB, approved mixtures."""

import io
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import psycopg
from PIL import Image

from bench.import_tsv import marked
from core.domain.files import hash_bytes
from core.pictures import PictureFacts
from tests.servers import postgres_url

ROLES = {"planner": 1, "question_writer": 2, "validator": 2, "blind_solver": 1}  # with how many a role works at once
TYPES = ("architectural", "diagram", "math_formula")
SKILLS = {
    "clock": (12, "weak", "architectural", "number"),
    "count": (15, "weak", "diagram", "number"),
    "sum": (38, "not_weak", "math_formula", "number"),
}
BASES = 16


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder and a database of PostgreSQL that end with the benchmark; the environment names both."""
    with tempfile.TemporaryDirectory(prefix="dpe-bench-") as folder, postgres_url() as url:
        name = f"bench_{os.getpid()}"
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}")
            own = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
            os.environ |= {"DPE_VAR": folder, "DATABASE_URL": own, "DJANGO_SETTINGS_MODULE": "dpe_site.settings"}
            try:
                yield Path(folder)
            finally:
                server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def django_start(*, migrate: bool = False) -> None:
    """Django in this process, with nobody who listens to hints."""
    import django
    from celery import current_app

    django.setup()
    current_app.conf.update(broker_url="memory://")
    if migrate:
        from django.core.management import call_command

        call_command("migrate", verbosity=0)


def pictures_write(number: int) -> dict[str, PictureFacts]:
    """Different photographs of about 50 KB each where stored pictures lie, by sha256."""
    from core.media import media_path

    rng, facts = random.Random(5), {}
    bases = [photograph_bytes(rng) for _ in range(BASES)]
    for place in range(number):
        data = marked(bases[place % BASES], place)
        sha = hash_bytes(data)
        media_path(sha).parent.mkdir(parents=True, exist_ok=True)
        media_path(sha).write_bytes(data)
        facts[sha] = PictureFacts("image/jpeg", 640, 480, len(data))
    return facts


def photograph_bytes(rng: random.Random) -> bytes:
    """One photograph as JPEG, of soft patches with grain, sharp enough for any campaign."""
    wide, high = 640, 480
    grain = np.random.default_rng(rng.randrange(1 << 30)).normal(0, 8, (high // 2, wide // 2, 3))
    patches = Image.frombytes("RGB", (20, 15), rng.randbytes(900)).resize((wide, high), Image.Resampling.BICUBIC)
    pixels = np.asarray(patches) + grain.repeat(2, 0).repeat(2, 1)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype("uint8")).save(buffer, "JPEG", quality=75)
    return buffer.getvalue()


def mixture_made(pictures: dict[str, PictureFacts], url: str, total: int, width: int, **generation: Any) -> Any:
    """An approved mixture of ``total`` slots in a campaign of its own, with these pictures and the server in all roles.

    ``width`` is how many calls may be under way at once: those of one role, or of writer and validator together.
    """
    from core.media import media_rows_write
    from core.models import Endpoint
    from datagen.models import Pool, PoolImage
    from tests.datagen.rows import make_approved, make_checkpoint
    from tests.factories import make_campaign

    campaign = make_campaign(mixture={"total": total}, generation=generation)
    for role, share in ROLES.items():
        Endpoint.objects.create(campaign=campaign, role=role, base_url=url, model=role, concurrency=width // share)
    make_checkpoint(campaign)
    media_rows_write(campaign, pictures)
    pool = Pool.objects.create(campaign=campaign, name="pool", file_hash="f", num_images=len(pictures))
    facts = {"licence": "CC0", "source": "bench"}
    rows = [PoolImage(pool=pool, media_id=sha, image_type=TYPES[i % 3], **facts) for i, sha in enumerate(pictures)]
    PoolImage.objects.bulk_create(rows, batch_size=500)
    mixture = make_approved(campaign, SKILLS, total=total)
    campaign.jobs.update(status="succeeded")  # the one that stood for the proposal: no worker shall find it
    return mixture
