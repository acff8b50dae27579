"""``python -m bench.rate_limit_server RATE HAS_HEADER``: so many requests a second are answered, the others get 429.

Prints its base URL and counts what it did (``GET counts``); whoever starts it ends it.
"""

import asyncio
import sys
from dataclasses import dataclass

from aiohttp import web

LATENCY_S = 0.2
ANSWER = {
    "choices": [{"index": 0, "message": {"content": "yes"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 1},
}


@dataclass
class Bucket:
    """``rate`` tokens a second, at most a tenth of a second's; every request takes one or is refused."""

    rate: float
    has_header: bool
    tokens: float = 0.0
    filled_at: float = 0.0
    accepted: int = 0
    refused: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        """One request."""
        await request.read()
        now = asyncio.get_running_loop().time()
        self.tokens = min(self.rate / 10, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            self.refused += 1
            headers = {"Retry-After": "1"} if self.has_header else {}
            return web.json_response({"error": {"message": "too many requests"}}, status=429, headers=headers)
        self.tokens -= 1
        self.accepted += 1
        await asyncio.sleep(LATENCY_S)
        return web.json_response(ANSWER)

    async def counts(self, request: web.Request) -> web.Response:
        """What was accepted and refused so far."""
        return web.json_response({"accepted": self.accepted, "refused": self.refused})


async def serve(bucket: Bucket) -> None:
    """Serve on a free port until the process ends."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", bucket.answer)
    app.router.add_get("/v1/counts", bucket.counts)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Bucket(float(sys.argv[1]), sys.argv[2] == "1")))
