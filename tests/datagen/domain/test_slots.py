"""Slots are planned once, the same for the same seed."""

from collections import Counter

from datagen.domain.mixture import Purpose, Row
from datagen.domain.slots import Band, plan_slots

ROWS = (
    Row("count", Purpose.TARGET, 2.0, 60, "", (("visual_recognition", 100), ("calculation", 1))),
    Row("clock", Purpose.TARGET, 2.0, 1, "", (("reasoning", 3), ("other", 1))),
    Row("gone", Purpose.TARGET, 0.0, 0, ""),
    Row("colour", Purpose.REPLAY, 0.5, 39, ""),
)


def test_every_quota_becomes_that_many_numbered_slots() -> None:
    slots = plan_slots(ROWS, seed=1)
    assert [slot.index for slot in slots] == list(range(100))
    assert Counter(slot.skill for slot in slots) == {"count": 60, "clock": 1, "colour": 39}


def test_the_same_seed_plans_the_same_and_another_one_differs() -> None:
    assert plan_slots(ROWS, seed=1) == plan_slots(ROWS, seed=1)
    assert plan_slots(ROWS, seed=1) != plan_slots(ROWS, seed=2)


def test_a_stretch_of_slots_has_all_skills_in_proportion() -> None:
    first = Counter(slot.skill for slot in plan_slots(ROWS, seed=3)[:50])
    assert abs(first["count"] - 30) <= 1
    assert abs(first["colour"] - 19.5) <= 1


def test_errors_are_aimed_at_as_often_as_they_were_seen_and_none_is_forgotten() -> None:
    slots = plan_slots(ROWS, seed=1)
    assert Counter(s.error_type for s in slots if s.skill == "count") == {"visual_recognition": 59, "calculation": 1}
    assert {s.error_type for s in slots if s.skill == "clock"} == {"reasoning"}
    assert {s.error_type for s in slots if s.skill == "colour"} == {None}


def test_question_types_are_spread_evenly_within_a_skill() -> None:
    slots = plan_slots(ROWS, seed=1, question_types={"count": ["number", "choice", "text"]})
    assert Counter(s.question_type for s in slots if s.skill == "count") == {"number": 20, "choice": 20, "text": 20}
    assert {s.question_type for s in slots if s.skill == "colour"} == {None}
    pairs = {(s.question_type, s.error_type) for s in slots if s.skill == "count"}
    assert len(pairs) >= 4


def test_bands_follow_the_purpose() -> None:
    bands = {slot.purpose: slot.band for slot in plan_slots(ROWS, seed=1)}
    assert bands == {Purpose.TARGET: Band(3, 7, 9), Purpose.REPLAY: Band(3, 9, 9)}
