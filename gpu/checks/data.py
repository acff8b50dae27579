"""What can be said of the data before a model is loaded: schema, pictures, tokens, lengths, batches, difficulty."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from core.check_specs import CheckLine
from core.domain.gradients import Difficulty, gradient_share
from core.specs import GrpoSettings
from gpu.checks.lines import DATA_CHANGE, line, some
from gpu.dataset import TrainingRows
from gpu.grpo import batches, num_scheduled_rows
from gpu.loading import VISION_TOKENS

MIN_GRADIENT_SHARE = 0.3


@dataclass(frozen=True)
class Length:
    """Tokens of one sample's prompt: all of them, and those of its pictures."""

    sample_id: str
    total: int
    pictures: int
    num_pictures: int


@dataclass(frozen=True)
class Reading:
    """How pictures become tokens under a processor's limits."""

    least: int
    most: int
    side: int  # pixels of one token's side

    @classmethod
    def of(cls, images: Any) -> "Reading":
        """What an image processor says of itself."""
        side = int(images.patch_size * images.merge_size)
        return cls(int(images.size["shortest_edge"]), int(images.size["longest_edge"]), side)

    def tokens(self, size: tuple[int, int]) -> int:
        """Tokens of a picture of this width and height."""
        width, height = size
        rows, columns = smart_resize(height, width, self.side, self.least, self.most)
        return int((rows // self.side) * (columns // self.side))


def schema_lines(rows: TrainingRows) -> Iterator[CheckLine]:
    """Whether every sample can be asked: as many pictures as placeholders, and no vision token in its own words."""
    unasked = rows.unasked()
    yield line("dataset", f"{len(rows)} samples with all columns.")
    found = f"{len(unasked)} of {len(rows)} samples ask for another number of pictures than they have"
    yield line(
        "placeholders",
        f"{found}: {some(unasked)}." if unasked else "Every sample asks for as many pictures as it has.",
        fails=bool(unasked),
        change=DATA_CHANGE,
    )


def words_line(rows: TrainingRows) -> CheckLine:
    """A vision token that is written into a question would count as a picture."""
    said = [facts["sample_id"] for facts in map(rows.facts, range(len(rows))) if has_vision_words(facts["prompt"])]
    found = f"{len(said)} samples write a vision token into their text: {some(said)}."
    return line(
        "words",
        found if said else "No sample writes a vision token into its text.",
        fails=bool(said),
        change="Take these samples out, or write the token in other words: the model would expect a picture there.",
    )


def has_vision_words(prompt: Sequence[dict[str, Any]]) -> bool:
    """Whether the text of a prompt holds a vision token."""
    texts = [block.get("text", "") for message in prompt for block in message["content"]]
    return any(token in text for text in texts for token in VISION_TOKENS)


def prompt_lengths(rows: TrainingRows, processor: Any) -> list[Length]:
    """Every sample's length: its words are read, its pictures counted by their size."""
    reading = Reading.of(processor.image_processor)
    lengths = []
    for number in range(len(rows)):
        facts, sizes = rows.facts(number), rows.sizes(number)
        text = processor.apply_chat_template(facts["prompt"], add_generation_prompt=True)
        pictures = sum(map(reading.tokens, sizes))
        words = len(processor.tokenizer(text)["input_ids"]) - len(sizes)
        lengths.append(Length(facts["sample_id"], words + pictures, pictures, len(sizes)))
    return lengths


def length_lines(
    lengths: Sequence[Length], reading: Reading, settings: GrpoSettings, limit: int
) -> Iterator[CheckLine]:
    """The longest prompt and the largest picture, each with an answer, against the model's context."""
    longest = max(lengths, key=lambda length: length.total)
    room, answer = limit - settings.max_completion_tokens, settings.max_completion_tokens
    yield line(
        "longest prompt",
        f"{longest.total:,} tokens (sample {longest.sample_id}), {longest.pictures:,} of them for "
        f"{longest.num_pictures} pictures; with an answer of {answer:,} the model allows {limit:,}.",
        fails=longest.total > room,
        change=shorter(longest, reading, room),
    )
    worst, most = reading.most // reading.side**2, max(length.num_pictures for length in lengths)
    words = max(length.total - length.pictures for length in lengths)
    total = words + most * worst
    yield line(
        "largest picture",
        f"A picture at the limit of {reading.most:,} pixels is {worst:,} tokens; with {most} of them and the longest "
        f"text a prompt has {total:,}.",
        warns=total > room,
        change=f"No sample needs it. To be safe, set max_pixels to {pixels_for(room - words, most, reading):,}.",
    )


def shorter(longest: Length, reading: Reading, room: int) -> str:
    """What makes the longest prompt fit."""
    for_pictures = room - (longest.total - longest.pictures)
    if for_pictures >= longest.num_pictures > 0:
        return f"Set max_pixels to at most {pixels_for(for_pictures, longest.num_pictures, reading):,}, " + LESS
    return "The text alone is too long: lower max_completion_tokens, or take the sample out."


LESS = "or lower max_completion_tokens."


def pixels_for(tokens: int, num_pictures: int, reading: Reading) -> int:
    """The pixel limit at which so many pictures have at most so many tokens together."""
    return max(1, tokens // max(1, num_pictures)) * reading.side**2


def pixels_line(rows: TrainingRows, training: Reading, answering: Reading) -> CheckLine:
    """Whether training sees the pictures that diagnosis and evaluation see."""
    sizes = [size for number in range(len(rows)) for size in rows.sizes(number)]
    other = sum(training.tokens(size) != answering.tokens(size) for size in sizes)
    limits = f"Training reads at most {training.most:,} pixels, answering {answering.most:,}"
    return line(
        "pixel limits",
        f"{limits}; {other} of {len(sizes)} pictures are seen smaller in training.",
        warns=bool(other),
        change="Diagnosis and evaluation see more than training: raise max_pixels, or set it to 0, if memory allows.",
    )


def batch_lines(num_rows: int, settings: GrpoSettings) -> Iterator[CheckLine]:
    """How the steps divide, and which rows are seen more often than others."""
    cut, needed = batches(settings), num_scheduled_rows(settings)
    per_step, unused = settings.prompts_per_step, settings.steps % settings.steps_per_generation
    yield line(
        "batches",
        f"{per_step} prompts x {settings.num_generations} answers a step: {cut.accumulation} passes of {cut.micro} "
        f"on each of {settings.gpus} GPUs.",
        warns=bool(unused) or cut.micro < settings.num_generations,
        change=f"The last generation is used for {unused} of {settings.steps_per_generation} steps: take a multiple."
        if unused
        else f"Set micro_batch_size to at least {settings.num_generations}, so that a prompt is computed once a group.",
    )
    passes, over = divmod(needed, num_rows)
    yield line(
        "passes",
        f"{needed:,} prompts of {num_rows:,} samples: {passes} whole passes"
        + (f"; {over:,} samples are left over and seen once more." if over else ", none left over."),
        warns=cut.prompts_per_generation > num_rows,
        change=f"One generation takes {cut.prompts_per_generation} prompts and so some samples twice: lower "
        "prompts_per_step or steps_per_generation.",
    )


def gradient_line(difficulty: Sequence[Difficulty], group: int) -> CheckLine:
    """The forecast share of groups whose answers differ in reward."""
    known = [one for one in difficulty if one[1]]
    if not known:
        return line(
            "gradient",
            "Nobody knows how often the parent is right on this data.",
            warns=True,
            change="Look at frac_reward_zero_std in the first steps; the difficulty filter would have told.",
        )
    share, samples = gradient_share(known, group), sum(count for _, _, count in known)
    return line(
        "gradient",
        f"About {share:.0%} of the groups will have right and wrong answers, by the parent's own answers to "
        f"{samples:,} samples; at least {MIN_GRADIENT_SHARE:.0%} are needed.",
        fails=share < MIN_GRADIENT_SHARE,
        change=f"Take samples that the parent gets right sometimes, or raise num_generations ({group} now"
        f"{larger_group(known, group)}).",
    )


def larger_group(known: Sequence[Difficulty], group: int) -> str:
    """The smallest larger group that would do, if one up to 64 does."""
    sizes = (size for size in (2 ** math.ceil(math.log2(group + 1)), 16, 32, 64) if size > group)
    enough = next((size for size in sizes if gradient_share(known, size) >= MIN_GRADIENT_SHARE), 0)
    return f", {enough} would do" if enough else ""
