"""The teacher's log: what was paid once is never paid again, also after kill -9."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from demo.teacher.app import Teacher
from demo.teacher.bill import Book, paid_twice, read_bills
from tests.demo.teaching import ask, request, scene_of, text_of
from tests.site.test_serve import free_port

ROOT = Path(__file__).resolve().parents[2]
FACTS = text_of({"skill": "time.hour", "question": "What hour is it?", "options": {}})


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log.jsonl"


def test_the_same_key_gets_the_same_answer_and_is_paid_once_also_by_the_next_teacher(log):
    body = request("Solve", FACTS, scene_of("clock", 1), n=8, temperature=1.0)
    first = ask(Teacher(Book(log), seed=1), body, key="k")
    assert ask(Teacher(Book(log), seed=1), body, key="k") == first
    (bill,) = read_bills(log)
    assert (bill.key, bill.role, bill.n) == ("k", "Solve", 8)
    assert bill.choices == tuple(first) and bill.tokens_in > 0 and bill.tokens_out > 0 and bill.at > 0


def test_answers_depend_on_the_content_and_not_on_the_order_or_the_key(tmp_path):
    bodies = [
        request("WrittenQuestion", text_of({"skill": "time.hour"}), scene_of("clock", i), seed=i) for i in range(20)
    ]
    one, other = (Teacher(Book(tmp_path / name), seed=1, error_rate=0.5) for name in "ab")
    forward = [ask(one, body, key=str(i)) for i, body in enumerate(bodies)]
    backward = [ask(other, body) for body in reversed(bodies)][::-1]
    assert forward == backward
    assert [ask(Teacher(Book(tmp_path / "c"), seed=2, error_rate=0.5), body) for body in bodies] != forward


def test_a_key_that_was_paid_for_another_request_is_refused(log):
    teacher = Teacher(Book(log))
    ask(teacher, request("Solve", FACTS, scene_of("clock", 1)), key="k")
    status, _ = teacher.complete(json.dumps(request("Solve", FACTS, scene_of("clock", 2))).encode(), "k")
    assert status == 409 and len(list(read_bills(log))) == 1


def test_without_a_key_every_request_costs(log):
    teacher = Teacher(Book(log))
    for _ in range(2):
        ask(teacher, request("Solve", FACTS, scene_of("clock", 1)))
    assert len(list(read_bills(log))) == 2 and paid_twice(list(read_bills(log))) == {}


def test_a_line_that_a_kill_tore_is_no_bill_and_spoils_none_after_it(log):
    ask(Teacher(Book(log)), request("Solve", FACTS, scene_of("clock", 1)), key="whole")
    ask(Teacher(Book(log)), request("Solve", FACTS, scene_of("clock", 2)), key="torn")
    log.write_bytes(log.read_bytes()[:-40])
    ask(Teacher(Book(log)), request("Solve", FACTS, scene_of("clock", 2)), key="torn")
    assert [bill.key for bill in read_bills(log)] == ["whole", "torn"]


def test_the_log_shows_a_key_that_was_billed_twice(log):
    ask(Teacher(Book(log)), request("Solve", FACTS, scene_of("clock", 1)), key="k")
    log.write_bytes(log.read_bytes() * 3)
    assert paid_twice(list(read_bills(log))) == {"k": 3}


class Server:
    """The teacher as a process."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.log = log
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "demo.teacher", "--port", str(self.port), "--log", str(self.log)]
        self.process = subprocess.Popen(command, cwd=ROOT)
        deadline = time.monotonic() + 30
        while not self.answers():
            assert time.monotonic() < deadline, "the teacher did not start"
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            return self.client.get("/healthz").json()["ok"]
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ask(self, body: dict, key: str) -> list[str]:
        """As a client does: again with the same key until there is an answer."""
        while True:
            try:
                reply = self.client.post("/v1/chat/completions", json=body, headers={"Idempotency-Key": key}).json()
                return [choice["message"]["content"] for choice in reply["choices"]]
            except httpx.TransportError:
                time.sleep(0.05)


def test_killed_while_it_answers_the_teacher_comes_back_and_bills_nothing_twice(log):
    server, answers = Server(log), {}
    bodies = {f"key-{i}": request("Solve", FACTS, scene_of("clock", i), n=2, temperature=1.0) for i in range(300)}

    def work(keys: list[str]) -> None:
        for key in keys:
            answers[key] = server.ask(bodies[key], key)

    threads = [threading.Thread(target=work, args=(list(bodies)[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.2)
        server.kill()
        server.start()
    for thread in threads:
        thread.join()
    again = {key: server.ask(body, key) for key, body in bodies.items()}
    models = server.client.get("/v1/models").json()["data"]
    server.kill()
    bills = list(read_bills(log))
    assert again == answers and models
    assert paid_twice(bills) == {} and {bill.key for bill in bills} == set(bodies)
