"""A child behind the GPU border that does what its mode says; run as ``python -m tests.core.fake_child RUN_DIR``."""

import json
import os
import signal
import sys
import time
from pathlib import Path

from core.domain.files import write_atomic
from core.specs import ERROR_FILE, PROGRESS_FILE, RESULT_FILE, SPEC_FILE, ErrorFile, Progress

folder = Path(sys.argv[1])
mode = json.loads((folder / SPEC_FILE).read_text())["prompt_version"]


def beat(number: int) -> None:
    news = Progress(phase="generate", done=number, total=3, unit="batches", beat=number)
    write_atomic(folder / PROGRESS_FILE, news.model_dump_json())


beat(1)
with (folder / "starts").open("a") as starts:
    starts.write("x")
(folder / "devices").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
if mode == "named error":
    write_atomic(folder / ERROR_FILE, ErrorFile(code="out_of_memory", message="too big").model_dump_json())
    sys.exit(1)
if mode == "stopped":
    stopped = ErrorFile(code="stopped", message="Stopped after step 4 of 8, as asked.")
    write_atomic(folder / ERROR_FILE, stopped.model_dump_json())
    sys.exit(1)
if mode == "silent":
    time.sleep(60)
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
if mode == "no result":
    sys.exit(0)
beat(3)
write_atomic(folder / RESULT_FILE, "{}")
