import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PREPARE = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "dpe_site.settings"
import django
django.setup()
from django.contrib.auth.models import User
from core.models import Job
actor = User.objects.create_superuser("hammer")
Job.objects.create(actor=actor, kind="hammer", status="succeeded")
"""


def test_web_workers_and_bulk_writers_share_sqlite_without_a_lock_error(tmp_path):
    env = {**os.environ, "DPE_VAR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/stress.sqlite3"}
    env["REDIS_URL"] = "memory://"
    for command in (["manage.py", "migrate", "--verbosity", "0"], ["-c", PREPARE]):
        subprocess.run([sys.executable, *command], cwd=ROOT, env=env, check=True)
    roles = ("worker", "worker", "worker", "web", "bulk")
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.site.hammer", role, "4"],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for role in roles
    ]
    ended = [process.communicate() for process in running]
    assert [errors[-500:] for _, errors in ended if "locked" in errors or "Error" in errors] == []
    assert [process.returncode for process in running] == [0] * len(roles)
    counts = [int(out) for out, _ in ended]
    assert sum(counts[:3]) > 0 and counts[3] > 0 and counts[4] >= 500
