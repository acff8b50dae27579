"""The OpenAPI schema: every call is in it, with its body, and nothing is guessed."""

from io import StringIO

import yaml
from django.core.management import call_command

from tests.doors.every import DOORS


def schema() -> dict:
    """The schema as a client reads it; fails on any warning, and where it is no valid OpenAPI."""
    out = StringIO()
    call_command("spectacular", "--fail-on-warn", "--validate", stdout=out)
    return yaml.safe_load(out.getvalue())


def test_every_call_has_an_operation_id_of_its_own_and_every_json_body_a_shape():
    calls = [
        (f"{method.upper()} {path}", call)
        for path, methods in schema()["paths"].items()
        for method, call in methods.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
    ids = [call["operationId"] for _, call in calls]
    assert len(set(ids)) == len(ids)
    asked = sum(door.is_api and door.name != "api-schema" for door in DOORS)
    assert len(calls) == asked
    assert [name for name, call in calls if not call.get("description")] == []
