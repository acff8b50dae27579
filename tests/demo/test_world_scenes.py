"""Pictures of the mini world and the descriptions inside them."""

from random import Random

import pytest

from demo.world.drawing import PIXELS
from demo.world.scenes import read_scene, render, scene_hash, to_png
from demo.world.splits import world_split
from demo.world.suites import SUITES


@pytest.mark.parametrize("name", SUITES)
def test_a_scene_travels_inside_its_picture(name: str) -> None:
    scene = SUITES[name].draw(Random(5))
    assert read_scene(to_png(scene)) == scene


@pytest.mark.parametrize("name", SUITES)
def test_equal_scenes_give_equal_bytes_and_one_size(name: str) -> None:
    one, other = SUITES[name].draw(Random(5)), SUITES[name].draw(Random(5))
    assert to_png(one) == to_png(other)
    assert render(one).size == (PIXELS, PIXELS)


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_has_more_than_100_000_different_scenes(name: str) -> None:
    rng = Random(11)
    drawn = [scene_hash(SUITES[name].draw(rng)) for _ in range(2_000)]
    # n draws from N equally likely scenes repeat n * n / 2N times: 20 times at N = 100,000
    assert len(drawn) - len(set(drawn)) <= 2


def test_a_picture_without_a_scene_is_refused() -> None:
    with pytest.raises(ValueError, match="not a PNG"):
        read_scene(b"GIF89a")
    with pytest.raises(ValueError, match="no scene"):
        read_scene(to_png(SUITES["sum"].draw(Random(1)))[:33])


def test_every_fifth_scene_is_a_probe_and_two_fifths_are_the_pool() -> None:
    rng = Random(2)
    splits = [world_split(scene_hash(SUITES["clock"].draw(rng))) for _ in range(2_000)]
    for split, share in (("probe", 0.2), ("gate", 0.2), ("sealed", 0.2), ("pool", 0.4)):
        assert splits.count(split) / 2_000 == pytest.approx(share, abs=0.04)  # type: ignore[arg-type]
