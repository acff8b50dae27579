"""Items keep their split for ever."""

from collections import Counter

import pytest

from diagnostics.domain.splits import Split, part_of, split_of

HASHES = [f"{i:064x}" for i in range(20_000)]


def test_an_item_keeps_its_split() -> None:
    assert " ".join(split_of(h) for h in HASHES[:6]) == "sealed gate gate probe gate sealed"


def test_splits_get_their_shares() -> None:
    counted = Counter(split_of(h, {Split.PROBE: 1, Split.GATE: 2, Split.SEALED: 1}) for h in HASHES)
    assert counted[Split.GATE] / 20_000 == pytest.approx(0.5, abs=0.015)
    assert counted[Split.SEALED] / 20_000 == pytest.approx(0.25, abs=0.015)


def test_a_split_without_a_share_gets_nothing() -> None:
    assert {split_of(h, {Split.PROBE: 0.5, Split.SEALED: 0.5}) for h in HASHES} == {Split.PROBE, Split.SEALED}
    assert {split_of(h, {Split.GATE: 0.1, Split.SEALED: 0.0}) for h in HASHES} == {Split.GATE}


def test_more_items_for_the_probe_never_come_from_sealed() -> None:
    narrow = {Split.PROBE: 0.2, Split.GATE: 0.6, Split.SEALED: 0.2}
    wide = {Split.PROBE: 0.4, Split.GATE: 0.4, Split.SEALED: 0.2}
    moves = {(split_of(h, narrow), split_of(h, wide)) for h in HASHES}
    assert moves - {(s, s) for s in Split} == {(Split.GATE, Split.PROBE)}


def test_parts_rotate_independently_of_splits() -> None:
    probes = [h for h in HASHES if split_of(h) is Split.PROBE]
    counted = Counter(part_of(h, 4) for h in probes)
    assert all(count / len(probes) == pytest.approx(0.25, abs=0.02) for count in counted.values())


@pytest.mark.parametrize("shares", [{}, {Split.PROBE: 0.0}, {Split.PROBE: 1.0, Split.GATE: -0.5}])
def test_shares_that_make_no_sense_are_refused(shares: dict[Split, float]) -> None:
    with pytest.raises(ValueError, match="shares"):
        split_of(HASHES[0], shares)
