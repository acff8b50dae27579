"""A campaign's file: plain data, every fault named by its place, nothing that blows up."""

import pytest

from core.campaign_file import MAX_BYTES, campaign_file_parse, campaign_file_text, yaml_read
from core.errors import InvalidInput
from core.roles import CHAT_ROLES

WHOLE = """
slug: first
name: First campaign
seed: 7
checkpoint: {name: base, path: models/base}
benchmarks: [{name: MMStar, path: MMStar.tsv}]
pools: [{name: photos, path: photos}]
endpoints:
  - {roles: all, base_url: "http://127.0.0.1:9000/v1", model: teacher, key_env: TEACHER_KEY}
  - {roles: [editor], base_url: "http://127.0.0.1:9001/v1", model: painter, price_image: 0.04}
members: [{user: ada, role: approver}]
settings:
  gate: {margin: 0.02}
  grpo: {learning_rate: 1e-6}
"""


def parsed(**changes):
    return campaign_file_parse({**yaml_read(WHOLE), **changes})


def refused(text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        campaign_file_parse(yaml_read(text))
    return caught.value


def test_a_whole_file_is_read_and_all_stands_for_every_chat_role():
    file = parsed()
    assert file.endpoints[0].roles == list(CHAT_ROLES)
    assert set(file.roles) == {*CHAT_ROLES, "editor"}
    assert (file.settings.gate.margin, file.settings.grpo.learning_rate) == (0.02, 1e-6)


def test_a_file_that_was_written_is_read_back_the_same():
    assert campaign_file_parse(yaml_read(campaign_file_text(parsed()))) == parsed()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"endpoints": [{"base_url": "http://x/v1", "model": "m"}, {"model": "m"}]}, "endpoints.1.base_url"),
        ({"endpoints": [{"base_url": "http://x/v1", "model": "m", "roles": ["poet"]}]}, "endpoints.0.roles.0"),
        ({"endpoints": [{"base_url": "http://x/v1", "model": "m", "key_env": "PATH"}]}, "endpoints.0.key_env"),
        ({"settings": {"gate": {"margn": 0.1}}}, "settings.gate.margn"),
        ({"benchmark": []}, "benchmark"),
        ({"slug": "../x"}, "slug"),
        ({"slug": "new"}, "slug"),
        ({"slug": "from-file"}, "slug"),
        ({"members": [{"user": "ada", "role": "king"}]}, "members.0.role"),
        ({"pools": [{"name": "a", "path": "x"}, {"name": "a", "path": "y"}]}, "pools"),
        ({"seed": 1 << 62}, "seed"),
    ],
)
def test_a_fault_is_named_by_its_place(change, place):
    with pytest.raises(InvalidInput) as caught:
        parsed(**change)
    assert caught.value.field == place
    assert str(caught.value).startswith(place.split(".")[0])


def test_a_role_has_one_endpoint():
    one = {"base_url": "http://x/v1", "model": "m", "roles": ["planner"]}
    with pytest.raises(InvalidInput, match="'planner' comes twice"):
        parsed(endpoints=[one, one])


def test_a_billion_laughs_are_refused_before_anything_is_built():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
    error = refused("\n".join(lines))
    assert "line 2, column" in str(error) and "aliases" in str(error)


def test_a_key_that_comes_twice_is_named_with_its_line():
    assert str(refused("slug: a\nname: x\nslug: b\n")) == "file: line 3, column 1: the key 'slug' comes twice."


@pytest.mark.parametrize(
    "text",
    [
        "slug: [",
        "!!python/object/apply:os.system [ls]",
        "? [a]\n: 1",
        "\0",
        b"\xff\xfe\x00",
        "[" * 20_000,
        "x" * (MAX_BYTES + 1),
        "seed: 0x" + "f" * 9000 + "\n2: " + "9" * 9000,
    ],
)
def test_what_is_no_plain_yaml_is_refused_by_name(text):
    assert refused(text).field == "file"


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b", "1"])
def test_what_is_no_mapping_is_refused(text):
    assert refused(text).field in ("file", "slug")
