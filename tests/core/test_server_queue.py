"""The queue before a server, in a loop whose clock jumps: who goes when, who goes on waiting, who gives up."""

import asyncio
from dataclasses import dataclass, field
from random import Random

import pytest

from core.domain.pace import FAILURES, Outcome
from core.errors import UpstreamRefused, UpstreamUnavailable
from core.pace import Garbled, Server, TryFailed, now
from tests.jumping_loop import run_jumping


@dataclass
class Bucket:
    """A server that allows ``rate`` requests a second, and answers after ``latency_s``."""

    rate: float
    latency_s: float
    retry_after_s: float | None = None
    warm_s: float = 30.0
    tokens: float = 0.0
    at: float = 0.0
    accepted: int = 0
    refused: int = 0

    async def handle(self, turn=None) -> str:
        await asyncio.sleep(0.001)
        self.tokens = min(max(1.0, self.rate / 10), self.tokens + (now() - self.at) * self.rate)
        self.at = now()
        counts = now() >= self.warm_s
        if self.tokens < 1:
            self.refused += counts
            raise TryFailed("429", Outcome.REFUSED, retry_after_s=self.retry_after_s)
        self.tokens -= 1
        self.accepted += counts
        await asyncio.sleep(self.latency_s)
        return "yes"


@dataclass
class Script:
    """Ends one try after another as it was told, then answers."""

    ends: list[BaseException] = field(default_factory=list)
    tried_at: list[float] = field(default_factory=list)

    async def handle(self, turn=None) -> str:
        self.tried_at.append(now())
        if self.ends:
            raise self.ends.pop(0)
        return "yes"


def make_server(ceiling: int = 256, patience_s: float = 300.0) -> Server:
    server = Server("http://s/v1", patience_s, Random(1))
    server.lane_set("planner", ceiling)
    return server


def failed(outcome: Outcome = Outcome.FAILED, **fields) -> TryFailed:
    return TryFailed("502", outcome, **fields)


@pytest.mark.parametrize("retry_after_s", [None, 1.0])
@pytest.mark.parametrize(("rate", "latency_s"), [(20, 0.05), (20, 2.0), (100, 0.05), (100, 2.0)])
def test_a_server_that_allows_so_many_a_second_gets_nine_tenths_and_refuses_few(rate, latency_s, retry_after_s):
    bucket = Bucket(rate, latency_s, retry_after_s)

    async def one_after_another(server):
        while now() < 90:
            await server.ask("planner", bucket.handle)

    async def main():
        server = make_server()
        await asyncio.gather(*(one_after_another(server) for _ in range(256)))

    run_jumping(main())
    assert bucket.accepted >= 0.9 * rate * 60
    assert bucket.refused <= 0.02 * (bucket.accepted + bucket.refused)


def test_a_rate_that_was_learned_follows_a_server_that_allows_ten_times_as_much():
    bucket = Bucket(20, 0.05)

    async def main():
        server = make_server()

        async def one_after_another():
            while now() < 180:
                await server.ask("planner", bucket.handle)

        async def raise_rate():
            await asyncio.sleep(40)
            bucket.rate, bucket.warm_s = 200.0, 150.0

        await asyncio.gather(raise_rate(), *(one_after_another() for _ in range(64)))

    run_jumping(main())
    assert bucket.accepted >= 0.8 * 200 * 30


def test_no_more_tries_of_a_role_go_at_once_than_its_ceiling_and_of_none_more_than_the_server_bears():
    busy, most = {"planner": 0, "judge": 0}, {"planner": 0, "judge": 0}

    async def main():
        server = make_server(3)
        server.lane_set("judge", 2)

        async def one(role):
            async def work():
                busy[role] += 1
                most[role] = max(most[role], busy[role])
                await asyncio.sleep(1)
                busy[role] -= 1

            await server.ask(role, work)

        await asyncio.gather(*(one(role) for _ in range(20) for role in busy))

    run_jumping(main())
    assert most == {"planner": 3, "judge": 2}


def test_a_ceiling_that_is_raised_lets_waiting_calls_go_at_once_and_a_lower_one_lets_running_ones_end():
    async def main():
        server, running = make_server(1), []

        async def work():
            running.append(now())
            await asyncio.sleep(10)

        calls = [asyncio.create_task(server.ask("planner", work)) for _ in range(6)]
        await asyncio.sleep(1)
        server.lane_set("planner", 3)
        await asyncio.sleep(1)
        server.lane_set("planner", 1)
        await asyncio.gather(*calls)
        return running

    assert run_jumping(main()) == [0, 1, 1, 11, 21, 31]


def test_a_call_that_is_tried_again_goes_before_those_that_came_later():
    order = []

    async def main():
        server = make_server(1)

        async def call(name, ends):
            async def work():
                await asyncio.sleep(1)
                if ends:
                    raise ends.pop()
                order.append(name)

            await server.ask("planner", work)

        first = [failed(Outcome.REFUSED, retry_after_s=5.0)]
        await asyncio.gather(call("first", first), call("second", []), call("third", []))

    run_jumping(main())
    assert order == ["first", "second", "third"]


def test_retry_after_of_one_call_makes_all_wait():
    script = Script([failed(Outcome.CROWDED, retry_after_s=20.0)])

    async def main():
        server = make_server(1)
        await asyncio.gather(*(server.ask("planner", script.handle) for _ in range(3)))

    run_jumping(main())
    assert script.tried_at == [0, 20, 20, 20]


def test_a_server_that_comes_back_after_a_minute_is_waited_for():
    async def main():
        server, tried = make_server(16), []

        async def work():
            tried.append(now())
            if now() < 60:
                raise failed()
            return "yes"

        answers = await asyncio.gather(*(server.ask("planner", work) for _ in range(50)))
        return answers, [at for at in tried if 3 < at < 60]

    answers, probes = run_jumping(main())
    assert answers == ["yes"] * 50
    assert len(probes) <= 6, "an open circuit lets single probes through"


def test_calls_give_up_when_nobody_was_answered_for_as_long_as_their_patience_and_say_since_when_and_why():
    async def main():
        server = make_server(4, patience_s=100)

        async def work():
            raise failed()

        ends = await asyncio.gather(*(server.ask("planner", work) for _ in range(20)), return_exceptions=True)
        return ends, now()

    ends, at = run_jumping(main())
    assert {type(end) for end in ends} == {UpstreamUnavailable}
    assert all("no answer since" in str(end) and "502" in str(end) for end in ends)
    assert 100 <= at < 170


def test_waiting_behind_others_that_are_answered_costs_no_patience():
    async def main():
        server = make_server(1, patience_s=5)

        async def work():
            await asyncio.sleep(1)
            return "yes"

        return await asyncio.gather(*(server.ask("planner", work) for _ in range(30)))

    assert run_jumping(main()) == ["yes"] * 30


def test_a_call_that_alone_fails_again_and_again_gives_up_by_itself():
    async def main():
        server = make_server(8, patience_s=60)

        async def good():
            await asyncio.sleep(0.5)

        async def others():
            while now() < 200:
                await server.ask("planner", good)

        async def bad():
            raise failed()

        running = asyncio.create_task(others())
        with pytest.raises(UpstreamUnavailable):
            await server.ask("planner", bad)
        given_up_at = now()
        running.cancel()
        return given_up_at

    assert 60 <= run_jumping(main()) < 120


def test_a_reply_that_is_none_is_asked_for_three_times_for_it_was_perhaps_paid():
    script = Script([Garbled("html")] * 9)
    with pytest.raises(UpstreamUnavailable, match="html"):
        run_jumping(make_and_ask(script))
    assert len(script.tried_at) == 3


async def make_and_ask(script):
    return await make_server().ask("planner", script.handle)


def test_a_refusal_for_good_is_not_tried_again():
    script = Script([UpstreamRefused("401")])
    with pytest.raises(UpstreamRefused):
        run_jumping(make_and_ask(script))
    assert len(script.tried_at) == 1


def test_a_call_that_is_cancelled_while_it_waits_or_goes_leaves_its_place():
    async def main():
        server = make_server(1)

        async def long():
            await asyncio.sleep(100)

        going, waiting = (asyncio.create_task(server.ask("planner", long)) for _ in range(2))
        await asyncio.sleep(1)
        going.cancel()
        waiting.cancel()
        await asyncio.gather(going, waiting, return_exceptions=True)
        assert server.pace.in_flight == 0 and server.lanes["planner"].busy == 0
        script = Script()
        return await server.ask("planner", script.handle)

    assert run_jumping(main()) == "yes"


def test_a_call_that_is_cancelled_in_the_moment_of_its_turn_gives_it_back():
    async def main():
        server, script = make_server(1), Script()
        hold = asyncio.Event()

        async def first():
            await hold.wait()
            asyncio.get_running_loop().call_soon(waiting.cancel)

        going = asyncio.create_task(server.ask("planner", first))
        await asyncio.sleep(1)
        waiting = asyncio.create_task(server.ask("planner", script.handle))
        await asyncio.sleep(1)
        hold.set()
        await asyncio.gather(going, waiting, return_exceptions=True)
        return server.pace.in_flight, server.lanes["planner"].busy, script.tried_at

    assert run_jumping(main()) == (0, 0, [])


def test_how_a_server_stands_is_told_in_plain_numbers():
    async def main():
        server = make_server(16)

        async def work():
            raise failed()

        calls = [asyncio.create_task(server.ask("planner", work)) for _ in range(FAILURES)]
        await asyncio.sleep(0.8)
        state = server.state()
        for call in calls:
            call.cancel()
        server.close()
        return state

    state = run_jumping(main())
    assert state.pop("waiting_until") and state.pop("waiting") > 0
    assert state == {
        "limit": 16, "in_flight": 0, "rate": None, "circuit": "open", "refused": 0, "failed": FAILURES, "why": "502",
    }  # fmt: skip
