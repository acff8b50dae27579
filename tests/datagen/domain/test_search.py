"""Pictures are found by words and dealt out in slot order, the same whatever was done before a kill."""

from hypothesis import given
from hypothesis import strategies as st

from datagen.domain.search import Shelf, Want, pictures_deal, words_of

MAPS = {f"m{i:03d}": f"a map of town {i}" for i in range(40)}
CHARTS = {f"c{i:03d}": "a chart" for i in range(10)}


def shelves() -> dict[str, Shelf]:
    return {"map": Shelf(MAPS), "chart": Shelf(CHARTS)}


def wants(number: int, kind="map", queries=("a map", "a town"), seen=frozenset()) -> list[Want]:
    return [Want(i, kind, queries, seed=i * 31 + 7, seen=seen) for i in range(number)]


def names_of(found) -> dict[int, frozenset[str]]:
    return {index: frozenset(name for names in lists for name in names) for index, lists in found.items()}


def test_words_are_compared_whole_and_without_case():
    assert words_of("A Map, of_Paris: 12!") == {"a", "map", "of", "paris", "12"}
    shelf = Shelf({"x": "red barn", "y": "Red house by the sea", "z": "reddish"})
    assert shelf.best(words_of("the RED house"), 5) == "y"


def test_the_picture_that_shares_most_words_is_found_whatever_the_seed_and_ties_go_by_it():
    assert {Shelf(MAPS).best(words_of("map of town 17"), seed) for seed in range(50)} == {"m017"}
    assert {Shelf(MAPS).best(words_of("nothing like it"), seed) for seed in range(40)} == set(MAPS)


def test_each_query_finds_at_most_three_and_no_picture_is_dealt_twice():
    found = pictures_deal(wants(5), shelves(), {})
    assert all([len(names) for names in lists] == [3, 3] for lists in found.values())
    dealt = [name for lists in found.values() for names in lists for name in names]
    assert len(dealt) == len(set(dealt)) == 30


def test_nobody_gets_a_second_picture_while_another_slot_has_none():
    found = names_of(pictures_deal(wants(10, "chart"), shelves(), {}))
    assert [len(names) for names in found.values()] == [1] * 10
    found = names_of(pictures_deal(wants(7, "chart"), shelves(), {}))
    assert sorted(len(names) for names in found.values()) == [1] * 4 + [2] * 3
    found = names_of(pictures_deal(wants(12, "chart"), shelves(), {}))
    assert [len(names) for names in found.values()] == [1] * 10 + [0] * 2


def test_what_a_slot_saw_in_an_earlier_try_is_not_found_again():
    found = names_of(pictures_deal(wants(1, "chart", seen=frozenset(list(CHARTS)[:6])), shelves(), {}))
    assert found[0] == set(list(CHARTS)[6:])


def test_a_type_without_pictures_gives_none_and_a_picture_of_two_types_is_dealt_once():
    assert pictures_deal(wants(2, "medical"), shelves(), {}) == {0: [[], []], 1: [[], []]}
    both = {"map": Shelf({"a": "x", "b": "x"}), "chart": Shelf({"a": "x", "b": "x"})}
    mixed = [Want(0, "map", ("x",), 1), Want(1, "chart", ("x",), 1), Want(2, "map", ("x",), 2)]
    found = names_of(pictures_deal(mixed, both, {}))
    assert found[0] | found[1] == {"a", "b"} and found[2] == set()


@given(st.sets(st.integers(0, 14)), st.sampled_from(["map", "chart"]))
def test_slots_that_got_theirs_before_a_kill_leave_the_others_what_they_would_have_got(done, kind):
    whole = pictures_deal(wants(15, kind), shelves(), {})
    dealt = {index: names for index, names in names_of(whole).items() if index in done}
    left = [want for want in wants(15, kind) if want.index not in done]
    again = pictures_deal(left, shelves(), dealt)
    assert again == {index: whole[index] for index in again}
