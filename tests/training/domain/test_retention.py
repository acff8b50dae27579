"""Retention keeps what anybody needs; the newest are counted among those that could go."""

from training.domain.retention import Held, RetentionChoice, kept_because, plan_hash


def held(pk: int, **facts) -> Held:
    return Held(**({"id": pk, "is_ours": True, "has_files": True, "is_promoted": False, "is_pinned": False} | facts))


def test_the_newest_stay_and_older_ones_go():
    assert kept_because([held(1), held(2), held(3)], 2) == {3: "is one of the newest", 2: "is one of the newest", 1: ""}


def test_promoted_pinned_needed_and_foreign_ones_stay_however_old():
    rows = [
        held(1, is_ours=False),
        held(2, is_promoted=True),
        held(3, is_pinned=True),
        held(4, needs=("round 2 is open",)),
        held(5),
        held(6),
    ]
    reasons = kept_because(rows, 1)
    assert [pk for pk, reason in reasons.items() if not reason] == [5]
    assert (reasons[4], reasons[2], reasons[3]) == ("round 2 is open", "was promoted", "is pinned")
    assert "not ours" in reasons[1]


def test_those_without_files_take_no_place_of_the_newest():
    reasons = kept_because([held(1), held(2, has_files=False), held(3, is_ours=False)], 1)
    assert (reasons[2], reasons[1]) == ("has no files here", "is one of the newest")


def test_a_plan_s_name_changes_with_what_goes_and_not_with_its_order():
    choice = RetentionChoice(3)
    name = plan_hash(choice, [1, 2], ["a", "b"])
    assert name == plan_hash(choice, [2, 1], ["b", "a"])
    others = [
        plan_hash(choice, [1], ["a", "b"]),
        plan_hash(choice, [1, 2], ["a"]),
        plan_hash(RetentionChoice(2), [1, 2], ["a", "b"]),
        plan_hash(RetentionChoice(3, with_completions=True), [1, 2], ["a", "b"]),
    ]
    assert name not in others
