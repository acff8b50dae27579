"""Seeds depend on their parts and on nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from core.domain.seeds import seed_of

PARTS = st.lists(st.one_of(st.text(max_size=20), st.integers()), max_size=5)


def test_a_seed_is_the_same_on_every_machine() -> None:
    assert seed_of(7, "slot-3", 0, "writer") == 1187213515699104735


@given(PARTS, PARTS)
def test_other_parts_give_another_seed(a: list[str | int], b: list[str | int]) -> None:
    assert (seed_of(*a) == seed_of(*b)) == ([(type(x), x) for x in a] == [(type(x), x) for x in b])


@given(PARTS)
def test_a_seed_fits_into_63_bits(parts: list[str | int]) -> None:
    assert 0 <= seed_of(*parts) < 2**63


def test_parts_do_not_run_into_each_other() -> None:
    assert len({seed_of("ab", "c"), seed_of("a", "bc"), seed_of("abc"), seed_of(1), seed_of("1")}) == 5
