"""How much may be asked for: rates, numbers of requests, and what the options refuse."""

import asyncio
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.errors import OptionError
from gatecast.server.admission import _network
from gatecast.server.keys import new_key
from gatecast.server.limiting import RateLimit
from gatecast.server.options import Limits, ServeOptions
from http_clients import OBSERVED, RUNNER, Called


def test_a_burst_goes_through_and_then_the_rate_counts() -> None:
    limit = RateLimit(rate=2.0, burst=3, clients=10)
    assert [limit.wait("a", 100.0) for _ in range(4)] == [0, 0, 0, 1]
    assert limit.wait("a", 100.4) == 1
    assert limit.wait("a", 100.5) == 0
    assert limit.wait("a", 100.5) == 1
    assert [limit.wait("a", 200.0) for _ in range(4)] == [0, 0, 0, 1]


def test_one_client_does_not_use_up_the_rate_of_another() -> None:
    limit = RateLimit(rate=1.0, burst=1, clients=10)
    assert limit.wait("a", 0.0) == 0
    assert limit.wait("a", 0.0) == 1
    assert limit.wait("b", 0.0) == 0


def test_how_long_to_wait_is_long_enough() -> None:
    limit = RateLimit(rate=0.1, burst=1, clients=10)
    limit.wait("a", 0.0)
    wait = limit.wait("a", 3.0)
    assert wait == 7
    assert limit.wait("a", 3.0 + wait) == 0


def test_no_more_clients_are_remembered_than_allowed_and_the_busy_ones_are_kept() -> None:
    limit = RateLimit(rate=0.001, burst=2, clients=100)
    limit.wait("busy", 0.0)
    for number in range(1000):
        limit.wait(f"client {number}", 0.0)
        if number == 50:
            limit.wait("busy", 0.0)
        if number == 140:
            assert limit.wait("busy", 0.0) > 0, "it was seen within the last hundred"
    assert len(limit) == 100


@given(
    rate=st.floats(min_value=0.1, max_value=1000.0),
    burst=st.integers(min_value=1, max_value=20),
    gaps=st.lists(st.floats(min_value=0.0, max_value=2.0), max_size=60),
)
def test_the_number_let_through_is_that_of_a_bucket_of_tokens(rate: float, burst: int, gaps: list[float]) -> None:
    """Against a plain bucket; within one token, because sums of floats round."""
    limit, now, tokens, taken, expected = RateLimit(rate, burst, 10), 0.0, float(burst), 0, 0
    for gap in gaps:
        now += gap
        tokens = min(float(burst), tokens + gap * rate)
        if tokens >= 1:
            tokens -= 1
            expected += 1
        taken += limit.wait("a", now) == 0
        assert abs(taken - expected) <= 1


def test_too_many_requests_of_one_address_are_told_when_to_come_again() -> None:
    called = Called(ServeOptions(limits=Limits(rate=0.01, burst=2)))
    assert [called.client.get("/v1/models").status_code for _ in range(2)] == [200, 200]
    answer = called.client.get("/v1/models")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 100
    assert answer.json()["detail"].startswith("Too many requests of one client")
    assert called.client.get("/v2/health/live").status_code == 200, "health is always told"


def test_each_key_has_a_rate_of_its_own_and_wrong_ones_share_their_address(tmp_path: Path) -> None:
    one, other = new_key("one", ("read",)), new_key("other", ("read",))
    path = tmp_path / "keys"
    path.write_text(f"{one.line}\n{other.line}\n")
    called = Called(ServeOptions(keys=path, limits=Limits(rate=0.01, burst=1)))

    def ask(token: str) -> int:
        return called.client.get("/v1/models", headers={"Authorization": f"Bearer {token}"}).status_code

    assert [ask(one.token), ask(one.token), ask(other.token)] == [200, 429, 200]
    assert [ask("guess 1"), ask("guess 2"), ask("guess 3")] == [401, 429, 429]


def test_whoever_has_one_address_of_ipv6_has_its_whole_network() -> None:
    assert _network("2001:db8:1:2::1") == _network("2001:db8:1:2:ffff::") == "2001:db8:1:2::/64"
    assert _network("2001:db8:1:3::1") != _network("2001:db8:1:2::1")
    assert _network("192.0.2.1") == "192.0.2.1"
    assert _network("unknown") == "unknown"


def test_more_requests_than_may_run_are_sent_away_and_the_others_answered() -> None:
    called = Called(ServeOptions(limits=Limits(running=3)))

    async def ask() -> list[httpx.Response]:
        called.live.gate = asyncio.Event()
        calls = [asyncio.ensure_future(called.client.waiting.post("/v1/observe", json=OBSERVED)) for _ in range(5)]
        while sum(call.done() for call in calls) < 2:
            await asyncio.sleep(0)
        assert (await called.client.waiting.get("/v1/models")).status_code == 503
        assert (await called.client.waiting.get("/v2/health/live")).status_code == 200
        called.live.gate.set()
        return await asyncio.gather(*calls)

    answers = RUNNER.run(asyncio.wait_for(ask(), 10))
    sent_away = [answer for answer in answers if answer.status_code == 503]
    assert len(sent_away) == 2
    assert all(answer.headers["retry-after"] == "1" for answer in sent_away)
    assert called.observe().status_code == 422, "there is room again, and the row is known"


@pytest.mark.parametrize("name", Limits.__struct_fields__)
def test_a_limit_is_above_zero(name: str) -> None:
    with pytest.raises(OptionError, match=f"limits.{name} is a number above 0, got 0"):
        Limits(**{name: 0})
    with pytest.raises(OptionError, match=f"limits.{name} is a number above 0"):
        Limits(**{name: float("nan")})


def test_options_that_cannot_be_are_refused() -> None:
    with pytest.raises(OptionError, match="port is a number from 0 to 65535, got 65536"):
        ServeOptions(port=65536)
    with pytest.raises(OptionError, match="log is errors or all, got 'none'"):
        ServeOptions(log="none")  # type: ignore[arg-type]
