"""How the teacher plays those who deal with pictures: searcher, selector, analyst, editor."""

import json
import re
from dataclasses import dataclass
from random import Random
from typing import Any

from core.domain.files import hash_bytes
from demo.teacher.questions import SKILLS
from demo.teacher.reading import Asked
from demo.world.scenes import Scene, read_scene, to_png
from demo.world.suites import Suite

GOOD, POOR = (8.0, 10.0), (1.0, 4.0)
NAME = re.compile(rb'name="([^"]*)"')
MAX_EDITS = 10


def search(asked: Asked) -> dict[str, Any]:
    """The planner's queries, the shorter one first."""
    told = asked.facts.get("queries")
    queries = [str(one) for one in told] if isinstance(told, list) else [asked.fact("skill").replace(".", " ")]
    return {"queries": sorted(queries, key=len)[:2]}


def select(asked: Asked) -> dict[str, Any]:
    """High scores for pictures that can be asked about in this skill, low ones for all others."""
    suite, rng = SKILLS.get(asked.fact("skill")), asked.random("select")
    scores = []
    for number, scene in enumerate(asked.scenes, start=1):
        fits = serves(suite, scene)
        score = round(rng.uniform(*(GOOD if fits else POOR)), 1)
        reason = "It shows what the skill needs." if fits else "It shows something else."
        scores.append({"candidate": number, "score": score, "usable": fits, "reason": reason})
    return {"scores": scores}


def analyse(asked: Asked) -> dict[str, Any]:
    """What is seen, and that the first picture is to be redrawn for the skill."""
    skill = asked.fact("skill")
    instruction = f"Redraw the picture so that it serves the skill {skill}."
    picks = [{"candidate": 1, "instruction": instruction, "operations": []}] if asked.scenes else []
    return {"descriptions": [f"A picture of the kind {scene.kind}." for scene in asked.scenes], "picks": picks}


def serves(suite: Suite | None, scene: Scene) -> bool:
    """Whether the suite's questions can be asked about the scene."""
    return suite is not None and suite.kind == scene.kind


@dataclass(frozen=True)
class Edit:
    """One request for edited pictures, read."""

    prompt: str
    scene: Scene
    model: str
    num_images: int
    content_hash: str


def read_edit(raw: bytes, content_type: str, seed: int) -> Edit:
    """The form's fields; KeyError or ValueError where one is missing or foreign."""
    form = form_of(raw, content_type)
    prompt, number = form["prompt"].decode(), int(form.get("n", b"1"))
    if not 1 <= number <= MAX_EDITS or form.get("response_format") != b"b64_json":
        raise ValueError(f"n must be from 1 to {MAX_EDITS}, and response_format b64_json")
    content = json.dumps([prompt, hash_bytes(form["image"]), number, seed])
    return Edit(prompt, read_scene(form["image"]), form["model"].decode(), number, hash_bytes(content))


def form_of(raw: bytes, content_type: str) -> dict[str, bytes]:
    """The fields of a multipart form."""
    boundary = content_type.partition("boundary=")[2].partition(";")[0].strip('" ')
    if not boundary:
        raise ValueError("pictures come in a multipart form")
    fields = {}
    for part in raw.split(b"--" + boundary.encode())[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        found = NAME.search(head)
        if found:
            fields[found[1].decode()] = body.removesuffix(b"\r\n")
    return fields


def edited(edit: Edit) -> list[bytes]:
    """The edited scenes drawn anew, each with its new description inside: a changed file would have lost it."""
    return [to_png(edited_scene(edit, Random(f"{edit.content_hash}-{draw}"))) for draw in range(edit.num_images)]


def edited_scene(edit: Edit, rng: Random) -> Scene:
    """A scene of the skill that the prompt names; the same scene on a turned ground where it serves already."""
    suite = next((suite for skill, suite in SKILLS.items() if skill in edit.prompt), None)
    if suite is None or serves(suite, edit.scene):
        ground = edit.scene.ground
        turned = ground.model_copy(update={"first": ground.second, "second": ground.first})
        return edit.scene.model_copy(update={"ground": turned})
    scene: Scene = suite.draw(rng)
    return scene
