"""The forecast of groups that teach something."""

import pytest

from core.domain.gradients import gradient_chance, gradient_share


def test_the_share_is_the_mean_over_samples_and_counts_each_as_often_as_it_occurs():
    hard, even = gradient_chance(0.5, 9.5, 8), gradient_chance(5.5, 4.5, 8)
    assert gradient_share([(0, 9, 3), (5, 9, 1)], 8) == pytest.approx((3 * hard + even) / 4)
    assert hard == pytest.approx(0.27, abs=0.005)


def test_right_and_wrong_are_the_same_to_a_gradient_and_larger_groups_have_more():
    assert gradient_chance(2.5, 7.5, 8) == pytest.approx(gradient_chance(7.5, 2.5, 8))
    assert gradient_share([(1, 9, 1)], 16) > gradient_share([(1, 9, 1)], 4)
