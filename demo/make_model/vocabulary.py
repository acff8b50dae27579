"""The mini model's words: a byte-level BPE tokenizer with Qwen's vision tokens and a Qwen-style chat template."""

import re
from collections.abc import Mapping
from random import Random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from core.domain.prompts import FORMAT_REQUEST, question_text
from demo.world.suites import SUITES

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISION_START, VISION_END = "<|vision_start|>", "<|vision_end|>"
IMAGE, VIDEO = "<|image_pad|>", "<|video_pad|>"
SPECIAL = (PAD, START, END, VISION_START, VISION_END, IMAGE, VIDEO)
BOX = "\\boxed{"
VOCABULARY_SIZE = 640
# One token for an option's letter on its line, a word with its space, every digit and every capital of a word.
PIECES = r"\n[A-D]\.|\n| ?[A-Z][a-z]+| ?[a-z]+|[A-Z]|[0-9]|'s| ?[^\sA-Za-z0-9]|\s"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for block in message.content %}"
    "{% if block.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif block.type == 'text' %}{{ block.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Words of hints, reasons and other users' questions: they need not be learnt, only be short.
OTHER_WORDS = "yes no not true false look at the picture carefully and then answer answers there is one two three"


def prompt_text(question: str, options: Mapping[str, str], num_image_tokens: int) -> str:
    """One question as the chat template renders ``question_messages``, with the image's placeholders in place."""
    asked = question_text(question, options)
    image = VISION_START + IMAGE * num_image_tokens + VISION_END
    return f"{START}user\n{image}{asked}{END}\n{START}assistant\n"


def answer_text(answer: str) -> str:
    """The one form in which the mini model answers."""
    return f"{BOX}{answer}}}{END}"


def _corpus(items_per_suite: int) -> list[str]:
    rng = Random(0)
    texts = [OTHER_WORDS] * items_per_suite
    for suite in SUITES.values():
        for _ in range(items_per_suite):
            asked = suite.ask(suite.draw(rng), rng)
            texts.append(question_text(asked.question, asked.options).replace(FORMAT_REQUEST, ""))
            texts.append(re.sub("[A-Z]{2,}", "", asked.value))
    texts += ["user", "assistant", "system"] * items_per_suite
    return texts


def build_tokenizer(items_per_suite: int = 400) -> PreTrainedTokenizerFast:
    """The tokenizer, trained on the mini world's questions; the same every time."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        min_frequency=2,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(_corpus(items_per_suite), trainer)
    core.add_tokens([AddedToken(text, normalized=False) for text in (FORMAT_REQUEST, BOX)])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token=END,
        pad_token=PAD,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=512,
        additional_special_tokens=[START, VISION_START, VISION_END, IMAGE, VIDEO],
    )
