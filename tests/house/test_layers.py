"""Invariants 1 to 3: packages point down, the web side never loads torch."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SERVE_A_PAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "dpe_site.settings"
import django
django.setup()
from django.test import Client
import dpe_site.tasks, dpe_site.asgi
assert Client(HTTP_HOST="localhost").get("/healthz").status_code == 200
heavy = {"torch", "transformers", "trl", "vllm", "gpu", "datasets"} & set(sys.modules)
assert not heavy, heavy
"""


def test_the_layers_hold():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(lint), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_serving_a_page_and_knowing_every_job_loads_no_torch():
    done = subprocess.run([sys.executable, "-c", SERVE_A_PAGE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
