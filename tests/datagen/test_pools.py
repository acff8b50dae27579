"""A pool comes in whole or not at all, from inside the import folders only, once, and on after a kill."""

import json

import pytest

from core.errors import InvalidInput, NotAllowed, WrongState
from core.media import media_path, thumbnail_path
from core.models import AuditEvent, CampaignMedia, Media
from datagen.models import Pool, PoolImage
from datagen.services import pools
from datagen.services.pools import pool_import, pool_submit
from tests.datagen.rows import make_context_for, png, write_pool
from tests.factories import make_campaign, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return make_campaign()


def bring(campaign, folder, name="pool") -> Pool:
    return pool_import(make_context_for(campaign), campaign=campaign, name=name, path=str(folder))


def rewrite(folder, change, line=2):
    """Change the given line (from 1) of the folder's list."""
    lines = (folder / "pool.jsonl").read_text().splitlines()
    lines[line - 1] = change(json.loads(lines[line - 1]))
    (folder / "pool.jsonl").write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines) + "\n")


def test_every_picture_is_kept_with_type_licence_and_source(campaign, import_root):
    pool = bring(campaign, write_pool(import_root / "p", 5))
    assert pool.num_images == 5
    image = pool.images.order_by("id").first()
    assert (image.image_type, image.licence, image.source) == ("map", "CC0-1.0", "test")
    assert media_path(image.media_id).read_bytes() == png(0) and thumbnail_path(image.media_id).exists()
    assert CampaignMedia.objects.filter(campaign=campaign).count() == Media.objects.count() == 5


def test_a_line_may_carry_a_caption_of_300_characters_that_a_search_finds_it_by(campaign, import_root):
    folder = write_pool(import_root / "p", 2)
    rewrite(folder, lambda line: {**line, "caption": " a map of Ulm "})
    assert set(bring(campaign, folder).images.values_list("caption", flat=True)) == {"", "a map of Ulm"}
    for number, bad in enumerate(["x" * 301, "a\x00b", 7]):
        rewrite(folder, lambda line, bad=bad: {**line, "caption": bad})
        with pytest.raises(InvalidInput, match="line 2: caption"):
            bring(campaign, folder, name=f"bad {number}")


def test_the_same_list_again_changes_nothing_and_another_is_refused(campaign, import_root):
    folder = write_pool(import_root / "p", 3)
    first = bring(campaign, folder)
    assert bring(campaign, folder).pk == first.pk
    assert AuditEvent.objects.filter(action="pool.imported").count() == 1
    write_pool(import_root / "p", 4)
    with pytest.raises(WrongState, match="another list"):
        bring(campaign, folder)
    assert bring(campaign, folder, name="second").num_images == 4


def test_a_pool_that_is_whole_is_not_read_again(campaign, import_root, monkeypatch):
    folder = write_pool(import_root / "p", 3)
    first = bring(campaign, folder)
    monkeypatch.setattr(pools, "pool_check", None)
    assert bring(campaign, folder).pk == first.pk


def test_an_import_that_was_killed_goes_on_where_it_stood(campaign, import_root, monkeypatch):
    monkeypatch.setattr(pools, "CHUNK_PICTURES", 3)
    folder = write_pool(import_root / "p", 10)
    real, wrote = pools.media_store, []

    def dies_at_the_third(campaign, pictures):
        if len(wrote) == 2:
            raise SystemExit
        wrote.append(len(pictures))
        real(campaign, pictures)

    monkeypatch.setattr(pools, "media_store", dies_at_the_third)
    with pytest.raises(SystemExit):
        bring(campaign, folder)
    assert Pool.objects.get().num_images == 0 and PoolImage.objects.count() == 6
    monkeypatch.setattr(pools, "media_store", lambda c, pictures: wrote.append(len(pictures)) or real(c, pictures))
    assert bring(campaign, folder).num_images == 10
    assert wrote == [3, 3, 3, 1]
    assert list(PoolImage.objects.order_by("id").values_list("media_id", flat=True)) == [
        listed.sha256 for listed in pools.pool_check(folder, lambda done: None)
    ]


def test_a_picture_that_is_listed_twice_is_one_picture(campaign, import_root):
    folder = write_pool(import_root / "p", 3)
    (folder / "2.png").write_bytes(png(0))
    assert bring(campaign, folder).num_images == 2


def without(name):
    return lambda line: {key: value for key, value in line.items() if key != name}


BAD_LINES = {
    "no JSON": lambda line: "{not json",
    "a list": lambda line: "[1]",
    "no licence": without("licence"),
    "no source": without("source"),
    "no type": without("image_type"),
    "an empty licence": lambda line: {**line, "licence": " "},
    "an unknown field": lambda line: {**line, "gold": "3"},
    "a type that is no name": lambda line: {**line, "image_type": "Natural Scene!"},
    "a file that is not there": lambda line: {**line, "file": "nothing.png"},
    "a folder": lambda line: {**line, "file": "."},
    "a path out of the folder": lambda line: {**line, "file": "../outside.png"},
    "an absolute path": lambda line: {**line, "file": "/etc/passwd"},
    "a link out of the folder": lambda line: {**line, "file": "link.png"},
    "a link through a folder": lambda line: {**line, "file": "way/outside.png"},
    "a URL": lambda line: {**line, "file": "http://127.0.0.1/a.png"},
    "a file URL": lambda line: {**line, "file": "file:///etc/passwd"},
    "a NUL": lambda line: {**line, "file": "a\0.png"},
    "a text": lambda line: {**line, "file": "text.png"},
    "half a picture": lambda line: {**line, "file": "half.png"},
    "a very long line": lambda line: {**line, "source": "x" * 20_000},
}


@pytest.mark.parametrize("change", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_named_by_its_number_and_nothing_is_kept(campaign, import_root, change):
    folder = write_pool(import_root / "p", 4)
    (import_root / "outside.png").write_bytes(png(77))
    (folder / "link.png").symlink_to(import_root / "outside.png")
    (folder / "way").symlink_to(import_root)
    (folder / "text.png").write_text("hello")
    (folder / "half.png").write_bytes(png(5)[:60])
    rewrite(folder, change)
    with pytest.raises(InvalidInput, match=r"pool\.jsonl line 2: ") as caught:
        bring(campaign, folder)
    assert caught.value.field == "pool.jsonl:2"
    assert not Pool.objects.exists() and not Media.objects.exists() and not PoolImage.objects.exists()


def test_a_link_inside_the_folder_is_fine(campaign, import_root):
    folder = write_pool(import_root / "p", 2)
    (folder / "again.png").symlink_to(folder / "0.png")
    rewrite(folder, lambda line: {**line, "file": "again.png"})
    assert bring(campaign, folder).num_images == 1


def test_a_folder_outside_the_import_folders_is_refused_before_there_is_a_job(campaign, tmp_path, import_root):
    outside = write_pool(tmp_path / "elsewhere", 2)
    link = import_root / "link"
    link.symlink_to(outside)
    for path in (outside, link, import_root / "nothing", import_root):
        with pytest.raises(InvalidInput) as caught:
            pool_submit(actor=campaign.created_by, campaign=campaign, name="p", path=str(path))
        assert caught.value.field == "path"


def test_a_list_that_is_a_link_out_of_the_import_folders_is_refused(campaign, tmp_path, import_root):
    folder = write_pool(import_root / "p", 2)
    (folder / "pool.jsonl").rename(tmp_path / "pool.jsonl")
    (folder / "pool.jsonl").symlink_to(tmp_path / "pool.jsonl")
    with pytest.raises(InvalidInput):
        bring(campaign, folder)


def test_an_empty_list_is_named(campaign, import_root):
    folder = write_pool(import_root / "p", 1)
    (folder / "pool.jsonl").write_text("\n\n")
    with pytest.raises(InvalidInput, match="no picture"):
        bring(campaign, folder)


def test_a_picture_that_changes_during_the_import_stops_it(campaign, import_root, monkeypatch):
    folder = write_pool(import_root / "p", 2)
    real = pools.pool_check

    def check(*args):
        listed = real(*args)
        (folder / "1.png").write_bytes(png(99))
        return listed

    monkeypatch.setattr(pools, "pool_check", check)
    with pytest.raises(InvalidInput, match="changed"):
        bring(campaign, folder)


def test_one_live_job_imports_a_folder_and_only_researchers_may_start_it(campaign, import_root):
    folder = str(write_pool(import_root / "p", 2))
    job = pool_submit(actor=campaign.created_by, campaign=campaign, name="p", path=folder)
    assert pool_submit(actor=campaign.created_by, campaign=campaign, name="p", path=folder).pk == job.pk
    assert (job.kind, job.queue, job.spec["name"]) == ("pool_import", "work", "p")
    with pytest.raises(NotAllowed):
        pool_submit(actor=make_user(), campaign=campaign, name="p", path=folder)
