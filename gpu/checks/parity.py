"""Whether the trainer gives a drawn token the probability under which the generator drew it (method.md, section 6).

The canary: with its pictures blacked out the trainer must disagree at least ``CANARY`` times as much. If it does not,
the agreement says nothing: pictures do not matter to these answers, or they do not reach the model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from core.check_specs import CheckLine
from core.specs import Precision, Sampling
from gpu.checks.lines import line
from gpu.packing import Answers
from gpu.sampling import Tokens, drawn_log_probs, sample_answers

CANARY, MANY = 50, 1_000_000
NOISE = 1e-12  # a KL below this is rounding
EXACT_GAP = 1e-3
MEAN_WARN, MEAN_FAIL = 0.02, 0.05
KL_WARN, KL_FAIL = 1e-3, 1e-2
CHANGE = (
    "Generator and trainer see something else: compare versions, precision, chat template and pixel limits of both. "
    "Training on such answers drifts."
)
VOID = (
    "The check is void: the agreement above says nothing. See that the pictures show what the questions ask for, and "
    "that the checkpoint's vision tower is whole."
)


@dataclass(frozen=True)
class Drawn:
    """Answers to each prompt, with the log-probability of every token as the generator has it."""

    answers: list[list[list[int]]]
    log_probs: list[list[Tensor]]


class Generator(Protocol):
    """What draws answers: the trainer's own sampling, or vLLM."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    @property
    def precision(self) -> Precision:
        """What it computes in."""
        ...

    def draw(self, inputs: dict[str, Tensor], sampling: Sampling) -> Drawn:
        """Answers to left-padded prompts with their pictures."""
        ...


@dataclass(frozen=True)
class TransformersGenerator:
    """The trainer's own sampling, in its own process."""

    trainer: Any
    tokens: Tokens
    name: str = "transformers"

    @property
    def precision(self) -> Precision:
        """The trainer's."""
        return precision_of(self.trainer)

    def draw(self, inputs: dict[str, Tensor], sampling: Sampling) -> Drawn:
        """Token by token with a cache; the log-probabilities come from the same path, before any token is barred."""
        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        with self.trainer.accelerator.autocast():
            answers = sample_answers(model, inputs, sampling, self.tokens)
            return Drawn(answers, drawn_log_probs(model, inputs, answers, sampling))


@dataclass(frozen=True)
class Gap:
    """How far two readings of the same tokens are apart."""

    mean: float
    most: float
    kl: float

    @classmethod
    def of(cls, drawn: Tensor, trained: Tensor) -> "Gap":
        """``kl`` is the k3 estimate of KL(generator || trainer)."""
        difference = (trained - drawn).double()
        kl = (difference.exp() - difference - 1).mean()
        return cls(float(difference.abs().mean()), float(difference.abs().max()), float(kl))


def parity_lines(
    trainer: Any, generator: Generator, prompts: dict[str, Tensor], sampling: Sampling
) -> Iterator[CheckLine]:
    """The gap of one batch, and its canary."""
    drawn = generator.draw(prompts, sampling)
    packed = laid_out(prompts, drawn.answers, trainer)
    seen = Gap.of(*both(drawn, trained_log_probs(trainer, packed)))
    yield gap_line(seen, generator.name, coarser(generator.precision, precision_of(trainer)))
    if packed.pixel_values is None:
        yield line("canary", "The batch has no picture: nothing can be blacked out.", warns=True, change=VOID)
        return
    dark = laid_out({**prompts, "pixel_values": torch.zeros_like(prompts["pixel_values"])}, drawn.answers, trainer)
    yield canary_line(seen, Gap.of(*both(drawn, trained_log_probs(trainer, dark))))


def precision_of(trainer: Any) -> Precision:
    """In which precision the trainer computes."""
    return "bfloat16" if trainer.args.bf16 else "float32"


def coarser(one: Precision, other: Precision) -> Precision:
    """The precision that can be asked of two sides together."""
    return "float32" if one == other == "float32" else "bfloat16"


def gap_line(gap: Gap, generator: str, precision: Precision) -> CheckLine:
    """The gap against its limits, which depend on the precision."""
    found = f"{generator} against the trainer: mean |d log p| {gap.mean:.1e}, most {gap.most:.1e}, KL {gap.kl:.1e}"
    if precision == "float32":
        limits = f"in float32 at most {EXACT_GAP:g} is allowed"
        return line("parity", f"{found}; {limits}.", fails=not gap.most <= EXACT_GAP, change=CHANGE)
    limits = f"in bfloat16 {MEAN_WARN:g} (KL {KL_WARN:g}) is a warning, {MEAN_FAIL:g} (KL {KL_FAIL:g}) too much"
    is_far = not (gap.mean <= MEAN_FAIL and gap.kl <= KL_FAIL)
    is_off = gap.mean > MEAN_WARN or gap.kl > KL_WARN
    return line("parity", f"{found}; {limits}.", fails=is_far, warns=is_off, change=CHANGE)


def canary_line(seen: Gap, dark: Gap) -> CheckLine:
    """Whether blacking out the pictures was noticed."""
    times = dark.kl / max(seen.kl, NOISE)
    said = f"{times:,.0f}" if times < MANY else "over a million"
    found = f"With its pictures blacked out the KL is {dark.kl:.1e}, {said} times as much; {CANARY} are needed."
    return line("canary", found, fails=not times >= CANARY, change=VOID)


def both(drawn: Drawn, trained: Tensor) -> tuple[Tensor, Tensor]:
    """All tokens of all answers: as drawn, and as trained."""
    flat = [row for group in drawn.log_probs for row in group]
    pairs = zip(flat, trained, strict=True)
    return torch.cat(flat), torch.cat([row[: len(ids)] for ids, row in pairs])


def laid_out(prompts: dict[str, Tensor], answers: list[list[list[int]]], trainer: Any) -> Answers:
    """The batch as TRL lays it out: prompt padded left, answer padded right, pictures with every row."""
    count, device = len(answers[0]), prompts["input_ids"].device
    flat = [torch.tensor(ids, device=device) for group in answers for ids in group]
    ids = torch.nn.utils.rnn.pad_sequence(
        flat, batch_first=True, padding_value=trainer.processing_class.tokenizer.pad_token_id
    )
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in flat], batch_first=True)
    kinds = prompts["mm_token_type_ids"].repeat_interleave(count, 0)
    return Answers(
        input_ids=torch.cat([prompts["input_ids"].repeat_interleave(count, 0), ids], 1),
        attention_mask=torch.cat([prompts["attention_mask"].repeat_interleave(count, 0), mask], 1),
        length=ids.shape[1],
        group=torch.arange(len(answers), device=device).repeat_interleave(count),
        mm_token_type_ids=torch.cat([kinds, torch.zeros_like(ids)], 1),
        **repeated_pictures(prompts, count, trainer),
    )


def repeated_pictures(prompts: dict[str, Tensor], count: int, trainer: Any) -> dict[str, Any]:
    """Every row's pictures, once for each of its answers."""
    if "pixel_values" not in prompts:
        return {}
    grids, numbers = prompts["image_grid_thw"], pictures_in(prompts, trainer.processing_class)
    patches = torch.split(prompts["pixel_values"], grids.prod(1).tolist())
    owned = [part for part in torch.split(torch.arange(len(grids)), numbers) for _ in range(count)]
    order = [int(place) for part in owned for place in part]
    return {
        "pixel_values": torch.cat([patches[place] for place in order]),
        "image_grid_thw": grids[order],
        "num_images": [number for number in numbers for _ in range(count)],
    }


def pictures_in(prompts: dict[str, Tensor], processor: Any) -> list[int]:
    """How many pictures each row has: its runs of picture tokens hold as many tokens as its grids say."""
    left = (prompts["input_ids"] == processor.image_token_id).sum(1).tolist()
    sizes = (prompts["image_grid_thw"].prod(1) // processor.image_processor.merge_size**2).tolist()
    return share_out(left, sizes)


def share_out(wanted: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """How many of ``sizes``, taken in order, add up to each of ``wanted``."""
    counts, place = [], 0
    for total in wanted:
        start = place
        while total > 0:
            total, place = total - sizes[place], place + 1
        counts.append(place - start)
    return counts


@torch.no_grad()
def trained_log_probs(trainer: Any, answers: Answers) -> Tensor:
    """What the trainer's own forward pass says of every answer token."""
    trainer._group = answers.group
    fields = {
        "pixel_values": answers.pixel_values,
        "image_grid_thw": answers.image_grid_thw,
        "num_images": answers.num_images,
    }
    log_probs, _, _ = trainer._get_per_token_logps_and_entropies(
        trainer.model,
        answers.input_ids,
        answers.attention_mask,
        answers.length,
        batch_size=trainer.args.per_device_train_batch_size,
        mm_token_type_ids=answers.mm_token_type_ids,
        **{name: value for name, value in fields.items() if value is not None},
    )
    return log_probs  # type: ignore[no-any-return]
