"""Answers by offline vLLM: the batches, the prompts and the seeds of ``gpu.answer``, another engine behind them.

The only module that imports vLLM. Its kernels are not the same to the last bit for every load of the machine: a batch
that is answered again after a kill may differ in a token here and there; whole batches that were stored stay.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.seeds import seed_of
from core.specs import AnswerItem, AnswerRow, AnswerSpec
from gpu.asking import pictures_of, prompts_of
from gpu.errors import GpuFault, one_line
from gpu.loading import LOADING_ERRORS, VISION_TOKENS, load_processor

MEMORY_SHARE = 0.9
NEVER = -100.0  # the bias of tokens that announce vision: a sampled one would stand for a picture that is not there


@dataclass(frozen=True)
class VllmAnswerer:
    """A loaded vLLM engine that answers batches of one spec; ``params_type`` is vLLM's SamplingParams."""

    spec: AnswerSpec
    processor: Any
    engine: Any
    params_type: Any

    def encode(self, batch: Sequence[AnswerItem]) -> dict[str, Any]:
        """The batch as vLLM reads it: prompts as text with their pictures, which have their final size already."""
        texts = prompts_of(self.processor, batch)
        return {"prompts": [self._prompt(*pair) for pair in zip(texts, batch, strict=True)]}

    def _prompt(self, text: str, item: AnswerItem) -> dict[str, Any]:
        pictures = [self.processor.image_processor.sized(one) for one in pictures_of(item, self.spec.places.media)]
        return {"prompt": text, "multi_modal_data": {"image": pictures}} if pictures else {"prompt": text}

    def answer(
        self, batch: Sequence[AnswerItem], inputs: dict[str, Any], number: int, beat: Callable[[], None] = lambda: None
    ) -> list[AnswerRow]:
        """The batch's rows in the order of its items, ``num_answers`` for each."""
        params = [self._params(number, place) for place in range(len(batch))]
        replies = self.engine.generate(inputs["prompts"], params, use_tqdm=False)
        beat()
        return [
            AnswerRow(
                id=item.id,
                sample_ix=ix,
                text=said.text,
                num_tokens=len(said.token_ids),
                finish="length" if said.finish_reason == "length" else "stop",
                batch=number,
            )
            for item, reply in zip(batch, replies, strict=True)
            for ix, said in enumerate(reply.outputs)
        ]

    def _params(self, number: int, place: int) -> Any:
        sampling, vocabulary = self.spec.sampling, self.processor.tokenizer.get_vocab()
        return self.params_type(
            n=sampling.num_answers,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            max_tokens=sampling.max_new_tokens,
            seed=seed_of(self.spec.run_name(), number, place),
            logit_bias={vocabulary[token]: NEVER for token in VISION_TOKENS if token in vocabulary},
        )


def load_vllm(spec: AnswerSpec, **choices: Any) -> VllmAnswerer:
    """vLLM with the spec's checkpoint and the engine's own ``choices``; ``bad_input`` where it is not installed."""
    folder = spec.places.checkpoint
    processor = load_processor(folder)
    try:
        import vllm
    except ImportError as error:
        raise GpuFault("bad_input", f"The engine vllm needs vLLM (pip install '.[vllm]'): {one_line(error)}") from error
    try:
        engine = vllm.LLM(
            model=str(folder),
            dtype=spec.dtype,
            seed=spec.seed % (1 << 31),
            gpu_memory_utilization=MEMORY_SHARE,
            **choices,
        )
    except LOADING_ERRORS as error:
        raise GpuFault("bad_checkpoint", f"vLLM cannot load {folder}: {one_line(error)}") from error
    return VllmAnswerer(spec, processor, engine, vllm.SamplingParams)
