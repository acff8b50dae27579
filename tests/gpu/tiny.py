"""A random Qwen2.5-VL of a few hundred thousand weights, with its tokenizer, as a Hugging Face folder."""

import shutil
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from core.domain.prompts import question_messages
from gpu.loading import load_model, load_processor

hub: Any = transformers  # its annotations do not survive mypy --strict
SPECIALS = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
]
SPECIALS += ["<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.content is string %}{{ m.content }}{% else %}{% for b in m.content %}"
    "{% if b.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ b.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WORDS = [
    "What colour is this? Put the final answer in \\boxed{}.",
    "\\boxed{red} \\boxed{blue} 0123456789",
    "A. B. C. D.",
]


def build_tokenizer() -> Any:
    """A byte-level BPE of about 300 tokens with Qwen's special tokens."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=SPECIALS, initial_alphabet=alphabet)
    raw.train_from_iterator(WORDS, trainer)
    return hub.TokenizersBackend(tokenizer_object=raw, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def build_config(tokenizer: Any) -> Any:
    """Two layers of each kind; the vision tower has one windowed and one full layer."""
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIALS}
    text = {
        "vocab_size": len(tokenizer), "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]},
        "bos_token_id": ids["<|endoftext|>"], "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
    }  # fmt: skip
    vision = {
        "depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 64,
        "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2, "fullatt_block_indexes": [1],
        "window_size": 56,
    }  # fmt: skip
    return hub.Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, tie_word_embeddings=True,
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
    )  # fmt: skip


def build_checkpoint(folder: Path, seed: int = 0) -> Path:
    """Write the whole folder, weights in bf16, and return it."""
    tokenizer = build_tokenizer()
    torch.manual_seed(seed)
    model = hub.Qwen2_5_VLForConditionalGeneration(build_config(tokenizer)).to(torch.bfloat16)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    Qwen2VLImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 112 * 112}).save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


def teach_answers(source: Path, folder: Path, answers: list[str], steps: int = 60) -> Path:
    """A copy of ``source`` that gives each of ``answers`` about equally often, whatever it is asked."""
    processor, model = load_processor(source), load_model(source, "cpu", "float32").train()
    tokenizer = processor.tokenizer
    asked: Any = question_messages("What colour?", num_images=0)
    prompt = processor.apply_chat_template(asked, add_generation_prompt=True)
    rows = [tokenizer(f"{prompt}{answer}<|im_end|>")["input_ids"] for answer in answers]
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    torch.manual_seed(0)
    for step in range(steps):
        row = torch.tensor([rows[step % len(rows)]])
        labels = row.clone()
        labels[:, : len(tokenizer(prompt)["input_ids"])] = -100
        optimizer.zero_grad()
        torch.autograd.backward(model(input_ids=row, labels=labels).loss)
        optimizer.step()
    shutil.copytree(source, folder, dirs_exist_ok=True)
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder
