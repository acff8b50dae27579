"""The words for pictures and errors, by which a wrong answer is labelled."""

from typing import Literal, get_args

ImageType = Literal[
    "geometric",
    "medical",
    "chart_graph",
    "text_dense",
    "diagram",
    "math_formula",
    "map",
    "natural_scene",
    "artistic",
    "everyday_object",
    "architectural",
    "mixed",
]
ErrorType = Literal["visual_recognition", "calculation", "reasoning", "misunderstanding", "other"]
IMAGE_TYPES: tuple[str, ...] = get_args(ImageType)
ERROR_TYPES: tuple[str, ...] = get_args(ErrorType)
