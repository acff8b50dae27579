"""The environment, read once and checked; every variable here is documented in docs/configuration.md."""

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from core.domain.files import write_atomic
from core.domain.launcher import template_problem
from core.errors import NotConfigured

ROOT = Path(__file__).resolve().parent.parent
THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")
WHO_MAY = ("admins", "nobody", "everybody")


@dataclass(frozen=True)
class Environment:
    """All that can be set from outside."""

    debug: bool
    var: Path
    database_url: str
    redis_url: str
    secret_key: str
    hosts: tuple[str, ...]
    port: int
    import_roots: tuple[Path, ...]
    watchdog_s: int
    private_endpoints: str
    secrets: Path
    call_patience_s: int
    gpu_launcher: str
    gpu_start_s: int
    gpu_devices: tuple[str, ...]


def environment_read() -> Environment:
    """The environment as checked values; NotConfigured names the variable that is wrong."""
    var = Path(os.environ.get("DPE_VAR", ROOT / "var")).resolve()
    (var / "static").mkdir(parents=True, exist_ok=True)
    named = os.environ.get("DPE_HOSTS", ",".join(THIS_MACHINE))
    hosts = tuple(host.strip() for host in named.split(",") if host.strip())
    return Environment(
        debug=flag("DPE_DEBUG"),
        var=var,
        database_url=os.environ.get("DATABASE_URL") or f"sqlite:///{var / 'dpe.sqlite3'}",
        redis_url=os.environ.get("REDIS_URL") or f"redis+socket://{var / 'redis.sock'}",
        secret_key=os.environ.get("DPE_SECRET_KEY") or own_secret(var / "secret_key"),
        hosts=hosts,
        port=number("PORT", 8000),
        import_roots=paths("DPE_IMPORT_ROOTS", var / "imports"),
        watchdog_s=whole("DPE_WATCHDOG_S", 0),
        private_endpoints=choice("DPE_PRIVATE_ENDPOINTS", WHO_MAY, who_may(hosts)),
        secrets=Path(os.environ.get("DPE_SECRETS") or "/run/secrets"),
        call_patience_s=whole("DPE_CALL_PATIENCE_S", 300),
        gpu_launcher=template("DPE_GPU_LAUNCHER"),
        gpu_start_s=whole("DPE_GPU_START_S", 86400),
        gpu_devices=device_ids("DPE_GPU_DEVICES"),
    )


def flag(name: str) -> bool:
    """A switch: 1 or 0."""
    value = os.environ.get(name, "0")
    if value not in ("0", "1"):
        raise NotConfigured(f"{name} must be 0 or 1, not {value!r}.")
    return value == "1"


def choice(name: str, known: tuple[str, ...], default: str) -> str:
    """One of the known words."""
    value = os.environ.get(name) or default
    if value not in known:
        raise NotConfigured(f"{name} must be one of {', '.join(known)}, not {value!r}.")
    return value


def who_may(hosts: tuple[str, ...]) -> str:
    """Who may use endpoints at private addresses unless it is set: staff, once others than this machine are served."""
    return "everybody" if set(hosts) <= set(THIS_MACHINE) else "admins"


def number(name: str, default: int) -> int:
    """A port number."""
    value = os.environ.get(name, str(default))
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise NotConfigured(f"{name} must be a port number, not {value!r}.")
    return int(value)


def whole(name: str, default: int) -> int:
    """A whole number of seconds, 0 or more."""
    value = os.environ.get(name, str(default))
    if not value.isdecimal():
        raise NotConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def template(name: str) -> str:
    """A command that starts a GPU child elsewhere, or nothing."""
    value = os.environ.get(name, "").strip()
    if value and (problem := template_problem(value)):
        raise NotConfigured(f"{name} {problem}.")
    return value


def device_ids(name: str) -> tuple[str, ...]:
    """Ids of GPUs as CUDA knows them, each once: indices or UUIDs, separated by commas."""
    ids = tuple(part.strip() for part in os.environ.get(name, "").split(",") if part.strip())
    if len(set(ids)) < len(ids) or not all(re.fullmatch(r"\w[\w-]*", one, re.ASCII) for one in ids):
        raise NotConfigured(
            f"{name} must be ids of different GPUs separated by commas, such as 0,1, not {','.join(ids)}."
        )
    return ids


def paths(name: str, default: Path) -> tuple[Path, ...]:
    """Folders, separated as in PATH."""
    value = os.environ.get(name, "")
    return tuple(Path(part).resolve() for part in value.split(os.pathsep) if part) or (default,)


def own_secret(path: Path) -> str:
    """This installation's secret, made at the first start and readable by its owner only."""
    if not path.exists():
        write_atomic(path, secrets.token_urlsafe(50))
        path.chmod(0o600)
    return path.read_text().strip()
