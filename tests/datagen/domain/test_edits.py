"""Shares keep their sum while a person moves them, and quotas are what the policy's own rule allocates."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.domain.edits import MixtureEdit, changes, edited, regroup, reweigh
from datagen.domain.mixture import Proposal, Purpose, Row, manifest_hash

NAMES = st.sampled_from("abcdefgh")
SHARES = st.dictionaries(NAMES, st.floats(0, 1e5), min_size=1)
WANTED = st.dictionaries(NAMES, st.floats(0, 1e5))
COUNTS = st.dictionaries(NAMES, st.integers(0, 12_500), min_size=1).filter(lambda counts: any(counts.values()))
ROWS = (
    Row("clock", Purpose.TARGET, 2.0, 60, "weak: 12 of 40 right", (("reasoning", 3),)),
    Row("word", Purpose.TARGET, 1.0, 5, "not enough data"),
    Row("colour", Purpose.REPLAY, 0.5, 35, "not weak: 38 of 40 right"),
)
PROPOSAL = Proposal("calibrated", 100, ROWS, ("No skill is shown weak.",))


def edit(shares=None, purposes=None, locked=(), current=ROWS, who="ada") -> Proposal:
    return edited(PROPOSAL, current, MixtureEdit(shares or {}, purposes or {}, locked), who)


def quotas(proposal: Proposal) -> dict[str, int]:
    return {row.skill: row.quota for row in proposal.rows}


@given(SHARES, WANTED, st.sets(NAMES))
def test_the_sum_stays_nobody_is_negative_and_who_is_locked_does_not_move(shares, wanted, locked):
    found = reweigh(shares, wanted, locked=locked)
    assert math.isclose(math.fsum(found.values()), math.fsum(shares.values()), rel_tol=1e-9, abs_tol=1e-9)
    assert min(found.values()) >= 0
    assert all(found[skill] == shares[skill] for skill in locked & set(shares))
    assert list(found) == list(shares)


@given(SHARES, WANTED, st.sets(NAMES))
def test_the_order_of_the_skills_does_not_matter(shares, wanted, locked):
    back = reweigh(dict(reversed(shares.items())), dict(reversed(wanted.items())), locked=locked)
    assert reweigh(shares, wanted, locked=locked) == pytest.approx(back)


def test_the_others_give_way_in_proportion():
    assert reweigh({"a": 20, "b": 60, "c": 20}, {"a": 60}) == {"a": 60, "b": 30, "c": 10}
    assert reweigh({"a": 20, "b": 60, "c": 20}, {"a": 60}, locked={"c"}) == {"a": 60, "b": 20, "c": 20}


def test_what_is_wanted_beyond_the_room_is_cut_and_nobody_left_means_the_wanted_take_it():
    assert reweigh({"a": 20, "b": 60, "c": 20}, {"a": 500}, locked={"c"}) == {"a": 80, "b": 0, "c": 20}
    assert reweigh({"a": 50, "b": 50}, {"a": 1, "b": 3}) == {"a": 25, "b": 75}
    assert reweigh({"a": 50, "b": 50}, {"a": 10}, locked={"b"}) == {"a": 50, "b": 50}


def test_a_group_moves_as_one_and_its_locked_members_stay():
    shares = {"a": 40, "b": 20, "c": 30, "d": 10}
    assert regroup(shares, {"c", "d"}, 20) == {"a": pytest.approx(160 / 3), "b": pytest.approx(80 / 3), "c": 15, "d": 5}
    assert regroup(shares, {"c", "d"}, 70, locked={"d"}) == {"a": 20, "b": 10, "c": 60, "d": 10}
    assert regroup(shares, set(), 70) == shares


def test_others_that_had_nothing_share_equally():
    assert reweigh({"a": 9, "b": 0, "c": 0}, {"a": 3}) == {"a": 3, "b": 3, "c": 3}


@given(COUNTS)
def test_whole_numbers_that_make_up_the_total_become_quotas_exactly(counts):
    rows = tuple(Row(skill, Purpose.TARGET, 1.0, 0, "") for skill in counts)
    original = Proposal("calibrated", sum(counts.values()), (replace(rows[0], quota=sum(counts.values())), *rows[1:]))
    assert quotas(edited(original, original.rows, MixtureEdit(counts), "ada")) == counts


def test_quotas_sum_to_the_total_whatever_was_asked():
    assert quotas(edit({"clock": 33.3})) == {"clock": 33, "word": 8, "colour": 59}
    assert quotas(edit({"clock": 1, "word": 1, "colour": 1})) == {"clock": 34, "word": 33, "colour": 33}
    assert quotas(edit({"clock": 0})) == {"clock": 0, "word": 13, "colour": 87}


def test_a_note_says_who_changed_what_and_the_hash_signs_it():
    found = edit({"clock": 50}, {"word": Purpose.REPLAY}, locked={"word"})
    assert found.notes == (
        "No skill is shown weak.",
        "Edited by ada: clock 60 → 50; word replay instead of target; colour 35 → 45.",
    )
    other = edit({"clock": 50}, {"word": Purpose.REPLAY}, locked={"word"}, who="bob")
    assert len({manifest_hash(found), manifest_hash(other), manifest_hash(PROPOSAL)}) == 3


def test_what_is_replayed_aims_at_nothing_and_aims_again_as_a_target():
    replayed = edit({}, {"clock": Purpose.REPLAY})
    assert replayed.rows[0].directions == ()
    assert edit({}, {"clock": Purpose.TARGET}, current=replayed.rows) == PROPOSAL


def test_back_at_its_numbers_it_is_the_proposal_itself():
    moved = edit({"clock": 50})
    back = edit({"clock": 60, "word": 5, "colour": 35}, current=moved.rows)
    assert back is PROPOSAL
    assert changes(PROPOSAL.rows, moved.rows)[0].quota == (60, 50)
