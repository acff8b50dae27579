"""The vLLM server that generates, when the spec names one."""

import urllib.error
import urllib.request

from gpu.errors import GpuFault, one_line

ANSWER_S = 20.0


def check_server(url: str) -> None:
    """Go on only when the server says that it is well; ``server_lost`` tells a dead one from a silent one."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=ANSWER_S):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        raise GpuFault("server_lost", f"The vLLM server at {url} answers with status {error.code}.") from error
    except TimeoutError as error:
        raise GpuFault("server_lost", f"The vLLM server at {url} does not answer within {ANSWER_S:.0f} s.") from error
    except OSError as error:
        raise GpuFault("server_lost", f"The vLLM server at {url} cannot be reached: {one_line(error)}.") from error
