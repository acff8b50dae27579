"""Boxes in a picture: equal when they overlap by half of their union."""

from core.domain.answers import AnswerType

B = AnswerType.BOX
GOLD = "[10, 20, 110, 220]"

CASES = [
    (B, GOLD, None, "\\boxed{[10, 20, 110, 220]}", True, True, "the format that is asked for"),
    (B, GOLD, None, "\\boxed{10, 20, 110, 220}", True, True, "no brackets"),
    (B, GOLD, None, "\\boxed{(10, 20), (110, 220)}", True, True, "two corners"),
    (B, GOLD, None, "\\boxed{(110, 220), (10, 20)}", True, True, "corners the other way round"),
    (B, GOLD, None, "\\boxed{[12, 22, 108, 218]}", True, True, "nearly the same"),
    (B, GOLD, None, "\\boxed{[10.5, 20.25, 110, 220]}", True, True, "decimals"),
    (B, GOLD, None, "\\boxed{[10, 20, 110, 121]}", True, True, "just more than half"),
    (B, GOLD, None, "\\boxed{[10, 20, 110, 119]}", False, False, "just less than half"),
    (B, GOLD, None, "\\boxed{[300, 300, 400, 400]}", False, False, "elsewhere"),
    (B, GOLD, None, "\\boxed{[0, 0, 1000, 1000]}", False, False, "everything"),
    (B, GOLD, None, "\\boxed{[10, 20, 110]}", False, False, "three numbers"),
    (B, GOLD, None, "\\boxed{[10, 20, 110, 220, 5]}", False, False, "five numbers"),
    (B, GOLD, None, "\\boxed{[10, 20, 10, 220]}", False, False, "no area"),
    (B, GOLD, None, "\\boxed{[[10, 20, 110, 220], [0, 0, 50, 50]]}", False, False, "two boxes for one"),
    (B, GOLD, None, '{"bbox_2d": [10, 20, 110, 220], "label": "cat"}', False, True, "JSON"),
    (B, GOLD, None, "<|box_start|>(10,20),(110,220)<|box_end|>", False, True, "special tokens"),
    (B, GOLD, None, "The cat is at [10, 20, 110, 220].", False, True, "in prose"),
    (B, GOLD, None, "Of 3 cats the left one is at (10, 20, 110, 220).", False, True, "another number before"),
    (B, GOLD, None, "x1=10, y1=20, x2=110, y2=220", False, True, "named edges"),
    (B, GOLD, None, "I cannot locate it.", False, False, "refusal"),
    (B, GOLD, None, "", False, False, "empty"),
    (B, "[0.1, 0.2, 0.5, 0.6]", None, "\\boxed{[0.1, 0.2, 0.5, 0.6]}", True, True, "shares of the picture"),
    (B, "[0.1, 0.2, 0.5, 0.6]", None, "\\boxed{[100, 200, 500, 600]}", False, False, "another scale"),
]
