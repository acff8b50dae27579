"""Costs add up the same under every fact, and each accepted sample carries what rejected tries took too."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from datagen.domain.costs import Cost, CostCell, Costs

NUMBERS = st.integers(0, 10_000)
MONEY = st.integers(0, 10_000).map(Decimal)
CELLS = st.builds(
    CostCell,
    scope=st.sampled_from(["", "mixture:1", "mixture:2"]),
    round_number=st.sampled_from([None, 1, 2]),
    role=st.sampled_from(["planner", "judge"]),
    skill=st.sampled_from(["", "count", "clock"]),
    by=st.sampled_from(["m", "image_search"]),
    server=st.sampled_from(["", "http://a"]),
    cost=st.builds(Cost, NUMBERS, NUMBERS, NUMBERS, MONEY, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
)


def cell(scope="mixture:1", round_number=1, skill="count", calls=1, money="1", **facts) -> CostCell:
    cost = Cost(calls, tokens_in=10 * calls, tokens_out=calls, money=Decimal(money))
    return CostCell(scope, round_number, "planner", skill, "m", "http://a", cost, **facts)


@given(st.lists(CELLS, max_size=6))
def test_every_way_adds_up(cells):
    costs = Costs(cells, {("mixture:1", "count"): 3, ("mixture:2", "clock"): 5})
    for lines in (costs.by_role(), costs.by_endpoint()):
        assert sum((line.cost for line in lines), Cost()) == sum((one.cost for one in cells), Cost())
    for lines in (costs.by_round(), costs.by_skill()):
        assert sum((line.cost for line in lines), Cost()) == costs.whole().cost


def test_tools_that_run_here_are_no_calls_of_a_round_or_a_skill():
    search = CostCell("mixture:1", 1, "searcher", "count", "image_search", "", Cost(calls=40))
    costs = Costs([cell(calls=30), search], {("mixture:1", "count"): 3})
    assert [line.cost.calls for line in (costs.whole(), *costs.by_round(), *costs.by_skill())] == [30, 30, 30]
    assert costs.by_skill()[0].calls_each == 10
    assert {line.by: line.cost.calls for line in costs.by_role()} == {"m": 30, "image_search": 40}


def test_an_accepted_sample_carries_all_that_making_samples_took_and_nothing_else():
    cells = [cell(calls=30, money="9"), cell(skill="clock", calls=10, money="1"), cell(scope="", calls=99, money="50")]
    costs = Costs(cells, {("mixture:1", "count"): 3, ("mixture:1", "clock"): 2})
    (line,) = costs.by_round()
    assert (line.cost.money, line.accepted, line.money_each) == (Decimal(60), 5, Decimal(2))
    assert (line.calls_each, line.tokens_each) == (Decimal(8), Decimal(88))
    clock, count = costs.by_skill()
    assert (clock.name, clock.money_each, count.money_each) == ("clock", Decimal("0.5"), Decimal(3))


def test_a_round_counts_the_samples_of_its_own_mixtures():
    cells = [cell("mixture:1", 1), cell("mixture:2", 2, money="8"), cell("", None)]
    costs = Costs(cells, {("mixture:1", "count"): 1, ("mixture:2", "count"): 4})
    assert [(line.name, line.accepted, line.money_each) for line in costs.by_round()] == [
        ("2", 4, Decimal(2)),
        ("1", 1, Decimal(1)),
        ("", 0, None),
    ]


def test_samples_whose_calls_are_not_known_make_no_sample_look_cheap():
    costs = Costs([cell(money="6")], {("mixture:1", "count"): 2, ("mixture:9", "count"): 100})
    assert costs.whole().money_each == costs.by_skill()[0].money_each == Decimal(3)


def test_before_the_first_accepted_sample_there_is_no_cost_of_one():
    line = Costs([cell()], {}).whole()
    assert (line.money_each, line.tokens_each, line.calls_each) == (None, None, None)
    assert Costs([], {}).whole().cost == Cost() and Costs([], {}).by_round() == []
