"""vLLM against our transformers generation: ``{"speedup", "greedy_agreement", "max_logprob_gap"}``.

On a GPU machine with vLLM: ``python -m bench.gpu_vllm --out docs/results/vllm.json``.
``speedup``: answer tokens a second of offline vLLM over those of ``gpu.answer``'s own sampler, both through the
answerers of ``gpu.answer``, on a random-init model of Qwen2.5-VL-7B's shape: 32 prompts with a picture, 8 answers of
at most 256 tokens each at temperature 1; the first batch warms up and is not counted.
``greedy_agreement`` and ``max_logprob_gap``: the mini model's greedy answers to 64 pictures by both engines, the share
of equal texts, and the largest difference between vLLM's log-probability of a token of its own answer and a plain
forward pass's, in one precision.

``--variants ieee flex`` takes the float32 gap, and nothing else, under other attention kernels (``VARIANTS``): on a GPU
those of the default may multiply in TF32. For parity no engine compiles, which starts faster.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from bench.gpu_report import report_end, report_keep
from bench.runs import MINI, picture, run_module
from bench.shapes import write_shape
from core.domain.files import hash_bytes, write_atomic
from core.domain.prompts import question_messages
from core.specs import AnswerItem, AnswerSpec, Places, Precision, Sampling
from gpu.answer import load_answerer
from gpu.asking import pictures_of, prompts_of
from gpu.loading import load_model, load_processor
from gpu.vllm_answers import load_vllm

SHAPE = "qwen2.5-vl-7b"
ENGINES = ("transformers", "vllm")
DTYPES: tuple[Precision, ...] = ("float32", "bfloat16")
FIGURES = "figures.json"
# By name: the environment of the engine's process, and its own arguments.
VARIANTS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "default": ({}, {}),
    "ieee": ({"TRITON_F32_DEFAULT": "ieee"}, {}),
    "flex": ({}, {"attention_backend": "FLEX_ATTENTION"}),
    "sdpa": ({}, {"mm_encoder_attn_backend": "TORCH_SDPA"}),
    "ieee-sdpa": ({"TRITON_F32_DEFAULT": "ieee"}, {"mm_encoder_attn_backend": "TORCH_SDPA"}),
}


def items_made(media: Path, count: int, pixels: int) -> list[AnswerItem]:
    """Questions about squares of noise."""
    made = []
    for number in range(count):
        data = picture(number, pixels)
        sha = hash_bytes(data)
        write_atomic(media / sha[:2] / sha, data)
        messages = question_messages("How many things are there?", num_images=1)
        made.append(AnswerItem(id=str(number), messages=messages, images=[sha]))
    return made


def spec_of(checkpoint: Path, media: Path, engine: str, sampling: Sampling, dtype: Precision) -> AnswerSpec:
    """What both engines are told."""
    places = Places(checkpoint=checkpoint, media=media)
    return AnswerSpec.model_validate(
        {
            "checkpoint_hash": "",
            "seed": 7,
            "device": "cuda",
            "dtype": dtype,
            "items_hash": "",
            "prompt_version": "bench",
            "sampling": sampling,
            "batch_size": 32,
            "engine": engine,
            "places": places,
        }
    )


# Speed.


def speed(folder: Path, engine: str) -> dict[str, Any]:
    """Tokens a second of one engine."""
    items = items_made(folder / "media", 64, 672)
    sampling = Sampling(num_answers=8, temperature=1.0, max_new_tokens=256)
    answerer = load_answerer(spec_of(folder / "model", folder / "media", engine, sampling, "bfloat16"))
    for number, batch in enumerate((items[:32], items[32:])):
        started = time.perf_counter()
        rows = answerer.answer(batch, answerer.encode(batch), number, lambda: None)
        torch.cuda.synchronize()
        seconds = time.perf_counter() - started
    tokens = sum(row.num_tokens for row in rows)
    return {"tokens": tokens, "seconds": round(seconds, 2), "tokens_a_second": round(tokens / seconds, 1)}


# Parity.


def mini(folder: Path, engine: str, dtype: Precision) -> Any:
    """The mini model in an engine; one of ``VARIANTS`` may follow vllm after a colon."""
    name, _, variant = engine.partition(":")
    spec = spec_of(folder / "mini", folder / "media", name, Sampling(max_new_tokens=16), dtype)
    if name == "transformers":
        return load_answerer(spec)
    environment, choices = VARIANTS[variant or "default"]
    os.environ.update(environment)
    return load_vllm(spec, enforce_eager=True, **choices)


def greedy(folder: Path, engine: str, dtype: Precision) -> dict[str, Any]:
    """The mini model's greedy answers, by vLLM also with the ids and log-probabilities of its tokens."""
    items = items_made(folder / "media", 64, 112)
    answerer = mini(folder, engine, dtype)
    if engine == "transformers":
        rows = [
            row for b in (items[:32], items[32:]) for row in answerer.answer(b, answerer.encode(b), 0, lambda: None)
        ]
        return {"texts": [row.text for row in rows]}
    params = answerer.params_type(temperature=0.0, max_tokens=16, logprobs=0)
    replies = answerer.engine.generate(answerer.encode(items)["prompts"], params, use_tqdm=False)
    said = [reply.outputs[0] for reply in replies]
    logprobs = [[by[i].logprob for i, by in zip(one.token_ids, one.logprobs, strict=True)] for one in said]
    return {"texts": [one.text for one in said], "ids": [list(one.token_ids) for one in said], "logprobs": logprobs}


def forward_gap(folder: Path, said: dict[str, Any], dtype: Precision) -> dict[str, float]:
    """How far vLLM's log-probabilities are from those of a plain forward pass over the same tokens."""
    items = items_made(folder / "media", 64, 112)
    processor, model = load_processor(folder / "mini"), load_model(folder / "mini", "cuda", dtype)
    gaps: list[float] = []
    for item, ids, theirs in zip(items, said["ids"], said["logprobs"], strict=True):
        pictures = pictures_of(item, folder / "media")
        inputs = dict(processor(text=prompts_of(processor, [item]), images=pictures, return_tensors="pt"))
        answer = torch.tensor([ids])
        inputs["input_ids"] = torch.cat([inputs["input_ids"], answer], 1)
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        inputs["mm_token_type_ids"] = torch.cat([inputs["mm_token_type_ids"], torch.zeros_like(answer)], 1)
        with torch.no_grad():
            logits = model(**{name: value.to("cuda") for name, value in inputs.items()}).logits[0]
        ours = logits.float().log_softmax(-1)[-len(ids) - 1 : -1].gather(1, answer[0, :, None].to("cuda"))[:, 0]
        gaps += (ours.cpu() - torch.tensor(theirs)).abs().tolist()
    return {"max_logprob_gap": max(gaps), "mean_logprob_gap": sum(gaps) / len(gaps), "tokens": len(gaps)}


# One process a measurement: an engine gives its memory back only by ending.


def child(folder: Path, *what: str) -> dict[str, Any]:
    """One measurement in a process of its own."""
    if status := run_module("bench.gpu_vllm", "--child", str(folder), *what):
        raise RuntimeError(f"{what} ended with status {status}")
    found: dict[str, Any] = json.loads((folder / FIGURES).read_text())
    print(
        what, {name: value for name, value in found.items() if not isinstance(value, list)}, file=sys.stderr, flush=True
    )
    return found


def measure(folder: Path, what: str, engine: str, dtype: Precision) -> None:
    """What a child does."""
    if what == "speed":
        found = speed(folder, engine)
    elif what == "greedy":
        found = greedy(folder, engine, dtype)
    else:
        found = forward_gap(folder, json.loads((folder / "said.json").read_text()), dtype)
    write_atomic(folder / FIGURES, json.dumps(found))


def parity(folder: Path, dtype: Precision) -> dict[str, Any]:
    """Agreement and gap in one precision."""
    ours, theirs = (child(folder, "greedy", engine, dtype) for engine in ENGINES)
    pairs = list(zip(ours["texts"], theirs["texts"], strict=True))
    agreement = sum(a == b for a, b in pairs) / len(pairs)
    print(dtype, {"greedy_agreement": agreement}, file=sys.stderr, flush=True)
    return {"greedy_agreement": agreement, **gap(folder, theirs, dtype)}


def gap(folder: Path, said: dict[str, Any], dtype: Precision) -> dict[str, Any]:
    """The gap of what vLLM said, in a process of its own."""
    write_atomic(folder / "said.json", json.dumps(said))
    return child(folder, "gap", "-", dtype)


def varied(folder: Path, names: list[str]) -> dict[str, Any]:
    """The float32 gap of each variant; what fails is left out, and its last words are on stderr."""
    found = {}
    for name in names:
        started = time.perf_counter()
        try:
            said = child(folder, "greedy", f"vllm:{name}", "float32")
        except RuntimeError:
            continue
        found[name] = {**gap(folder, said, "float32"), "seconds": round(time.perf_counter() - started, 1)}
    return found


def main() -> None:
    """All figures to ``--out`` and the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--child", nargs=4)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", choices=("speed", "parity"))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=[])
    choices = parser.parse_args()
    if choices.child:
        folder, what, engine, dtype = choices.child
        measure(Path(folder), what, engine, dtype)
        return
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(MINI, folder / "mini")
        if choices.variants:
            report["variants"] = varied(folder, choices.variants)
        elif choices.only != "speed":
            for dtype in DTYPES:
                report[dtype] = parity(folder, dtype)
                report_keep(report, "cuda", choices.out)
            report |= {key: report["float32"][key] for key in ("greedy_agreement", "max_logprob_gap")}
        if choices.only != "parity" and not choices.variants:
            write_shape(folder / "model", SHAPE, "cuda")
            for engine in ENGINES:
                report[engine] = child(folder, "speed", engine, "bfloat16")
                report_keep(report, "cuda", choices.out)
            report["speedup"] = round(report["vllm"]["tokens_a_second"] / report["transformers"]["tokens_a_second"], 2)
    report_end(report, "cuda", choices.out)


if __name__ == "__main__":
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    main()
