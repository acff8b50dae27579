"""A child holds its folder alone, ends with its parent, and leaves only what is true."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core.specs import ERROR_FILE, PROGRESS_FILE, RESULT_FILE, SPEC_FILE, AnswerResult, ErrorFile, Progress
from gpu.runtime import EXIT_LOCKED, ProgressFile, append_lines, truncate_torn_line
from tests.gpu.runs import ROOT, idle_run, run_child, start_child, wait_until

IDLER = "tests.gpu.idler"


def is_working(folder: Path) -> bool:
    path = folder / PROGRESS_FILE
    return path.exists() and Progress.model_validate_json(path.read_bytes()).phase == "generate"


def test_a_finished_run_leaves_a_whole_result_and_is_not_done_again(tmp_path: Path) -> None:
    folder = idle_run(tmp_path)
    (folder / "order").write_text("finish")
    code, output = run_child(IDLER, folder)
    assert code == 0 and "goes away" not in output, "the log is for people, not for those who mend the child"
    written = (folder / RESULT_FILE).read_bytes()
    result = AnswerResult.model_validate_json(written)
    assert result.num_answers == 7
    assert 5 < result.peak_rss_mb < 500
    assert set(result.versions) >= {"python", "torch", "transformers", "trl"}
    (folder / "order").write_text("bug")
    assert run_child(IDLER, folder)[0] == 0
    assert (folder / RESULT_FILE).read_bytes() == written


def test_a_second_child_on_the_same_folder_ends_and_says_why(tmp_path: Path) -> None:
    folder = idle_run(tmp_path)
    first = start_child(IDLER, folder)
    wait_until(lambda: is_working(folder))
    code, output = run_child(IDLER, folder)
    assert code == EXIT_LOCKED
    assert "Another child already works in" in output
    assert not (folder / ERROR_FILE).exists()
    (folder / "order").write_text("finish")
    assert first.wait(20) == 0


def test_a_killed_child_leaves_no_result_and_no_lock(tmp_path: Path) -> None:
    folder = idle_run(tmp_path)
    child = start_child(IDLER, folder)
    wait_until(lambda: is_working(folder))
    child.kill()
    child.wait()
    assert not (folder / RESULT_FILE).exists()
    (folder / "order").write_text("finish")
    assert run_child(IDLER, folder)[0] == 0


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    folder = idle_run(tmp_path)
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-m', '{IDLER}', r'{folder}'])"
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    wait_until(lambda: is_working(folder))
    child = psutil.Process(parent.pid).children()[0]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, limit_s=10)


@pytest.mark.parametrize(("order", "code"), [("fault", "diverged"), ("memory", "out_of_memory")])
def test_a_named_error_is_written_down_in_one_line(tmp_path: Path, order: str, code: str) -> None:
    folder = idle_run(tmp_path)
    (folder / "order").write_text(order)
    assert run_child(IDLER, folder)[0] == 1
    left = ErrorFile.model_validate_json((folder / ERROR_FILE).read_bytes())
    assert left.code == code
    assert "\n" not in left.message
    assert not (folder / RESULT_FILE).exists()


def test_a_bug_has_no_name_but_a_traceback(tmp_path: Path) -> None:
    folder = idle_run(tmp_path)
    (folder / "order").write_text("bug")
    code, output = run_child(IDLER, folder)
    assert code == 1
    assert "KeyError: 'bug'" in output
    assert not (folder / ERROR_FILE).exists()


def test_a_changed_checkpoint_or_an_unreadable_spec_is_refused(tmp_path: Path) -> None:
    folder = idle_run(tmp_path)
    (tmp_path / "checkpoint" / "config.json").write_text("other")
    run_child(IDLER, folder)
    assert json.loads((folder / ERROR_FILE).read_text())["code"] == "bad_checkpoint"
    (folder / SPEC_FILE).write_text("{}")
    run_child(IDLER, folder)
    assert json.loads((folder / ERROR_FILE).read_text())["code"] == "bad_input"


def test_progress_is_written_at_every_phase_and_at_most_twice_a_second_between(tmp_path: Path) -> None:
    now = [0.0]
    progress = ProgressFile(tmp_path, clock=lambda: now[0])

    def seen() -> tuple[str, int, int]:
        news = Progress.model_validate_json((tmp_path / PROGRESS_FILE).read_bytes())
        return news.phase, news.done, news.beat

    progress.show("load", 0, 9, "steps")
    progress.show("generate", 0, 9, "steps")
    assert seen() == ("generate", 0, 2)
    now[0] = 0.4
    progress.show("generate", 1, 9, "steps")
    assert seen() == ("generate", 0, 2)
    now[0] = 0.6
    progress.show("generate", 2, 9, "steps")
    assert seen() == ("generate", 2, 4)
    progress.show("generate", 9, 9, "steps")
    assert seen() == ("generate", 9, 5)


def test_appending_goes_on_after_the_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    append_lines(path, ["one", "two"])
    with path.open("a") as file:
        file.write("thr")
    truncate_torn_line(path)
    append_lines(path, ["three"])
    assert path.read_text() == "one\ntwo\nthree\n"
