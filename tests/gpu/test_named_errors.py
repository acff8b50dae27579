"""What torch, CUDA and a server say gets a name, and a sentence that says what to change."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gpu import servers
from gpu.errors import GpuFault, named_error
from gpu.servers import check_server


class OutOfMemoryError(RuntimeError):
    """Named as torch names it."""


class ConnectTimeout(OSError):
    """Named as the vLLM client's library names it."""


@pytest.mark.parametrize(
    ("error", "code", "advice"),
    [
        (OutOfMemoryError("Tried to allocate 2 GiB"), "out_of_memory", "micro_batch_size"),
        (RuntimeError("CUDA error: out of memory"), "out_of_memory", "lora_rank"),
        (MemoryError(), "out_of_memory", "newest checkpoint"),
        (RuntimeError("CUDA error: unspecified launch failure"), "gpu_lost", "dmesg"),
        (RuntimeError("CUDA error: device-side assert triggered"), "gpu_lost", "CUDA_LAUNCH_BLOCKING"),
        (RuntimeError("uncorrectable ECC error encountered"), "gpu_lost", "another GPU"),
        (RuntimeError("GPU 0 has fallen off the bus"), "gpu_lost", "nvidia-smi"),
        (ConnectionRefusedError(111, "Connection refused"), "server_lost", "vLLM server"),
        (ConnectTimeout("Max retries exceeded with url: /generate/"), "server_lost", "retry"),
        (GpuFault("diverged", "The loss is nan."), "diverged", "learning_rate"),
    ],
)
def test_what_others_raise_is_told_apart_by_name(error: Exception, code: str, advice: str) -> None:
    named = named_error(error)
    assert named is not None
    assert named.code == code
    assert advice in named.message


def test_a_bug_stays_a_bug() -> None:
    assert named_error(KeyError("loss")) is None
    assert named_error(OSError("No such file")) is None


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    found = socket.create_server(("127.0.0.1", 0))
    yield found
    found.close()


def test_a_server_that_listens_and_never_answers_is_lost(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "ANSWER_S", 0.3)
    with pytest.raises(GpuFault, match=r"server_lost.*does not answer within"):
        check_server(f"http://127.0.0.1:{listener.getsockname()[1]}")


def test_a_server_that_is_not_there_is_lost(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(GpuFault, match=r"server_lost.*refused"):
        check_server(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("status", [200, 503])
def test_only_a_server_that_says_it_is_well_is_used(status: int) -> None:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        if status == 200:
            check_server(url)
        else:
            with pytest.raises(GpuFault, match=r"server_lost.*status 503"):
                check_server(url)
