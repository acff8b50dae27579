"""Completions are kept a file a generation, and one prompt's are read without the others'."""

from core.domain.rollouts import Rollout, rollouts_path, rollouts_read, rollouts_write, turn_of


def rollout(ix: int = 0, **facts) -> Rollout:
    given = {"text": "red", "num_tokens": 4, "is_truncated": False, "reward": 1.0, "parts": {"accuracy": 0.9}}
    read = {"extracted": "red", "detail": "equal", "verdict": "correct"}
    return Rollout(sample_ix=ix, **(given | read | facts))


def test_one_prompt_s_completions_come_back_as_they_were_written(tmp_path):
    groups = [[rollout(0), rollout(1, reward=None, parts={})], [rollout(0, text="\u2028 \\boxed{blue} 🙂")]]
    path = rollouts_path(tmp_path, 7)
    rollouts_write(path, groups)
    assert path.name == "step-000007.parquet"
    assert [rollouts_read(path, place) for place in (0, 1)] == groups
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_replayed_step_overwrites_and_equal_rollouts_are_equal_files(tmp_path):
    path, other = rollouts_path(tmp_path, 1), rollouts_path(tmp_path, 2)
    rollouts_write(path, [[rollout(text="old")]])
    rollouts_write(path, [[rollout(text="new")]])
    rollouts_write(other, [[rollout(text="new")]])
    assert path.read_bytes() == other.read_bytes()
    assert rollouts_read(path, 0)[0].text == "new"


def test_what_is_not_here_or_torn_reads_as_none(tmp_path):
    path = rollouts_path(tmp_path, 1)
    assert rollouts_read(path, 0) is None
    rollouts_write(path, [[rollout()]])
    assert rollouts_read(path, 1) is None
    path.write_bytes(path.read_bytes()[:-20])
    assert rollouts_read(path, 0) is None


def test_text_that_no_file_can_hold_is_replaced(tmp_path):
    path = rollouts_path(tmp_path, 1)
    rollouts_write(path, [[rollout(text="half \ud83d")]])
    assert rollouts_read(path, 0)[0].text == "half ?"


def test_a_turn_counts_its_completions_and_no_unknown_reward():
    rows = [rollout(), rollout(1, reward=0.0, verdict="incorrect", is_truncated=True, num_tokens=8),
            rollout(2, reward=None, verdict="unscored")]  # fmt: skip
    turn = turn_of(rows, step=3, place=1, sample_id="s", skill="count", purpose="target")
    assert (turn.num, turn.num_correct, turn.num_unscored, turn.num_truncated) == (3, 1, 1, 1)
    assert (turn.reward, turn.mean_tokens) == (0.5, 16 / 3)
    unknown = turn_of(rows[2:], step=3, place=1, sample_id="s", skill="count", purpose="")
    assert unknown.reward is None
