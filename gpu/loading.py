"""Models and processors from Hugging Face folders of the Qwen2-VL, Qwen2.5-VL and Qwen3-VL kind."""

import json
import os
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from transformers.processing_utils import ProcessorMixin

from core.specs import Device, Precision, Spec
from gpu.errors import GpuFault, one_line
from gpu.pictures import CachingImageProcessor
from gpu.sampling import Tokens

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
VISION_IDS = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id", "vision_token_id")
VISION_TOKENS = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>")
# What loading raises for a folder that is torn, foreign or not a checkpoint at all.
LOADING_ERRORS = (
    OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError, SafetensorError
)  # fmt: skip
hub: Any = transformers  # its annotations do not survive mypy --strict


class ImageOnlyProcessor(ProcessorMixin):
    """The Qwen processors without their video half, which needs torchvision.

    Texts and images in; ``input_ids``, ``attention_mask``, ``mm_token_type_ids``, ``pixel_values`` and
    ``image_grid_thw`` out, as the stock processors give them with the PIL image backend.
    """

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        self.image_token = "<|image_pad|>"
        self.image_token_id: int = tokenizer.convert_tokens_to_ids(self.image_token)
        super().__init__(image_processor, tokenizer, chat_template=chat_template)  # type: ignore[no-untyped-call]

    def __call__(self, images: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As the stock call; ``mm_token_type_ids`` always come too, since the model's positions need them.

        Rows without pictures may stand beside rows with some: ``images`` is flattened first, and none is None.
        """
        if isinstance(images, (list, tuple)):
            rows = [row if isinstance(row, (list, tuple)) or row is None else [row] for row in images]
            images = [picture for row in rows if row for picture in row] or None
        return super().__call__(images, *args, **{"return_mm_token_type_ids": True, **kwargs})

    def replace_image_token(self, image_inputs: dict[str, Any], image_idx: int, **kwargs: Any) -> str:
        """The image's placeholder, once for every merged patch."""
        patches = int(image_inputs["image_grid_thw"][image_idx].prod())
        return self.image_token * (patches // int(self.image_processor.merge_size) ** 2)


def prepare_torch(spec: Spec) -> None:
    """Threads, seed and device as the spec has them, each rank its own GPU; ``bad_input`` when there is none."""
    if spec.places.threads:
        torch.set_num_threads(spec.places.threads)
    if spec.device == "cuda" and not torch.cuda.is_available():
        raise GpuFault("bad_input", "The spec asks for a CUDA device, and torch sees none.")
    if spec.device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    torch.manual_seed(spec.seed)
    hub.utils.logging.disable_progress_bar()


def check_folder(folder: Path) -> Any:
    """The folder's transformers config; a missing folder or another kind of model is ``bad_checkpoint``."""
    if not (folder / "config.json").is_file():
        raise GpuFault(
            "bad_checkpoint",
            f"{folder} is no Hugging Face checkpoint: it has no config.json.",
        )
    try:
        config = hub.AutoConfig.from_pretrained(folder, local_files_only=True)
    except LOADING_ERRORS as error:
        raise GpuFault("bad_checkpoint", f"{folder}/config.json cannot be read: {one_line(error)}") from error
    if not (config.model_type.startswith("qwen") and hasattr(config, "vision_config")):
        raise GpuFault(
            "bad_checkpoint",
            f"{folder} holds a {config.model_type} model; a Qwen-VL one is needed.",
        )
    return config


def _chat_template(folder: Path, tokenizer: Any) -> str:
    """The folder's chat template, from any of the three places where transformers keeps one."""
    if (jinja := folder / "chat_template.jinja").is_file():
        return jinja.read_text(encoding="utf-8")
    if (legacy := folder / "chat_template.json").is_file():
        return str(json.loads(legacy.read_text(encoding="utf-8"))["chat_template"])
    if isinstance(tokenizer.chat_template, str):
        return str(tokenizer.chat_template)
    raise ValueError("it has no chat template")


def load_processor(folder: Path, max_pixels: int = 0) -> ImageOnlyProcessor:
    """The folder's tokenizer (padding left), image processor (PIL) and chat template in one processor.

    ``max_pixels`` lowers the folder's own limit on the size of a picture; 0 leaves it.
    """
    check_folder(folder)
    try:
        tokenizer = hub.AutoTokenizer.from_pretrained(folder, local_files_only=True, padding_side="left")
        images = CachingImageProcessor.from_pretrained(folder, local_files_only=True)
        limit_pixels(images, max_pixels)
        template = _chat_template(folder, tokenizer)
    except LOADING_ERRORS as error:
        raise GpuFault("bad_checkpoint", f"{folder} has no usable processor: {one_line(error)}") from error
    if tokenizer.convert_tokens_to_ids("<|image_pad|>") in (
        None,
        tokenizer.unk_token_id,
    ):
        raise GpuFault("bad_checkpoint", f"{folder}: the tokenizer has no <|image_pad|> token.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return ImageOnlyProcessor(images, tokenizer, chat_template=template)


def limit_pixels(images: CachingImageProcessor, max_pixels: int) -> None:
    """Make pictures of more than ``max_pixels`` smaller, unless the processor does so already."""
    least, most = images.size["shortest_edge"], images.size["longest_edge"]
    if 0 < max_pixels < most:
        images.size = {"shortest_edge": min(least, max_pixels), "longest_edge": max_pixels}


def load_model(folder: Path, device: Device, dtype: Precision) -> Any:
    """The folder's model in evaluation mode, its weights held as ``dtype`` on ``device``.

    Weights that the file does not hold are ``bad_checkpoint``; transformers alone would make them up at random.
    """
    check_folder(folder)
    try:
        model, info = hub.AutoModelForImageTextToText.from_pretrained(
            folder,
            dtype=DTYPES[dtype],
            attn_implementation="sdpa",
            local_files_only=True,
            output_loading_info=True,
        )
    except LOADING_ERRORS as error:
        raise GpuFault("bad_checkpoint", f"{folder} cannot be loaded: {one_line(error)}") from error
    lacking = sorted(info["missing_keys"]) + sorted(str(key) for key in info["mismatched_keys"])
    if lacking:
        raise GpuFault(
            "bad_checkpoint",
            f"{folder} lacks {len(lacking)} weights of its model, such as {lacking[0]}.",
        )
    return model.to(device).eval()


def answer_tokens(model: Any, tokenizer: Any) -> Tokens:
    """Which ids end an answer (the model's and the tokenizer's), which are never drawn, which pads."""
    ends = model.generation_config.eos_token_id
    stop = {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}
    return Tokens(sorted(stop), vision_token_ids(model, tokenizer), tokenizer.pad_token_id)


def vision_token_ids(model: Any, tokenizer: Any = None) -> list[int]:
    """Every token id that announces vision, sorted. A sampled one breaks the next forward: suppress them all.

    The config knows most of them; ``tokenizer`` adds those that only the vocabulary has.
    """
    named = [getattr(model.config, name, None) for name in VISION_IDS]
    if tokenizer is not None:
        vocabulary = tokenizer.get_vocab()
        named += [vocabulary.get(token) for token in VISION_TOKENS]
    vocab_size = model.get_input_embeddings().num_embeddings
    return sorted({int(i) for i in named if i is not None and 0 <= i < vocab_size})
