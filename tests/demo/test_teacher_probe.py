"""The endpoint test finds that the teacher can all that agents ask of it."""

import json

import pytest

from core.endpoint_test import FEATURES, Probe
from demo.teacher.app import Teacher
from demo.teacher.bill import Book


@pytest.mark.parametrize("features", [FEATURES, ("json_schema",)])
def test_the_teacher_sees_the_square_and_gives_two_choices(tmp_path, features):
    teacher = Teacher(Book(tmp_path / "log.jsonl"))
    body = Probe("http://x/v1", "mini-world-teacher", "").body(features)
    status, reply = teacher.complete(json.dumps(body).encode(), "")
    said = [json.loads(choice["message"]["content"])["colour"] for choice in reply["choices"]]
    assert (status, said) == (200, ["red", "red"] if "images" in features else ["unseen"])


def test_a_picture_that_is_none_is_refused(tmp_path):
    body = Probe("http://x/v1", "m", "").body(FEATURES)
    body["messages"][0]["content"][0]["image_url"]["url"] = "data:image/png;base64,AAAA"
    status, _ = Teacher(Book(tmp_path / "log.jsonl")).complete(json.dumps(body).encode(), "")
    assert status == 400
