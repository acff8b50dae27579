"""vLLM in the pre-flight; a readable stand-in plays it, with the trainer's own weights behind another reading."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import ImageOps

from core.check_specs import CheckLine
from core.specs import GrpoSettings, Precision, Sampling
from gpu.check import Check, work
from gpu.checks.dry_step import dry_settings
from gpu.checks.vllm_parity import LOOK, VllmGenerator, advice, vllm_lines
from gpu.grader import Grader
from gpu.loading import load_processor
from gpu.runtime import Run
from gpu.sampling import drawn_log_probs, sample_answers
from tests.gpu.test_check import check_run, make_trainer
from tests.gpu.training import make_rows


class Vllm:
    """Reads words and pictures itself, by the folder's own limits, and draws one answer for every prompt."""

    mode = "colocate"

    def __init__(self, trainer: Any, folder: Path, shown: Callable[[Any], Any] = lambda picture: picture) -> None:
        self.trainer, self.processor, self.shown = trainer, load_processor(folder), shown
        self.llm = SimpleNamespace(llm_engine=self)
        self.model_config = SimpleNamespace(dtype=torch.float32)
        self.temperature, self.top_p, self.top_k, self.max_completion_length = 1.0, 1.0, 0, 3
        self.num_synced = 0

    def sync_weights(self) -> None:
        self.num_synced += 1

    def reset_encoder_cache(self) -> None:
        """Nothing is kept of a picture."""

    def generate(self, prompts: list[list[int]], images: Any, num_generations: int) -> Any:
        texts = self.processor.tokenizer.batch_decode(prompts)
        assert all(row is None or row for row in images or []), "TRL takes the first picture of what is not None"
        pictures = [[self.shown(one) for one in row or []] for row in images or [None] * len(prompts)]
        inputs = self.processor(text=texts, images=pictures, padding=True, return_tensors="pt")
        sampling = Sampling(
            temperature=self.temperature, top_p=self.top_p, top_k=self.top_k, max_new_tokens=self.max_completion_length
        )
        answers = sample_answers(self.trainer.model, inputs, sampling, self.trainer._draw_tokens)
        chances = drawn_log_probs(self.trainer.model, inputs, answers, sampling)
        rows = zip(inputs["input_ids"], inputs["attention_mask"].bool(), strict=True)
        read = [ids[is_there].tolist() for ids, is_there in rows]
        return read, [ids for (ids,) in answers], [[[float(one)] for one in row] for (row,) in chances], None


class Server:
    """What a server says of itself, and of the pictures that it is sent."""

    mode = "server"

    def __init__(self, dtype: str, num_tokens: int) -> None:
        self.vllm_client, self.dtype, self.num_tokens = self, dtype, num_tokens

    def get_server_info(self) -> dict[str, Any]:
        return {"model_config": {"dtype": self.dtype}}

    def image_features(self, images: list[Any]) -> list[Any]:
        return [row and {"mm_placeholders": {"image": [{"length": self.num_tokens} for _ in row]}} for row in images]


@pytest.fixture
def beside(speaking_checkpoint: Path, tmp_path: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A trainer that sees pictures smaller than the folder's limits would have them, with ``Vllm`` beside it."""

    def make(shown: Callable[[Any], Any] = lambda picture: picture, **choices: Any) -> tuple[Any, Check]:
        choices = {"rows": make_rows(side=112), "max_pixels": 56 * 56, **choices}
        trainer, check = make_trainer(speaking_checkpoint, tmp_path / "run", grader, **choices)
        trainer.use_vllm, trainer.vllm_mode, trainer._last_loaded_step = True, "colocate", -1
        trainer.vllm_generation = Vllm(trainer, speaking_checkpoint, shown)
        monkeypatch.setattr(check, "trainer", lambda settings: trainer)
        return trainer, check

    return make


def table(trainer: Any, check: Check) -> dict[str, CheckLine]:
    """The lines of the look, by name."""
    return {line.name: line for line in vllm_lines(check.vllm, check.sampling())}


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_vllm_with_the_same_weights_agrees_and_its_canary_sings(beside: Any, temperature: float) -> None:
    trainer, check = beside(temperature=temperature)
    lines = table(trainer, check)
    assert [line.status for line in lines.values()] == ["ok"] * 3, lines
    assert list(lines) == ["pixel limits of vLLM", "parity", "canary"]
    assert "8 tokens of the batch's pictures, the trainer 8" in lines["pixel limits of vLLM"].found
    assert "vLLM against the trainer" in lines["parity"].found and "float32" in lines["parity"].found
    vllm = trainer.vllm_generation
    assert vllm.num_synced == 1
    assert (vllm.temperature, vllm.max_completion_length) == (1.0, 3), "as it was before"


def test_vllm_that_sees_other_pictures_fails_and_its_canary_is_silent(beside: Any) -> None:
    lines = table(*beside(shown=ImageOps.invert))
    assert (lines["parity"].status, lines["canary"].status) == ("fail", "fail")


def test_vllm_that_makes_other_numbers_of_tokens_fails_before_anything_is_drawn(beside: Any) -> None:
    lines = table(*beside(shown=lambda picture: picture.resize((112, 112))))
    assert list(lines) == ["pixel limits of vLLM"]
    line = lines["pixel limits of vLLM"]
    assert line.status == "fail" and "vLLM, in the trainer's own process and in float32, makes 32" in line.found
    assert "max_pixels" in line.change


def test_samples_without_pictures_are_no_fault_of_vllm(beside: Any) -> None:
    rows = [row for row in make_rows() if not row["images"]] * 2
    lines = table(*beside(rows=rows, max_pixels=0))
    assert [line.status for line in lines.values()] == ["ok", "ok", "warn"], lines


@pytest.mark.parametrize(("dtype", "limit"), [("torch.bfloat16", "in bfloat16"), ("torch.float32", "in float32")])
def test_a_float32_trainer_asks_no_more_of_vllm_than_vllms_own_dtype_can_give(
    beside: Any, dtype: str, limit: str
) -> None:
    trainer, check = beside()
    trainer.vllm_generation.model_config.dtype = dtype
    assert limit in table(trainer, check)["parity"].found


@pytest.mark.parametrize(("num_tokens", "status"), [(4, "ok"), (16, "fail")])
def test_a_server_says_itself_how_many_tokens_it_makes_of_a_picture(
    beside: Any, monkeypatch: pytest.MonkeyPatch, num_tokens: int, status: str
) -> None:
    monkeypatch.setattr("gpu.checks.vllm_parity.parity_lines", lambda *what: iter(()))
    trainer, check = beside()
    trainer.vllm_generation = Server("bfloat16", num_tokens)
    line = table(trainer, check)["pixel limits of vLLM"]
    assert line.status == status and "on a server and in bfloat16" in line.found


@pytest.mark.parametrize(("dtype", "precision"), [("torch.float32", "float32"), ("bfloat16", "bfloat16")])
def test_a_server_says_itself_what_it_computes_in(dtype: str, precision: Precision) -> None:
    assert VllmGenerator(SimpleNamespace(vllm_generation=Server(dtype, 1)), []).precision == precision


def test_without_vllm_the_table_says_what_to_install_and_has_all_its_other_lines(
    speaking_checkpoint: Path, tmp_path: Path
) -> None:
    spec = check_run(speaking_checkpoint, tmp_path / "run", vllm_memory_share=0.3)
    lines = {line.name: line for line in work(Run(tmp_path / "run"), spec).lines}
    assert lines["dry step"].status == "ok" and lines["time"].status == "ok"
    assert lines["vLLM"].status == "fail" and "not available" in lines["vLLM"].found
    assert "pip install '.[vllm]'" in lines["vLLM"].change
    assert "parity" not in lines, "transformers' own does not count for this run"


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("The vLLM server has no weight-transfer engine. Restart it with `--weight-transfer-config`.", "docs/training"),
        ("Free memory on device (60/80 GiB) on startup is less than desired GPU memory", "vllm_memory_share"),
        ("No available memory for the cache blocks.", "vllm_memory_share"),
        ("Something else", LOOK),
    ],
)
def test_what_stops_vllm_is_a_line_that_says_what_to_change(said: str, change: str) -> None:
    def build() -> Any:
        raise RuntimeError(said)

    (line,) = vllm_lines(build, Sampling())
    assert line.status == "fail" and said in line.found and change in line.change
    assert change in advice(RuntimeError(said))


def test_the_trainer_that_is_compared_with_vllm_keeps_it() -> None:
    shared = dry_settings(GrpoSettings(vllm_memory_share=0.5, extra={"warmup_steps": 3}), keeps_vllm=True)
    assert shared.vllm_memory_share == 0.5 and shared.steps == 1 and not shared.extra
    served = GrpoSettings(vllm_url="http://a:8000", extra={"vllm_server_timeout": 5.0})
    assert dry_settings(served, keeps_vllm=True).extra == {"vllm_server_timeout": 5.0}
    assert dry_settings(served).vllm_url == "" and not dry_settings(served).extra
