"""Alarms: each at the first step at which it holds, once a kind, and silent where a run is well."""

import pytest

from training.domain.alarms import ADVICE, LIMITS, TITLES, WATCHED, Alarm, AlarmKind, alarms_of


def curve(*values: float, start: int = 1) -> list[tuple[int, float]]:
    return list(enumerate(values, start))


def kinds(**curves) -> list[tuple[AlarmKind, int]]:
    named = {name.replace("__", "/"): points for name, points in curves.items()}
    return [(alarm.kind, alarm.step) for alarm in alarms_of(named)]


def test_a_run_that_learns_well_raises_nothing():
    steps = [step / 40 for step in range(40)]
    assert kinds(
        frac_reward_zero_std=curve(*(0.2 + 0.5 * part for part in steps)),
        completions__mean_length=curve(*(24 + 20 * part for part in steps)),
        completions__clipped_ratio=curve(*(0.2 * part for part in steps)),
        rewards__format=curve(*(0.6 + 0.4 * part for part in steps)),
        rewards__accuracy=curve(*(0.4 + 0.3 * part for part in steps)),
        kl=curve(*(0.3 * part for part in steps)),
        entropy=curve(*(0.6 - 0.4 * part for part in steps)),
        rewards__unscored=curve(*[0.01] * 40),
    ) == []  # fmt: skip
    assert alarms_of({}) == []


def test_no_gradient_is_a_level_and_not_one_bad_step():
    assert kinds(frac_reward_zero_std=curve(0.2, 1, 0.2, 0.2, 1, 0.2, 0.2)) == []
    assert kinds(frac_reward_zero_std=curve(*[0.8] * 4)) == [], "a level needs its window"
    assert kinds(frac_reward_zero_std=curve(0.1, 0.8, 0.8, 0.8, 0.8, 0.8)) == [(AlarmKind.NO_GRADIENT, 6)]


def test_targets_alone_are_enough_and_solved_replay_is_no_alarm():
    assert kinds(target__frac_reward_zero_std=curve(*[0.9] * 5)) == [(AlarmKind.NO_GRADIENT, 5)]
    assert kinds(replay__frac_reward_zero_std=curve(*[1.0] * 9)) == []
    alarm = alarms_of({"target/frac_reward_zero_std": curve(*[0.9] * 5)})[0]
    assert alarm == Alarm(AlarmKind.NO_GRADIENT, 5, "90% of the groups of target samples have equal rewards")


@pytest.mark.parametrize(
    ("after", "kind"),
    [(29, AlarmKind.LENGTH_COLLAPSE), (31, None), (299, None), (301, AlarmKind.LENGTH_EXPLOSION)],
)
def test_length_is_set_against_the_start(after, kind):
    found = kinds(completions__mean_length=curve(100, 100, 100, *[after] * 5))
    assert found == ([(kind, 8)] if kind else [])


def test_format_that_rises_without_accuracy_is_a_sign_of_reward_hacking():
    rising = curve(0.4, 0.4, 0.4, 0.6, 0.6, 0.6, 0.6, 0.6)
    flat, better = curve(*[0.5] * 8), curve(0.5, 0.5, 0.5, *[0.6] * 5)
    assert kinds(rewards__format=rising, rewards__accuracy=flat)[0][0] is AlarmKind.REWARD_HACKING
    assert kinds(rewards__format=rising, rewards__accuracy=better) == []
    assert kinds(rewards__format=flat, rewards__accuracy=curve(0.5, 0.5, 0.5, *[0.1] * 5)) == []
    assert kinds(rewards__format=rising) == [], "without accuracy nothing is known"


def test_a_high_kl_is_an_alarm_while_it_rises():
    assert kinds(kl=curve(0.1, 0.5, 1, 2, 4, 8, 16)) == [(AlarmKind.KL_RUNAWAY, 6)]
    assert kinds(kl=curve(*[3.0] * 20)) == []
    assert kinds(kl=curve(*(value / 50 for value in range(50)))) == []


def test_entropy_collapses_when_it_is_low_and_was_high():
    assert kinds(entropy=curve(0.6, 0.6, 0.6, *[0.04] * 5)) == [(AlarmKind.ENTROPY_COLLAPSE, 8)]
    assert kinds(entropy=curve(*[0.04] * 20)) == [], "a model that was sure from the start"
    assert kinds(entropy=curve(3, 3, 3, *[0.2] * 9)) == [], "a tenth, and still not low"


def test_truncation_is_a_level_over_a_quarter():
    assert kinds(completions__clipped_ratio=curve(*[0.25] * 9)) == []
    assert kinds(completions__clipped_ratio=curve(0, *[0.3] * 5)) == [(AlarmKind.TRUNCATION, 6)]


def test_more_than_one_reward_failure_in_a_hundred_is_an_alarm_at_once():
    assert kinds(rewards__unscored=curve(0.0, 0.011)) == [(AlarmKind.REWARD_FAILURES, 2)]
    both = {"rewards/unscored": curve(0, 0, 0.5), "rewards/timed_out": curve(0, 0.02, 0)}
    assert alarms_of(both) == [
        Alarm(AlarmKind.REWARD_FAILURES, 2, "2.0% of the completions took the verifier too long")
    ]


def test_more_points_never_move_an_alarm():
    values = [0.1, *[0.9] * 20]
    assert {
        tuple(kinds(frac_reward_zero_std=curve(*values[:end]))) for end in range(LIMITS.window + 1, len(values))
    } == {(), ((AlarmKind.NO_GRADIENT, 6),)} - {()}  # fmt: skip


def test_every_alarm_says_what_to_do():
    assert set(ADVICE) == set(TITLES) == set(AlarmKind)


def test_every_curve_that_an_alarm_reads_is_watched():
    read = set()

    class Noting(dict):
        def get(self, name, default=None):
            read.add(name)
            return default

    alarms_of(Noting())
    assert read == set(WATCHED)
