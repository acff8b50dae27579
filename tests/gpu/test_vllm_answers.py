"""The engine vllm asks what gpu.answer asks; vLLM itself is not installed here, so a readable stand-in plays it."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.domain.prompts import question_messages
from core.specs import AnswerItem, Sampling
from gpu.answer import load_answerer
from gpu.errors import GpuFault
from gpu.loading import load_processor
from gpu.vllm_answers import VllmAnswerer, load_vllm
from tests.gpu.test_answer import answer_run, store_picture


class Engine:
    """Says the number of the prompt and of the sample; remembers what it was given."""

    def generate(self, prompts: list[dict[str, Any]], params: list[Any], use_tqdm: bool) -> list[Any]:
        self.prompts, self.params = prompts, params
        return [
            SimpleNamespace(
                outputs=[
                    SimpleNamespace(text=f"{i}.{k}", token_ids=[1, 2], finish_reason="length" if k else "stop")
                    for k in range(one.n)
                ]
            )
            for i, one in enumerate(params)
        ]


def ask(checkpoint: Path, tmp_path: Path) -> tuple[Engine, list[Any]]:
    name = store_picture(tmp_path / "media", 1)
    items = [
        AnswerItem(id="seen", messages=question_messages("What is it?"), images=[name]),
        AnswerItem(id="blind", messages=question_messages("What is it?", num_images=0), images=[]),
    ]
    sampling = Sampling(num_answers=2, temperature=0.7, top_k=5, max_new_tokens=9)
    spec = answer_run(checkpoint, tmp_path / "run", items, sampling=sampling, engine="vllm")
    engine = Engine()
    answerer = VllmAnswerer(spec, load_processor(checkpoint), engine, lambda **words: SimpleNamespace(**words))
    return engine, answerer.answer(items, answerer.encode(items), 3)


def test_vllm_gets_the_prompt_in_the_checkpoints_template_with_its_picture(checkpoint: Path, tmp_path: Path) -> None:
    engine, _ = ask(checkpoint, tmp_path)
    seen, blind = engine.prompts
    assert seen["prompt"].count("<|image_pad|>") == 1 and len(seen["multi_modal_data"]["image"]) == 1
    assert "multi_modal_data" not in blind and blind["prompt"].endswith("assistant\n")


def test_vllm_gets_pictures_at_the_size_at_which_our_own_model_sees_them(checkpoint: Path, tmp_path: Path) -> None:
    name = store_picture(tmp_path / "media", 1, width=200)
    items = [AnswerItem(id="seen", messages=question_messages("What is it?"), images=[name])]
    spec = answer_run(checkpoint, tmp_path / "run", items, engine="vllm")
    (prompt,) = VllmAnswerer(spec, load_processor(checkpoint), None, None).encode(items)["prompts"]
    assert [picture.size for picture in prompt["multi_modal_data"]["image"]] == [(168, 56)]


def test_vllm_samples_as_the_spec_says_with_a_seed_for_every_item(checkpoint: Path, tmp_path: Path) -> None:
    engine, rows = ask(checkpoint, tmp_path)
    first, second = engine.params
    assert (first.n, first.temperature, first.top_k, first.max_tokens) == (2, 0.7, 5, 9)
    assert first.seed != second.seed
    assert set(first.logit_bias.values()) == {-100.0}
    said = [(row.id, row.sample_ix, row.text, row.finish, row.batch) for row in rows]
    assert said[:2] == [("seen", 0, "0.0", "stop", 3), ("seen", 1, "0.1", "length", 3)]
    assert [row.id for row in rows] == ["seen", "seen", "blind", "blind"]


def test_vllm_loads_the_specs_checkpoint_in_its_dtype_with_what_a_benchmark_chooses(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace(LLM=dict, SamplingParams=None))
    spec = answer_run(checkpoint, tmp_path / "run", engine="vllm")
    engine = load_vllm(spec, enforce_eager=True).engine
    assert (engine["model"], engine["dtype"], engine["enforce_eager"]) == (str(checkpoint), "float32", True)


def test_without_vllm_the_run_says_what_to_install(checkpoint: Path, tmp_path: Path) -> None:
    spec = answer_run(checkpoint, tmp_path / "run", engine="vllm")
    with pytest.raises(GpuFault, match="pip install") as caught:
        load_answerer(spec)
    assert caught.value.code == "bad_input"
