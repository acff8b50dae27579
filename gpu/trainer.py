"""TRL's GRPO trainer with every prompt and picture computed once, and a word on how far it is.

What is overridden gives the numbers that TRL's own code gives (tests/gpu/test_trainer.py), only faster.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from trl.models.utils import unwrap_model_for_generation
from trl.trainer import utils as trl_utils
from trl.trainer.grpo_trainer import GRPOTrainer

from core.specs import Phase, Sampling
from gpu.adapters import has_adapters, load_adapters, merged
from gpu.checkpoints import mark_complete
from gpu.errors import GpuFault
from gpu.loading import load_model
from gpu.packing import Answers, fits, packed_log_probs
from gpu.policy_slices import PolicySums
from gpu.sampling import Tokens, sample_answers

Show = Callable[[Phase], None]
rows_of: Any = trl_utils  # its annotations leave out lists


def collapsed(ids: list[int], token: int) -> list[int]:
    """The ids with every run of ``token`` as one."""
    return [found for found, before in zip(ids, [None, *ids], strict=False) if found != token or before != token]


class SharedPromptTrainer(GRPOTrainer):
    """GRPO in one process; ``show`` hears of every change of phase."""

    args: Any
    processing_class: Any
    num_generations: int
    epsilon_low: float
    epsilon_high: float
    _newest: tuple[Tensor, Tensor | None]
    _buffered_inputs: Any

    def __init__(self, *, tokens: Tokens, sampling: Sampling, show: Show, **arguments: Any) -> None:
        self._draw_tokens, self._draw_sampling, self._show = tokens, sampling, show
        self._group, self._newest = torch.empty(0), (torch.empty(0), None)
        super().__init__(**arguments)
        self.policy = PolicySums((self.epsilon_low, self.epsilon_high))

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        """As TRL, without its shuffle of completions: rows of one group stay together and share their prompt."""
        if self._step % self.args.steps_per_generation == 0 or self._buffered_inputs is None:
            batch = rows_of.split_pixel_values_by_grid(self._generate_and_score_completions(generation_batch))
            parts = rows_of.split_tensor_dict(batch, self.args.steps_per_generation)
            self._buffered_inputs = [rows_of.unsplit_pixel_values_by_grid(part) for part in parts]
        return self._buffered_inputs[self._step % self.args.steps_per_generation]

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        self._group = torch.arange(len(inputs), device=self.accelerator.device) // self.num_generations
        output = super()._generate_and_score_completions(inputs)
        self._show("update")
        return {**output, "group": self._group, "about": self.policy.numbers(inputs, self._group.device)}

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[Any, Any, Any]:
        """Each prompt's ids and pictures for all its copies; the other fields once a prompt."""
        ids, images, fields = super()._tokenize_prompts(prompts[:: self.num_generations])
        return self._copied(ids), None if images is None else self._copied(images), fields

    def _copied(self, values: list[Any]) -> list[Any]:
        return [value for value in values for _ in range(self.num_generations)]

    def _generate_single_turn(
        self, prompt_ids: Any, images: Any, multimodal_fields: Any, num_generations: int, has_tool_images: bool = False
    ) -> tuple[list[list[int]], Any]:
        """Completions by ``sample_answers``; no log-probabilities, as with TRL's own sampling. Or those of vLLM."""
        if self.use_vllm:
            return self.generate_elsewhere(prompt_ids, images, num_generations)
        self._show("generate")
        batch = self._prompt_batch(prompt_ids[::num_generations], multimodal_fields)
        with self._generating() as model:
            beat = partial(self._show, "generate")
            answers = sample_answers(model, batch, self._draw_sampling, self._draw_tokens, beat=beat)
        self._show("score")
        return [ids for group in answers for ids in group], None

    def _generating(self) -> AbstractContextManager[Any]:
        """The model as it draws answers."""
        checkpointing = self.args.gradient_checkpointing_kwargs
        return unwrap_model_for_generation(
            self.model_wrapped, self.accelerator, gradient_checkpointing_kwargs=checkpointing
        )

    def generate_elsewhere(
        self, prompt_ids: list[list[int]], images: Any, num_generations: int
    ) -> tuple[list[list[int]], list[list[float]]]:
        """Completions by vLLM with its log-probabilities, after the newest weights were sent, as a phase of its own."""
        if self.state.global_step != self._last_loaded_step:
            self._show("sync")
            self.vllm_generation.sync_weights()  # type: ignore[no-untyped-call]
            self._forget_pictures()
            self._last_loaded_step = self.state.global_step
        self._show("generate")
        read, answers, log_probs, _ = self.vllm_generation.generate(
            prompts=self.prompts_elsewhere(prompt_ids),
            images=self.sized(images, num_generations),
            num_generations=num_generations,
        )
        if read != prompt_ids:
            raise GpuFault("bad_input", "vLLM reads other prompts than the trainer: it counts pictures otherwise.")
        self._show("score")
        return answers, [[chances[0] for chances in row] for row in log_probs]

    def _forget_pictures(self) -> None:
        """Make vLLM look anew at pictures that it saw with older weights, which TRL does not."""
        vllm: Any = self.vllm_generation
        if self.vllm_mode == "colocate":
            vllm.llm.llm_engine.reset_encoder_cache()
        elif self.accelerator.is_main_process:
            vllm.vllm_client.session.post(f"{vllm.vllm_client.base_url}/reset_encoder_cache").raise_for_status()

    def prompts_elsewhere(self, prompt_ids: list[list[int]]) -> list[list[int]]:
        """In the trainer's own process vLLM writes a picture's tokens itself, from one for each picture.

        TRL hands it all of them, and vLLM makes more of the first: https://github.com/huggingface/trl/issues/6294
        """
        if self.vllm_mode == "server":
            return prompt_ids
        return [collapsed(ids, self.processing_class.image_token_id) for ids in prompt_ids]

    def sized(self, images: list[Any] | None, num_copies: int) -> list[Any] | None:
        """The pictures as the trainer sees them: vLLM knows neither ``max_pixels`` nor our filter."""
        if images is None:
            return None
        sized = self.processing_class.image_processor.sized
        rows = [row and [sized(one) for one in row] for row in images[::num_copies]]
        return [row for row in rows for _ in range(num_copies)]

    def _prompt_batch(self, prompt_ids: list[list[int]], fields: dict[str, Any]) -> dict[str, Tensor]:
        """Prompts padded left, with their fields, on the device."""

        def padded(rows: list[list[int]], value: int) -> Tensor:
            return trl_utils.pad([torch.tensor(row) for row in rows], padding_value=value, padding_side="left")

        batch = {"input_ids": padded(prompt_ids, self._draw_tokens.pad)}
        batch["attention_mask"] = padded([[1] * len(row) for row in prompt_ids], 0)
        for name, value in fields.items():
            is_per_token = isinstance(value, list)
            batch[name] = padded(value, 0) if is_per_token else value
        return {name: value.to(self.accelerator.device) for name, value in batch.items()}

    def _get_per_token_logps_and_entropies(self, *what: Any, **fields: Any) -> Any:
        """As TRL; the newest are kept for the numbers by skill."""
        found = self._log_probs(*what, **fields)
        self._newest = (found[0].detach(), None if found[1] is None else found[1].detach())
        return found

    def _log_probs(
        self, model: Any, input_ids: Tensor, attention_mask: Tensor, logits_to_keep: int, **fields: Any
    ) -> Any:
        """As TRL, with prompts shared where packed rows stay short enough."""
        answers = Answers(
            input_ids=input_ids,
            attention_mask=attention_mask,
            length=logits_to_keep,
            group=self._group,
            mm_token_type_ids=fields.get("mm_token_type_ids"),
            pixel_values=fields.get("pixel_values"),
            image_grid_thw=fields.get("image_grid_thw"),
            num_images=fields.get("num_images"),
        )
        if fields.get("compute_aux_loss") or not fits(answers):
            return super()._get_per_token_logps_and_entropies(
                model, input_ids, attention_mask, logits_to_keep, **fields
            )
        parts = []
        for part in answers.chunks(fields.get("batch_size") or len(input_ids)):
            with self.accelerator.autocast():
                parts.append(packed_log_probs(model, part))
        entropies = [entropy for _, entropy in parts if entropy is not None] if fields.get("compute_entropy") else []
        return torch.cat([log_probs for log_probs, _ in parts]), torch.cat(entropies) if entropies else None, None

    def _compute_loss(self, model: Any, inputs: Any) -> Tensor:
        """TRL's loss; one that is not a number ends the run as ``diverged``."""
        self._show("update")
        self._group = inputs["group"]
        loss: Tensor = super()._compute_loss(model, inputs)  # type: ignore[no-untyped-call]
        kl = self._metrics["train"]["kl"][-1] if self.beta else 0.0
        if not (torch.isfinite(loss) and torch.isfinite(torch.tensor(kl))):
            step = self.state.global_step + 1
            raise GpuFault("diverged", f"At step {step} the loss is {loss.item():g} and the KL is {kl:g}.")
        if "about" in inputs:
            self.policy.add(inputs, *self._newest)
        return loss

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        self._show("save")
        super()._save_checkpoint(model, trial)  # type: ignore[no-untyped-call]
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            mark_complete(Path(self.args.output_dir), self.state.global_step)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """The checkpoint's weights, all of them.

        Since transformers 5 a saved file has other names than the model in memory, and the stock method, which
        looks for the names in memory, finds none, warns, and goes on with the weights of the start.
        """
        trained = self.accelerator.unwrap_model(self.model if model is None else model)
        if has_adapters(trained):
            load_adapters(trained, Path(resume_from_checkpoint))
            return
        saved = load_model(Path(resume_from_checkpoint), self.accelerator.device.type, "float32")
        trained.load_state_dict(saved.state_dict())

    def whole_model(self, source: Path) -> Any:
        """The trained model without adapters, for the first rank to write; ``source`` is what it was trained from."""
        return merged(self.accelerator.unwrap_model(self.model))

    def create_model_card(self, *arguments: Any, **keywords: Any) -> None:
        """No card: RUN_DIR is no model repository."""
