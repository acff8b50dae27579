"""Which items a round asks."""

from random import Random

from diagnostics.services.item_choice import BankItem, items_choose


def bank_of(**skills: int) -> list[BankItem]:
    names = [(skill, i) for skill, count in skills.items() for i in range(count)]
    return [BankItem(n, skill, f"hash {skill} {i}", "bench", str(i)) for n, (skill, i) in enumerate(names)]


def choose(bank, round_number=1, items_a_skill=4, seed=1):
    return items_choose(bank, seed=seed, items_a_skill=items_a_skill, round_number=round_number)


def test_every_skill_gets_its_number_of_items_or_all_that_it_has():
    bank = bank_of(many=10, few=2)
    chosen = choose(bank).item_ids
    skills = [bank[item].skill for item in chosen]
    assert (skills.count("many"), skills.count("few"), len(set(chosen))) == (4, 2, 6)


def test_rounds_ask_other_items_while_the_bank_lasts():
    bank = bank_of(a=12)
    rounds = [choose(bank, number) for number in (1, 2, 3)]
    assert sorted(item for one in rounds for item in one.item_ids) == list(range(12))
    assert [one.num_reused for one in rounds] == [0, 0, 0]


def test_a_bank_that_ends_starts_again_and_says_so():
    bank = bank_of(a=10)
    third, fourth = choose(bank, 3), choose(bank, 4)
    assert third.num_reused == 2
    assert third.item_ids[2:] == choose(bank, 1).item_ids[:2]
    assert fourth.num_reused == 4
    assert len(set(third.item_ids)) == 4


def test_a_bank_smaller_than_a_round_is_asked_whole_each_time():
    assert [choose(bank_of(a=3), number).num_reused for number in (1, 2)] == [0, 3]


def test_the_order_follows_from_content_and_seed_not_from_keys_or_the_order_of_import():
    bank = bank_of(a=30)
    shuffled = bank.copy()
    Random(1).shuffle(shuffled)
    assert choose(shuffled).item_ids == choose(bank).item_ids
    assert choose(bank, seed=2).item_ids != choose(bank).item_ids
    assert choose(bank).item_ids != sorted(choose(bank).item_ids)
