"""What every engine needs of an item: its words in the checkpoint's chat template, and its pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.specs import AnswerItem
from gpu.errors import GpuFault
from gpu.pictures import read_picture


def prompts_of(processor: Any, batch: Sequence[AnswerItem]) -> list[str]:
    """The items as text in the checkpoint's chat template; ``bad_input`` where pictures and placeholders differ."""
    asked = [sum(block["type"] == "image" for m in item.messages for block in m["content"]) for item in batch]
    if wrong := [item.id for item, n in zip(batch, asked, strict=True) if n != len(item.images)]:
        raise GpuFault("bad_input", f"Item {wrong[0]} asks for another number of pictures than it names.")
    return [processor.apply_chat_template(item.messages, add_generation_prompt=True) for item in batch]


def pictures_of(item: AnswerItem, media: Path) -> list[Any]:
    """The item's pictures; ``bad_input`` names one that is missing or cannot be read."""
    paths = {name: media / name[:2] / name for name in item.images}
    if missing := [name for name, path in paths.items() if not path.is_file()]:
        raise GpuFault("bad_input", f"The picture {missing[0]} is not in {media}.")
    return [read_picture(paths[name].read_bytes(), name) for name in item.images]
