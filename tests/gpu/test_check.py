"""The pre-flight of the tiny model: the table when all is well, and each check where it fails: what to change."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from core.check_specs import CheckLine, CheckResult, CheckSpec
from core.domain.gradients import Difficulty
from core.specs import RESULT_FILE, SPEC_FILE, GrpoSettings, Sampling, TrainSpec
from gpu.check import Check, work
from gpu.checks.blocking import blocking_line, vision_ids
from gpu.checks.dry_step import dry_settings, step_line, take_step
from gpu.checks.estimate import Shape, disk_lines, divided, memory_line, nearest_measured, shape_of, time_line
from gpu.checks.features import features_line
from gpu.checks.parity import CANARY, Drawn, Gap, TransformersGenerator, canary_line, gap_line, parity_lines, share_out
from gpu.grader import Grader
from gpu.runtime import Run
from gpu.sampling import Tokens
from gpu.train import build_trainer
from tests.gpu.runs import run_child, write_spec
from tests.gpu.training import make_rows, train_run

Table = dict[str, CheckLine]
EVEN: tuple[Difficulty, ...] = ((4, 9, 6),)


def check_spec(train: TrainSpec, **changes: Any) -> CheckSpec:
    given = {"difficulty": EVEN, **train.model_dump(exclude={"kind"}), **changes}
    return CheckSpec.model_validate(given)


def check_run(checkpoint: Path, folder: Path, rows: list[dict[str, Any]] | None = None, **choices: Any) -> CheckSpec:
    """RUN_DIR of a pre-flight."""
    difficulty = choices.pop("difficulty", EVEN)
    spec = check_spec(train_run(checkpoint, folder, rows, **choices), difficulty=difficulty)
    write_spec(folder, spec)
    return spec


@pytest.fixture
def table_of(speaking_checkpoint: Path, tmp_path: Path, grader: Grader) -> Any:
    """The lines of the cheap looks, by name: those that load no model."""

    def look(rows: list[dict[str, Any]] | None = None, **choices: Any) -> Table:
        spec = check_run(speaking_checkpoint, tmp_path / "run", rows, **choices)
        check = Check(Run(tmp_path / "run"), spec, grader)
        if check.look("dataset", check.data(), "Build the dataset again, or take another one."):
            check.look("memory", check.size())
        check.look("gradient", check.plain())
        check.look("generator", check.generator())
        return {line.name: line for line in check.lines}

    return look


def test_the_child_finds_all_well_with_the_tiny_model(speaking_checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    spec = check_run(speaking_checkpoint, folder)
    code, output = run_child("gpu.check", folder)
    assert code == 0, output
    result = CheckResult.model_validate_json((folder / RESULT_FILE).read_bytes())
    assert result.is_passed and {line.status for line in result.lines} == {"ok"}, result.lines
    names = [line.name for line in result.lines]
    assert names == [
        "device", "dataset", "placeholders", "words", "longest prompt", "largest picture", "pixel limits",
        "gold answers", "wrong answers", "batches", "passes", "gradient", "memory", "disk", "image tokens",
        "vision tokens", "parity", "canary", "dry step", "time",
    ]  # fmt: skip
    assert not any(line.change for line in result.lines)
    assert not list(folder.glob("checkpoint-*")) and (folder / SPEC_FILE).exists()
    assert spec.run_name() != spec.train_spec.run_name()
    assert spec.train_spec.settings == spec.settings


def test_a_second_look_at_the_same_run_is_another_run(speaking_checkpoint: Path, tmp_path: Path) -> None:
    spec = check_run(speaking_checkpoint, tmp_path / "run")
    assert spec.model_copy(update={"take": 2}).run_name() != spec.run_name()


def test_what_cannot_be_loaded_is_a_line_and_the_rest_is_still_looked_at(
    speaking_checkpoint: Path, tmp_path: Path
) -> None:
    spec = check_run(speaking_checkpoint, tmp_path / "run")
    (tmp_path / "run" / "dataset.parquet").write_bytes(b"torn")
    lines = {line.name: line for line in work(Run(tmp_path / "run"), spec).lines}
    assert lines["dataset"].status == "fail" and "sha256 differs" in lines["dataset"].found
    assert lines["dataset"].change == "Build the dataset again, or take another one."
    assert lines["gradient"].status == "ok"
    assert lines["model"].status == "warn" and "Not looked at" in lines["model"].found


def test_a_device_that_is_not_there_is_named(speaking_checkpoint: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    spec = check_spec(train_run(speaking_checkpoint, tmp_path / "run"), device="cuda")
    lines = {line.name: line for line in work(Run(tmp_path / "run"), spec).lines}
    assert lines["device"].status == "fail" and "torch sees none" in lines["device"].found and lines["device"].change


def test_samples_that_ask_for_other_pictures_than_they_have_are_all_named(table_of: Any) -> None:
    rows = make_rows()
    rows[1]["images"], rows[3]["images"] = [], []
    line = table_of(rows)["placeholders"]
    assert line.status == "fail" and "2 of 6" in line.found and "s1, s3" in line.found and "dataset" in line.change


def test_a_question_that_writes_a_vision_token_fails(table_of: Any) -> None:
    rows = make_rows()
    rows[2]["prompt"][0]["content"][1]["text"] = "What is <|image_pad|>?"
    line = table_of(rows)["words"]
    assert line.status == "fail" and "s2" in line.found and "in other words" in line.change


def test_a_prompt_over_the_limit_says_how_small_its_pictures_must_be(table_of: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("gpu.check.context_of", lambda folder: 46)
    line = table_of()["longest prompt"]
    assert line.status == "fail" and "39 tokens (sample s4)" in line.found
    assert f"Set max_pixels to at most {3 * 28 * 28:,}" in line.change


def test_a_text_over_the_limit_says_that_pictures_are_not_to_blame(table_of: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("gpu.check.context_of", lambda folder: 40)
    assert "The text alone is too long" in table_of()["longest prompt"].change


def test_the_largest_possible_picture_is_a_warning_when_no_sample_has_it(table_of: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("gpu.check.context_of", lambda folder: 50)
    lines = table_of()
    assert lines["longest prompt"].status == "ok" and lines["largest picture"].status == "warn"
    assert f"set max_pixels to {7 * 28 * 28:,}" in lines["largest picture"].change


def test_pictures_that_training_sees_smaller_than_diagnosis_are_counted(table_of: Any) -> None:
    line = table_of(max_pixels=28 * 28)["pixel limits"]
    assert line.status == "warn" and "5 of 5 pictures" in line.found and "raise max_pixels" in line.change


def test_a_gold_answer_that_earns_nothing_is_named(table_of: Any) -> None:
    rows = make_rows()
    rows[0].update(solution="about three", answer_type="number")
    line = table_of(rows)["gold answers"]
    assert line.status == "fail" and "s0" in line.found and "correct the gold answer" in line.change


def test_a_sample_that_pays_for_nothing_is_named(table_of: Any) -> None:
    rows = make_rows()
    rows[4].update(solution="I would rather not say.")
    line = table_of(rows)["wrong answers"]
    assert line.status == "fail" and "s4" in line.found and "say nothing" in line.change


def test_groups_that_do_not_fit_a_pass_and_a_generation_that_is_cut_are_said(table_of: Any) -> None:
    lines = table_of(micro_batch_size=2, steps=7, prompts_per_step=4)
    assert "used for 1 of 2 steps" in lines["batches"].change
    assert lines["passes"].status == "warn" and "some samples twice" in lines["passes"].change


def test_passes_that_split_a_group_say_how_large_they_must_be(table_of: Any) -> None:
    line = table_of(micro_batch_size=2)["batches"]
    assert line.status == "warn" and "micro_batch_size to at least 4" in line.change


def test_data_that_is_too_hard_gives_no_gradient_and_says_which_group_would_do(table_of: Any) -> None:
    line = table_of(difficulty=((0, 9, 5), (9, 9, 1)))["gradient"]
    assert line.status == "fail" and "16%" in line.found and "16 would do" in line.change


def test_data_of_unknown_difficulty_is_a_warning(table_of: Any) -> None:
    assert table_of(difficulty=())["gradient"].status == "warn"


def test_a_server_that_does_not_answer_fails(table_of: Any) -> None:
    line = table_of(vllm_url="http://127.0.0.1:9")["generator"]
    assert line.status == "fail" and "cannot be reached" in line.found and "Start the vLLM server" in line.change


LARGE = Shape(weights=8_372_907_008, trained=80_740_352, held_bytes=2, has_adapters=True)


def cuda_spec(**settings: Any) -> CheckSpec:
    facts = {"checkpoint_hash": "c", "seed": 1, "device": "cuda", "dtype": "bfloat16", "dataset_hash": "d"}
    places = {"checkpoint": "/nowhere"}
    return CheckSpec.model_validate({**facts, "places": places, "settings": GrpoSettings(**settings)})


def test_memory_is_estimated_from_what_was_measured_and_says_so() -> None:
    line = memory_line(cuda_spec(lora_rank=32), LARGE, 8 * 896, free_gb=84.0)
    assert line.status == "ok" and "24.3 GB of qwen2.5-vl-7b" in line.found and line.found.startswith("About 24.30 GB")
    line = memory_line(cuda_spec(lora_rank=32), LARGE, 64 * 896, free_gb=60.0)
    assert line.status == "warn" and "Lower micro_batch_size" in line.change


def test_a_full_fine_tune_that_cannot_fit_is_told_to_take_adapters() -> None:
    full = Shape(weights=8_372_907_008, trained=8_372_907_008, has_reference=True)
    line = memory_line(cuda_spec(), full, 8 * 896, free_gb=84.0)
    assert full.static_gb == pytest.approx(20 * 8.372907008)
    assert line.status == "fail" and "Set lora_rank to 32" in line.change


FULL = {"weights": 8_372_907_008, "trained": 8_372_907_008, "has_reference": True}


def test_a_divided_run_holds_its_share_and_all_weights_while_it_draws() -> None:
    spec = cuda_spec(gpus=4, sharding="full")
    share = divided(Shape(**FULL), spec)
    assert share.static_gb == pytest.approx(20 * 8.372907008 / 4)
    assert share.gathered_gb == pytest.approx(2 * 8.372907008)
    line = memory_line(spec, share, 8 * 896, free_gb=80.0)
    assert line.status == "ok" and "on each of 4 GPUs, 16.75 GB for all weights" in line.found
    assert share.least_gb == pytest.approx(8 * 8.372907008), "weights and reference are loaded whole"
    two = divided(Shape(**FULL), cuda_spec(gpus=2, sharding="full"))
    assert two.least_gb == pytest.approx(12 * 8.372907008)
    line = memory_line(spec, two, 8 * 896, free_gb=80.0)
    assert line.status == "fail" and "Take more GPUs" in line.change


def test_the_shape_of_a_run_says_whether_it_is_divided_and_what_it_saves(checkpoint: Path) -> None:
    spec = cuda_spec(gpus=4, sharding="full", save_every=0)
    places = {"places": {"checkpoint": checkpoint}}
    shape = shape_of(CheckSpec.model_validate(spec.model_dump() | places))
    assert (shape.shards, shape.gathered_bytes, shape.checkpoints) == (4, 2, 0)
    assert shape.saved_gb == pytest.approx(2 * shape.weights / 1e9)
    on_cpu = shape_of(CheckSpec.model_validate(spec.model_dump() | places | {"device": "cpu"}))
    assert (on_cpu.shards, on_cpu.gathered_bytes) == (1, 0), "ranks on a CPU share its memory"
    assert shape_of(CheckSpec.model_validate(cuda_spec(gpus=4).model_dump() | places)).shards == 1


def test_a_model_that_one_gpu_cannot_hold_is_not_loaded_by_the_pre_flight(
    tmp_path: Path, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Check(Run(tmp_path), cuda_spec(gpus=4, sharding="full"), grader)
    check.shape = divided(Shape(**FULL), check.spec)
    monkeypatch.setattr("gpu.check.free_memory_gb", lambda *_: 80.0)
    assert check.is_too_large()
    monkeypatch.setattr("gpu.check.free_memory_gb", lambda *_: 200.0)
    assert not check.is_too_large()
    monkeypatch.setattr("gpu.check.free_memory_gb", lambda *_: 80.0)
    monkeypatch.setattr(check, "look", lambda *_: True)
    check.everything()
    (line,) = check.lines
    assert line.status == "warn" and "divides its weights" in line.found


def test_time_is_that_of_the_nearest_measured_model_or_of_the_dry_step(tmp_path: Path) -> None:
    spec = cuda_spec(lora_rank=32, steps=10, prompts_per_step=32, max_completion_tokens=1024)
    line = time_line(spec, LARGE, 1.0)
    assert (
        line.found.startswith(f"At most {10 * 32 * 8 * 1024 / 990.1 / 60:,.1f} minutes")
        and "990 tokens/s" in line.found
    )
    slow = time_line(spec.model_copy(update={"device": "cpu"}), LARGE, 512.0)
    assert slow.found.startswith(f"At most {10 * 32 * 8 * 1024 / 512 / 60:,.1f} minutes") and "dry step" in slow.found
    small = time_line(spec, replace(LARGE, weights=5_700_000), 512.0)
    assert "dry step" in small.found, "a speed of billions says nothing of millions of weights"
    assert nearest_measured(10**9, tmp_path / "none.json") is None


def test_a_full_disk_says_how_much_is_missing(tmp_path: Path) -> None:
    huge = Shape(weights=10**13, trained=10**13)
    (line,) = disk_lines(huge, tmp_path)
    assert line.status == "fail" and line.change.startswith("Free ") and "lora_rank" in line.change
    assert Shape(weights=100, trained=1, has_adapters=True).saved_gb < Shape(weights=100, trained=100).saved_gb


@pytest.fixture
def trainer(speaking_checkpoint: Path, tmp_path: Path, grader: Grader) -> Any:
    """The dry trainer, its prompts, and its check."""
    return make_trainer(speaking_checkpoint, tmp_path / "dry", grader)


def make_trainer(checkpoint: Path, folder: Path, grader: Grader, **choices: Any) -> tuple[Any, Check]:
    spec = check_run(checkpoint, folder, **choices)
    check = Check(Run(folder), spec, grader)
    assert check.look("dataset", check.data())
    settings = dry_settings(spec.settings)
    torch.manual_seed(0)
    return build_trainer(check.run, spec.train_spec.model_copy(update={"settings": settings}), grader), check


def tokens_of(trainer: Any) -> Tokens:
    tokens: Tokens = trainer._draw_tokens
    return tokens


def test_a_processor_that_does_not_fit_the_model_fails(trainer: Any) -> None:
    model, (dry, check) = trainer[0].model, trainer
    prompts, lengths = check.prompts(dry), check.chosen()
    assert features_line(model, dry.processing_class, prompts, lengths).status == "ok"
    torn = {**prompts, "input_ids": prompts["input_ids"].clone()}
    torn["input_ids"][0, (torn["input_ids"][0] == dry.processing_class.image_token_id).nonzero()[0]] = 40
    line = features_line(model, dry.processing_class, torn, lengths)
    assert line.status == "fail" and "7 places" in line.found and "merge_size" in line.change
    off = [replace(length, total=length.total + 1) for length in lengths]
    assert features_line(model, dry.processing_class, prompts, off).status == "fail"


def test_a_vision_token_that_nobody_blocks_is_drawn_and_named(trainer: Any) -> None:
    dry, check = trainer
    prompts, tokenizer, tokens = check.prompts(dry), dry.processing_class.tokenizer, tokens_of(trainer[0])
    assert blocking_line(dry.model, tokenizer, tokens, prompts).status == "ok"
    for barred in tokens.blocked:
        leaky = replace(tokens, blocked=[i for i in tokens.blocked if i != barred])
        line = blocking_line(dry.model, tokenizer, leaky, prompts)
        assert (
            line.status == "fail"
            and tokenizer.convert_ids_to_tokens(barred) in line.found
            and "VISION_TOKENS" in line.change
        )
    assert blocking_line(dry.model, tokenizer, tokens, prompts).status == "ok", "the force is gone"


def test_a_vision_token_that_only_the_vocabulary_names_counts(trainer: Any) -> None:
    dry, _ = trainer
    tokenizer = dry.processing_class.tokenizer
    tokenizer.add_tokens(["<|new_image_mark|>"], special_tokens=True)
    assert tokenizer.convert_tokens_to_ids("<|new_image_mark|>") in vision_ids(dry.model, tokenizer)


def drawing(check: Check, **changes: Any) -> Sampling:
    return check.sampling().model_copy(update=changes)


@pytest.mark.parametrize("rows", [{}, {"lora_rank": 4}], ids=["full", "lora"])
def test_generator_and_trainer_agree_and_the_canary_sings(
    speaking_checkpoint: Path, tmp_path: Path, grader: Grader, rows: dict[str, Any]
) -> None:
    dry, check = make_trainer(speaking_checkpoint, tmp_path / "run", grader, **rows)
    generator = TransformersGenerator(dry, tokens_of(dry))
    parity, canary = parity_lines(dry, generator, check.prompts(dry), drawing(check))
    assert (parity.status, canary.status) == ("ok", "ok"), (parity, canary)


def test_parity_is_that_of_the_runs_temperature(speaking_checkpoint: Path, tmp_path: Path, grader: Grader) -> None:
    dry, check = make_trainer(speaking_checkpoint, tmp_path / "run", grader, temperature=0.7)
    generator = TransformersGenerator(dry, tokens_of(dry))
    assert next(parity_lines(dry, generator, check.prompts(dry), drawing(check))).status == "ok"
    assert next(parity_lines(dry, generator, check.prompts(dry), drawing(check, temperature=1.0))).status == "fail"


class Elsewhere:
    """A generator that reads the same prompts with its pictures' pixels turned round, as another engine might."""

    name = "elsewhere"

    def __init__(self, generator: TransformersGenerator) -> None:
        self.generator, self.precision = generator, generator.precision

    def draw(self, inputs: dict[str, torch.Tensor], sampling: Sampling) -> Drawn:
        return self.generator.draw({**inputs, "pixel_values": -3 * inputs["pixel_values"]}, sampling)


def test_a_generator_that_sees_other_pictures_fails_and_its_canary_is_silent(trainer: Any) -> None:
    dry, check = trainer
    other = Elsewhere(TransformersGenerator(dry, tokens_of(dry)))
    parity, canary = parity_lines(dry, other, check.prompts(dry), drawing(check))
    assert parity.status == "fail" and "elsewhere" in parity.found and "pixel limits" in parity.change
    assert canary.status == "fail" and "void" in canary.change


def test_a_model_that_does_not_look_makes_the_check_void(trainer: Any) -> None:
    dry, check = trainer
    with torch.no_grad():
        for name, weight in dry.model.model.visual.merger.named_parameters():
            weight.zero_()
            assert name
    parity, canary = parity_lines(dry, TransformersGenerator(dry, tokens_of(dry)), check.prompts(dry), drawing(check))
    assert parity.status == "ok" and canary.status == "fail" and "vision tower" in canary.change


@pytest.mark.parametrize(
    ("mean", "kl", "status"),
    [(0.01, 1e-4, "ok"), (0.03, 1e-4, "warn"), (0.01, 2e-3, "warn"), (0.06, 1e-4, "fail"), (0.01, 2e-2, "fail")],
)
def test_in_bfloat16_small_gaps_are_allowed(mean: float, kl: float, status: str) -> None:
    assert gap_line(Gap(mean, 1.0, kl), "vllm", "bfloat16").status == status
    assert gap_line(Gap(mean, 1.0, kl), "vllm", "float32").status == "fail"


def test_a_gap_that_is_no_number_fails() -> None:
    nothing = float("nan")
    assert gap_line(Gap(nothing, nothing, nothing), "vllm", "float32").status == "fail"
    assert gap_line(Gap(nothing, nothing, nothing), "vllm", "bfloat16").status == "fail"
    assert canary_line(Gap(0, 0, 1e-3), Gap(0, 0, nothing)).status == "fail"


def test_the_canary_must_rise_fifty_times() -> None:
    seen = Gap(0.0, 0.0, 1e-3)
    assert canary_line(seen, Gap(0.0, 0.0, 1.01e-3 * CANARY)).status == "ok"
    assert canary_line(seen, Gap(0.0, 0.0, 0.99e-3 * CANARY)).status == "fail"


def test_pictures_are_shared_out_by_the_places_that_ask_for_them() -> None:
    assert share_out([6, 0, 9], [2, 4, 9]) == [2, 0, 1]


def test_a_dry_step_moves_weights_and_leaves_no_checkpoint(trainer: Any) -> None:
    dry, check = trainer
    step = take_step(dry)
    assert step_line(step, 2e-3).status == "ok" and step.moved >= step.kept > 0.5
    assert not list(check.run.folder.glob("checkpoint-*")) and not (check.run.folder / "metrics.jsonl").exists()


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"learning_rate": 1e-9}, "The update is lost"),
        ({"learning_rate": 1e-20}, "No weight changes"),
        ({"learning_rate": 1e-9, "lora_rank": 4}, "The update is lost"),
    ],
)
def test_an_update_that_bf16_cannot_hold_fails(
    speaking_checkpoint: Path, tmp_path: Path, grader: Grader, choices: dict[str, Any], said: str
) -> None:
    dry, _ = make_trainer(speaking_checkpoint, tmp_path / "run", grader, **choices)
    line = step_line(take_step(dry), choices["learning_rate"])
    assert line.status == "fail" and said in line.change, line


def test_answers_that_are_all_alike_fail(speaking_checkpoint: Path, tmp_path: Path, grader: Grader) -> None:
    dry, _ = make_trainer(speaking_checkpoint, tmp_path / "run", grader, temperature=1e-4)
    line = step_line(take_step(dry), 2e-3)
    assert line.status == "fail" and "alike" in line.found and "Raise temperature" in line.change


def test_the_dry_step_keeps_what_it_tests_and_shrinks_the_rest() -> None:
    settings = GrpoSettings(
        extra={"warmup_steps": 5, "adam_beta2": 0.95}, lora_rank=8, gpus=2, max_completion_tokens=4096
    )
    dry = dry_settings(settings)
    assert (dry.lora_rank, dry.learning_rate, dry.extra) == (8, settings.learning_rate, {"adam_beta2": 0.95})
    assert (dry.steps, dry.gpus, dry.max_completion_tokens) == (1, 1, 32)
    assert dry_settings(GrpoSettings(vllm_memory_share=0.5)).vllm_memory_share == 0
    assert dry_settings(GrpoSettings(gpus=4, sharding="full")).sharding == "none"
