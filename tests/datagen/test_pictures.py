"""Pictures are drawn in slot order, each once, the same whatever was done before a kill."""

from hypothesis import given
from hypothesis import strategies as st

from datagen.pictures import Want, pictures_choose

POOL = {"map": [f"m{i:03d}" for i in range(40)], "chart": [f"c{i:03d}" for i in range(10)]}


def wants(number: int, had=None, kind="map") -> list[Want]:
    return [Want(i, kind, seed=i * 31 + 7, had=(had or {}).get(i)) for i in range(number)]


def test_each_slot_gets_a_picture_of_its_type_and_no_two_the_same():
    chosen = pictures_choose(wants(40), POOL, set())
    assert sorted(chosen.values()) == POOL["map"]


def test_used_pictures_are_never_drawn_and_slots_beyond_the_pool_get_none():
    chosen = pictures_choose(wants(10, kind="chart"), POOL, {"c001", "c005"})
    drawn = [name for name in chosen.values() if name]
    assert len(drawn) == 8 and not {"c001", "c005"} & set(drawn)
    assert [index for index, name in chosen.items() if name is None] == [8, 9]


def test_a_type_without_a_pool_gives_none():
    assert pictures_choose(wants(2, kind="medical"), POOL, set()) == {0: None, 1: None}


def test_a_picture_in_two_types_is_used_once():
    pools = {"map": ["a", "b"], "chart": ["a", "b"]}
    both = [Want(0, "map", 1), Want(1, "chart", 1), Want(2, "map", 2), Want(3, "chart", 3)]
    chosen = list(pictures_choose(both, pools, set()).values())
    assert sorted(name for name in chosen if name) == ["a", "b"] and chosen.count(None) == 2


@given(st.sets(st.integers(0, 29)))
def test_whatever_was_done_before_a_kill_the_others_get_what_they_would_have_got(done):
    whole = pictures_choose(wants(30), POOL, set())
    had = {index: whole[index] for index in done}
    assert pictures_choose(wants(30, had), POOL, set()) == whole


@given(st.sets(st.integers(0, 29)), st.sets(st.integers(0, 60)))
def test_when_the_pool_changed_meanwhile_slots_keep_theirs_and_nobody_else_gets_it(done, new):
    whole = pictures_choose(wants(30), POOL, set())
    had = {index: whole[index] for index in done}
    grown = {"map": [*POOL["map"][5:], *(f"k{i}" for i in new)]}
    chosen = pictures_choose(wants(30, had), grown, set())
    assert all(chosen[index] == name for index, name in had.items())
    drawn = [name for name in chosen.values() if name]
    assert len(drawn) == len(set(drawn))


def test_the_order_in_which_pool_and_slots_are_listed_changes_nothing():
    turned = {kind: names[::-1] for kind, names in POOL.items()}
    assert pictures_choose(wants(20)[::-1], turned, set()) == pictures_choose(wants(20), POOL, set())


def test_another_seed_draws_another_picture():
    one = [pictures_choose([Want(0, "map", seed)], POOL, set())[0] for seed in range(50)]
    assert len(set(one)) > 20
