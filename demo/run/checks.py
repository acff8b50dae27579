"""What must be true before anything is written; each fault is one line that says what to do."""

import json
import shutil
import socket
import sys
from pathlib import Path

import httpx
import psutil

from demo.run.client import DemoError
from demo.run.plan import Plan
from demo.run.world_files import check_world

MIN_FREE = 2 << 30
OLDEST, NEWEST = (3, 11), (3, 13)
ARCHITECTURE = "Qwen2_5_VLForConditionalGeneration"
NEEDED = ("config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json")


def check_all(plan: Plan) -> None:
    """Everything that can be known beforehand."""
    check_python(sys.version_info[:2])
    check_alone(plan.var)
    check_port(plan.port, "PORT")
    if not plan.endpoint:
        check_port(plan.teacher_port, "DEMO_TEACHER_PORT")
    check_checkpoint(plan.checkpoint)
    check_planted(plan.facts)
    check_disk(plan.var)
    check_world(plan)
    if plan.endpoint:
        check_endpoint(plan.endpoint)


def check_python(version: tuple[int, int]) -> None:
    """A version that everything installs on."""
    if not OLDEST <= version <= NEWEST:
        raise DemoError(f"Python 3.11 to 3.13 is needed, this is {version[0]}.{version[1]}: make PYTHON=python3.11.")


def check_alone(var: Path) -> None:
    """No site runs on this folder already."""
    record = var / "supervisord.pid"
    text = record.read_text().strip() if record.exists() else ""
    if not text.isdecimal() or not psutil.pid_exists(int(text)):
        return
    if str(var / "supervisord.conf") in psutil.Process(int(text)).cmdline():
        raise DemoError(f"A site runs on {var} already (pid {text}): end it with kill {text}, or set DPE_VAR.")


def check_port(port: int, variable: str) -> None:
    """Nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(f"Port {port} is in use: set {variable} to a free one.") from error


def check_checkpoint(folder: Path) -> None:
    """The mini model is there, whole."""
    if not folder.is_dir():
        raise DemoError(f"The checkpoint folder {folder} is missing: git checkout demo/checkpoint brings it back.")
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise DemoError(f"{folder} is not the mini model's checkpoint: it lacks {', '.join(missing)}.")
    found = json_object(folder / "config.json").get("architectures")
    if found != [ARCHITECTURE]:
        raise DemoError(f"{folder} is not the mini model's checkpoint: its config.json names {found}.")


def check_planted(path: Path) -> None:
    """What was planted is known."""
    if not path.is_file() or not isinstance(json_object(path).get("planted_suites"), list):
        raise DemoError(f"{path} must name the planted suites: git checkout demo/checkpoint.json brings it back.")


def check_disk(var: Path, needed: int = MIN_FREE) -> None:
    """Room for pictures, runs and checkpoints."""
    place = next(path for path in (var, *var.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise DemoError(f"{place} has {free >> 20} MiB left and {needed >> 20} are needed: free some, or set DPE_VAR.")


def check_endpoint(url: str) -> None:
    """Somebody answers there."""
    try:
        answer = httpx.get(f"{url}/models", timeout=10)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DemoError(f"The endpoint {url} does not answer ({error}): start it, or unset DEMO_ENDPOINT.") from error
    if answer.is_error:
        raise DemoError(f"The endpoint {url} answers {answer.status_code} to GET /models: set DEMO_ENDPOINT right.")


def json_object(path: Path) -> dict[str, object]:
    """A JSON object from a file; empty when it holds something else."""
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
