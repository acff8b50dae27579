"""Adapters as PEFT writes them, added to their base: one full checkpoint that answers as the two together."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel
from safetensors.torch import load_file, save_file

from core.domain.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from core.domain.files import hash_checkpoint
from core.specs import FINAL_FOLDER, RESULT_FILE, ErrorFile, MergeResult, MergeSpec, Places
from gpu.errors import GpuFault
from gpu.loading import load_model
from gpu.merge import checked_gap, work
from gpu.runtime import Run
from tests.gpu.runs import run_child, write_spec
from tests.gpu.test_vision import SAME, make_inputs

SUFFIXES = ["q_proj", "v_proj", "down_proj"]


def write_adapter(base: Path, folder: Path, **choices: Any) -> Path:
    """Adapters that change a lot, written by PEFT itself."""
    config = LoraConfig(**{"r": 4, "lora_alpha": 16, "target_modules": SUFFIXES, **choices})
    torch.manual_seed(3)
    model = PeftModel(load_model(base, "cpu", "float32"), config)
    for name, weights in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weights, std=0.1)
    model.save_pretrained(str(folder))
    return folder


def merge_spec(base: Path, adapter: Path) -> MergeSpec:
    places = Places(checkpoint=base, adapter=adapter, threads=1)
    hashes = {"checkpoint_hash": hash_checkpoint(base), "adapter_hash": hash_checkpoint(adapter)}
    return MergeSpec(seed=0, places=places, **hashes)


def merge(base: Path, adapter: Path, folder: Path) -> MergeResult:
    folder.mkdir(exist_ok=True)
    return work(Run(folder), merge_spec(base, adapter))


@pytest.fixture(scope="module")
def adapter(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_adapter(checkpoint, tmp_path_factory.mktemp("adapter"))


def test_the_child_leaves_a_full_checkpoint_that_answers_as_peft_does(
    checkpoint: Path, adapter: Path, tmp_path: Path
) -> None:
    folder = write_spec(tmp_path / "run", merge_spec(checkpoint, adapter))
    assert run_child("gpu.merge", folder)[0] == 0
    result = MergeResult.model_validate_json((folder / RESULT_FILE).read_bytes())
    final = folder / FINAL_FOLDER
    assert result.checkpoint_hash == hash_checkpoint(final)
    assert 0 <= result.max_gap < 1e-5
    base = load_model(checkpoint, "cpu", "float32")
    inputs = make_inputs(base, SAME)
    with torch.no_grad():
        plain = base(**inputs).logits
        adapted = PeftModel.from_pretrained(base, str(adapter)).eval()(**inputs).logits
        whole = load_model(final, "cpu", "float32")(**inputs).logits
    real = inputs["attention_mask"].bool()
    moved = (adapted - plain)[real].abs().max()
    rounded = (adapted - whole)[real].abs().max()
    assert rounded < 0.05 * moved  # the base is stored in bf16, and so is the merged checkpoint


def test_all_but_the_adapted_weights_is_the_base_and_a_second_merge_is_the_same(
    checkpoint: Path, adapter: Path, tmp_path: Path
) -> None:
    first, second = (merge(checkpoint, adapter, tmp_path / name) for name in ("one", "two"))
    assert first.checkpoint_hash == second.checkpoint_hash
    before, after = (load_file(at / "model.safetensors") for at in (checkpoint, tmp_path / "one" / FINAL_FOLDER))
    assert {k: (v.dtype, v.shape) for k, v in before.items()} == {k: (v.dtype, v.shape) for k, v in after.items()}
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(any(suffix in name for suffix in SUFFIXES) for name in changed)
    assert not (tmp_path / "one" / FINAL_FOLDER / ADAPTER_CONFIG).exists()


def reshaped(folder: Path) -> None:
    weights = load_file(folder / ADAPTER_WEIGHTS)
    save_file({name: torch.zeros(3, *value.shape[1:]) for name, value in weights.items()}, folder / ADAPTER_WEIGHTS)


def with_a_stranger(folder: Path) -> None:
    weights = load_file(folder / ADAPTER_WEIGHTS)
    save_file({**weights, "base_model.model.elsewhere.lora_A.weight": torch.zeros(4, 4)}, folder / ADAPTER_WEIGHTS)


def halved(folder: Path) -> None:
    weights = load_file(folder / ADAPTER_WEIGHTS)
    save_file({name: weights[name] for name in sorted(weights)[:3]}, folder / ADAPTER_WEIGHTS)


def told(**words: Any) -> Any:
    def tell(folder: Path) -> None:
        path = folder / ADAPTER_CONFIG
        path.write_text(json.dumps({**json.loads(path.read_text()), **words}))

    return tell


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (reshaped, "do not fit their base: .*size mismatch"),
        (with_a_stranger, "1 fit nowhere, such as .*elsewhere"),
        (halved, "are missing"),
        (told(target_modules=["nowhere"]), "do not fit their base: .*nowhere"),
        (told(peft_type="IA3"), "only LORA"),
        (told(init_lora_weights="pissa_niter_4"), "changed the base"),
        (lambda folder: (folder / ADAPTER_WEIGHTS).unlink(), f"has no {ADAPTER_WEIGHTS}"),
        (lambda folder: (folder / ADAPTER_WEIGHTS).write_bytes(b"torn"), "do not fit their base"),
    ],
)
def test_adapters_that_do_not_fit_are_a_named_error(checkpoint: Path, tmp_path: Path, spoil: Any, words: str) -> None:
    adapter = write_adapter(checkpoint, tmp_path / "adapter")
    spoil(adapter)
    with pytest.raises(GpuFault, match=words) as error:
        merge(checkpoint, adapter, tmp_path / "run")
    assert error.value.code == "bad_checkpoint"
    assert not (tmp_path / "run" / FINAL_FOLDER).exists()


def test_adapters_on_an_embedding_that_the_head_shares_are_refused_not_merged_wrong(
    checkpoint: Path, tmp_path: Path
) -> None:
    adapter = write_adapter(checkpoint, tmp_path / "adapter", target_modules=["embed_tokens"])
    with pytest.raises(GpuFault, match="does not answer as base and adapters do"):
        merge(checkpoint, adapter, tmp_path / "run")


def test_weights_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(GpuFault, match="differ by nan"):
        checked_gap(torch.tensor([1.0]), torch.tensor([float("nan")]))


def test_a_base_that_is_gone_or_another_is_named_by_the_child(checkpoint: Path, adapter: Path, tmp_path: Path) -> None:
    spec = merge_spec(checkpoint, adapter)
    for name, change, words in (
        ("gone", {"places": spec.places.model_copy(update={"checkpoint": tmp_path / "no-base"})}, "is no folder"),
        ("other", {"checkpoint_hash": "0" * 64}, "its hash differs"),
        ("other-adapter", {"adapter_hash": "0" * 64}, "does not hold the adapters"),
    ):
        folder = write_spec(tmp_path / name, spec.model_copy(update=change))
        assert run_child("gpu.merge", folder)[0] == 1
        error = ErrorFile.model_validate_json((folder / "error.json").read_bytes())
        assert error.code == "bad_checkpoint"
        assert words in error.message
