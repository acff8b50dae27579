"""Keys of endpoints: from the environment or a secret file, read at every use, never shown, logged or stored."""

import base64
import json
import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import quote

from django.conf import settings

from core.campaign_file import KEY_ENV
from core.errors import InvalidInput

OURS: Final = ("DPE_", "DJANGO_")  # variables of this server, which no endpoint may be sent
NO_KEY: Final = "none"  # what a server is sent that needs no key
HIDDEN: Final = "(key)"
MAX_BYTES: Final = 8 << 10
SHORTEST: Final = 8  # a shorter word stands in ordinary answers by chance


def key_env_check(name: str) -> None:
    """A key is taken from a variable of its own, never from one that this server keeps its secrets in."""
    if name and (name.startswith(OURS) or not re.fullmatch(KEY_ENV, name)):
        raise InvalidInput(
            "key_env: give the name of a variable that ends in KEY or TOKEN and is none of this server's own.",
            field="key_env",
        )


def key_of(name: str) -> str:
    """The key that an endpoint names; ``NO_KEY`` where it names none, empty where there is none by that name."""
    if not name:
        return NO_KEY
    if name.startswith(OURS) or not re.fullmatch(KEY_ENV, name):
        return ""
    key = os.environ.get(name, "").strip() or secret_read(Path(settings.SECRETS_ROOT), name)
    return key if key.isascii() and key.isprintable() else ""  # what no header can carry would end up in its error


def secret_read(folder: Path, name: str) -> str:
    """The secret file's text; empty where there is none. Links lead about inside the folder only, as Kubernetes' do."""
    try:
        root, path = folder.resolve(strict=True), (folder / name).resolve(strict=True)
        if not path.is_relative_to(root) or not path.is_file() or path.stat().st_size > MAX_BYTES:
            return ""
        return path.read_text().strip()
    except (OSError, RuntimeError, ValueError):
        return ""


def key_advice(name: str) -> str:
    """What to do where the key is missing."""
    return (
        f"Set {name} in the environment of the site and its workers, then restart them, or put the key, one line of"
        f" plain characters, into a file {name} in {settings.SECRETS_ROOT}."
    )


def key_hide(text: str, key: str) -> str:
    """The text without the key, in whatever form a server may have sent it back."""
    if key == NO_KEY or not key:
        return text
    for form in forms_of(key):
        text = text.replace(form, HIDDEN)
    return text


def key_hide_in_answer(text: str, key: str) -> str:
    """A model's answer without the key. One of a few letters may be any word, and stays."""
    return key_hide(text, key) if len(key) >= SHORTEST else text


def forms_of(key: str) -> list[str]:
    """The key as it is, in JSON, in an address, and in base64; the longest first, for one may hold another."""
    raw = key.encode()
    forms = {key, json.dumps(key)[1:-1], quote(key, safe=""), base64.b64encode(raw).decode()}
    return sorted(forms, key=len, reverse=True)
