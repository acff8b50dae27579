"""A run is named by what makes it another run; settings that came later do not rename older runs."""

from pathlib import Path

from core.specs import AnswerSpec, Places


def test_a_run_by_transformers_keeps_the_name_that_it_had_before_there_were_engines():
    spec = AnswerSpec(
        checkpoint_hash="c", seed=3, items_hash="i", prompt_version="p", places=Places(checkpoint=Path("/x"))
    )
    assert spec.run_name() == "ba8f4fac19c9a69d1d477a260d4d6771"
    assert spec.model_copy(update={"engine": "vllm"}).run_name() != spec.run_name()
    assert spec.model_copy(update={"places": Places(checkpoint=Path("/y"))}).run_name() == spec.run_name()
