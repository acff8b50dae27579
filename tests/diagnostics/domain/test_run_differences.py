"""Unlike runs are named unlike; what only one of them knows is not compared."""

import pytest

from diagnostics.domain.run_differences import ABOUT_ITEMS, Difference, run_differences
from diagnostics.models import AnswerRun
from diagnostics.selectors.run_facts import run_facts

SPEC = {
    "engine": "transformers",
    "dtype": "float32",
    "batch_size": 8,
    "prompt_version": "boxed-1",
    "prompt_hash": "a" * 64,
    "sampling": {"num_answers": 1, "temperature": 0.0, "top_p": 1.0, "top_k": 0, "max_new_tokens": 64},
    "pixels": [3136, 12544],
    "items_digest": "b" * 64,
}
RESULT = {"extractor_version": "answers-2", "versions": {"torch": "2.11", "python": "3.12.1"}}


def facts(**change) -> dict[str, str]:
    """A run's facts with parts of its spec (or ``result``) changed."""
    result = {**RESULT, **change.pop("result", {})}
    return run_facts(AnswerRun(spec={**SPEC, **change}, result=result, num_items=3))


def test_like_runs_do_not_differ():
    assert run_differences(facts(), facts()) == ()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"engine": "vllm"}, "engine"),
        ({"dtype": "bfloat16"}, "dtype"),
        ({"batch_size": 64}, "batch size"),
        ({"prompt_version": "boxed-2"}, "prompt"),
        ({"prompt_hash": "c" * 64}, "prompt text"),
        ({"pixels": [3136, 99999]}, "pixels of a picture"),
        ({"items_digest": "c" * 64}, "items"),
        ({"result": {"extractor_version": "answers-3"}}, "extractor"),
        ({"result": {"versions": {"torch": "2.12", "python": "3.12.1"}}}, "torch"),
        ({"sampling": {**SPEC["sampling"], "max_new_tokens": 16}}, "max new tokens"),
    ],
)
def test_whatever_may_change_an_answer_or_its_verdict_is_named(change, name):
    assert [one.name for one in run_differences(facts(), facts(**change))] == [name]


def test_a_difference_says_both_values():
    assert run_differences(facts(), facts(batch_size=64)) == (Difference("batch size", "8", "64"),)


def test_without_chance_nucleus_and_top_k_make_no_difference():
    assert run_differences(facts(), facts(sampling={**SPEC["sampling"], "top_k": 40})) == ()
    warm = {**SPEC["sampling"], "temperature": 1.0}
    assert [one.name for one in run_differences(facts(sampling=warm), facts(sampling={**warm, "top_k": 40}))] == [
        "top k"
    ]


def test_what_an_older_run_never_noted_is_not_compared():
    older = {name: value for name, value in SPEC.items() if name not in ("items_digest", "prompt_hash", "pixels")}
    assert run_differences(run_facts(AnswerRun(spec=older, result=RESULT, num_items=3)), facts()) == ()


def test_for_one_item_it_does_not_matter_what_else_was_asked():
    assert run_differences(facts(), facts(items_digest="c" * 64), ignore=ABOUT_ITEMS) == ()
