"""Pools of unlabelled pictures come in from a folder: all of it or nothing, once, and on after a kill."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.contrib.auth.models import User
from django.db.models import Count

from core.access import audit, require
from core.domain.files import hash_bytes, hash_file
from core.errors import InvalidInput, WrongState
from core.jobs.context import JobContext
from core.jobs.services import JobRequest, job_submit
from core.media import Picture, media_store, write_files
from core.models import Campaign, Job
from datagen.models import Pool, PoolImage
from datagen.pool_lines import LIST_FILE, Listed, pool_check, pool_folder

CHUNK_PICTURES = 150  # with their media and uses, below 500 rows a transaction
CHUNK_BYTES = 64 << 20
PAUSE_S = 0.02
WRITERS = 8  # files wait for the disk: eight at once take a fifth of the time


def pool_submit(*, actor: User, campaign: Campaign, name: str, path: str) -> Job:
    """A job that imports the folder; a path outside the import folders is refused here and now."""
    require(actor, "research", campaign)
    folder = pool_folder(path)
    key = hash_bytes(json.dumps([campaign.pk, name, str(folder)]))
    request = JobRequest("pool_import", {"name": name, "path": str(folder)}, dedup_key=f"pool {key}")
    return job_submit(actor=actor, campaign=campaign, request=request)


def pool_import(context: JobContext, *, campaign: Campaign, name: str, path: str) -> Pool:
    """The pool with all its pictures. The same list again changes nothing, another under this name is WrongState.

    Every line and picture is checked before the first is kept: a list with one bad line leaves nothing behind.
    """
    require(context.job.actor, "research", campaign)
    folder = pool_folder(path)
    file_hash = hash_file(folder / LIST_FILE, context.beat)
    seen = Pool.objects.filter(campaign=campaign, name=name).first()
    if seen:
        same_list(seen, file_hash)
    if seen and seen.num_images:
        return seen
    listed = pool_check(folder, lambda done: context.progress(done, done + 1, "lines checked"))
    with context.writing():
        pool, _ = Pool.objects.get_or_create(campaign=campaign, name=name, defaults={"file_hash": file_hash})
        same_list(pool, file_hash)
    write_pictures(context, pool, listed)
    return pool_close(context, pool)


def same_list(pool: Pool, file_hash: str) -> None:
    """Go on only when the pool comes from this very list."""
    if pool.file_hash != file_hash:
        raise WrongState(f"A pool {pool.name!r} from another list exists; give this one another name.")


def write_pictures(context: JobContext, pool: Pool, listed: list[Listed]) -> None:
    """Write what is missing in short transactions; files come first, outside of them."""
    known = set(pool.images.values_list("media_id", flat=True))
    missing = [one for one in listed if one.sha256 not in known]
    done = len(listed) - len(missing)
    for chunk in chunks(missing):
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(write_files, [picture for _, picture in chunk]))
        with context.writing():
            media_store(pool.campaign, [picture for _, picture in chunk])
            PoolImage.objects.bulk_create([image_row(pool, one) for one, _ in chunk])
        done += len(chunk)
        context.progress(done, len(listed), "pictures")
        time.sleep(PAUSE_S)


def chunks(missing: list[Listed]) -> Iterator[list[tuple[Listed, Picture]]]:
    """Lines with their pictures, few enough for one transaction."""
    chunk: list[tuple[Listed, Picture]] = []
    for one in missing:
        chunk.append((one, picture_again(one)))
        if len(chunk) == CHUNK_PICTURES or sum(len(picture.data) for _, picture in chunk) >= CHUNK_BYTES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def picture_again(one: Listed) -> Picture:
    """The picture that was checked, without decoding it again; InvalidInput when its file changed since."""
    data = Path(one.file).read_bytes()
    if hash_bytes(data) != one.sha256:
        raise InvalidInput(f"{one.line.file} changed while it was imported.", field="path")
    return Picture(data, one.sha256, one.mime, one.width, one.height)


def image_row(pool: Pool, one: Listed) -> PoolImage:
    """One picture of the pool."""
    line = one.line
    return PoolImage(
        pool=pool,
        media_id=one.sha256,
        image_type=line.image_type,
        licence=line.licence,
        source=line.source,
        caption=line.caption,
    )


def pool_close(context: JobContext, pool: Pool) -> Pool:
    """Say that the pool is whole: until then ``num_images`` is 0 and no slot draws from it."""
    counted = PoolImage.objects.filter(pool=pool).aggregate(n=Count("pk"))
    with context.writing():
        if Pool.objects.filter(pk=pool.pk, num_images=0).update(num_images=counted["n"]):
            audit(
                context.job.actor,
                "pool.imported",
                pool,
                campaign=pool.campaign,
                images=counted["n"],
                file_hash=pool.file_hash,
            )
    pool.refresh_from_db()
    return pool
