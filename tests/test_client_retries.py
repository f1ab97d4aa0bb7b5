"""Asking again: a retry after a lost answer counts once, a busy server is given its time, and there is an end to it."""

import asyncio
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gatecast.client import AsyncClient, Client, ClientError, Retries
from gatecast.client.calls import MODELS, Call, Lost, Outcome, Reply
from gatecast.client.retrying import named_wait, persist
from gatecast.errors import OptionError
from gatecast.server.wire import ObserveAnswer
from server_double import Double, running

AT_ONCE = Retries(attempts=4, first=0.0)
ROWS = [("a", row, float(row)) for row in range(10)]


@pytest.fixture
def double() -> Iterator[Double]:
    with running(Double()) as one:
        yield one


@pytest.mark.parametrize("trouble", ["lose", "half", "cut", "429", "502", "503", "504"])
def test_observations_count_once_whatever_happens_to_the_answer(double: Double, trouble: str) -> None:
    double.troubles = deque([trouble, trouble])
    with Client(double.url, retries=AT_ONCE, batch=5) as client:
        answer = client.observe_many(ROWS)
    assert answer.accepted == double.count() == 10
    assert answer.repeated is (trouble in ("lose", "half")), "these were taken the first time"
    keys = [asked.key for asked in double.asked]
    assert (len(keys), len(set(keys))) == (4, 2), "three times the first request, once the second"
    assert len({asked.body for asked in double.asked}) == 2


def test_awaited_observations_count_once_too(double: Double) -> None:
    async def observed() -> ObserveAnswer:
        async with AsyncClient(double.url, retries=AT_ONCE) as client:
            return await client.observe_many(ROWS)

    double.troubles = deque(["lose", "503", "cut"])
    assert asyncio.run(observed()) == ObserveAnswer(10, repeated=True)
    assert double.count() == 10


def test_rows_sent_anew_without_their_key_are_refused_as_late(double: Double) -> None:
    double.troubles = deque(["lose"])
    with Client(double.url, retries=Retries(attempts=1)) as client:
        with pytest.raises(ClientError, match="does not answer"):
            client.observe_many(ROWS)
        with pytest.raises(ClientError, match='series "a" stands at 9, and 0 is not after it'):
            client.observe_many(ROWS)
    assert double.count() == 10


def test_an_answer_that_is_too_late_is_asked_for_again_and_counts_once(double: Double) -> None:
    double.troubles = deque(["mute"])
    with Client(double.url, timeout=0.2, retries=AT_ONCE) as client:
        assert client.observe_many(ROWS) == ObserveAnswer(10, repeated=True)
    assert double.count() == 10


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500, 507])
def test_what_cannot_pass_is_not_asked_again(double: Double, status: int) -> None:
    double.troubles = deque([str(status)])
    with Client(double.url, retries=AT_ONCE) as client, pytest.raises(ClientError) as caught:
        client.observe_many(ROWS)
    assert (caught.value.status, len(double.asked), double.count()) == (status, 1, 0)


def test_attempts_have_an_end(double: Double) -> None:
    double.troubles = deque(["503"] * 9)
    with Client(double.url, retries=AT_ONCE) as client:
        with pytest.raises(ClientError, match="the double was told to answer 503"):
            client.model()
        assert len(double.asked) == 4
        double.troubles = deque(["cut"] * 9)
        with pytest.raises(ClientError, match=r"does not answer: .* the server runs. \(tried 4 times\)") as caught:
            client.model()
    assert caught.value.status is None


def test_a_server_that_is_not_there_is_an_error_in_words() -> None:
    client = Client("http://127.0.0.1:9", retries=AT_ONCE)
    with pytest.raises(ClientError, match=r"http://127.0.0.1:9 does not answer: ConnectError: .*Check the address"):
        client.observe_many(ROWS)


# Waiting, without a network and without time


def busy(after: str | None = None) -> Reply:
    return Reply(503, {} if after is None else {"Retry-After": after}, b"")


def waits(retries: Retries, *outcomes: Outcome) -> list[float]:
    """How long a conversation waits before each request, when these come of it."""
    talk, asked = persist(MODELS, retries), list[Call]()
    try:
        asked.append(next(talk))
        for outcome in outcomes:
            asked.append(talk.send(outcome))
    except ClientError:
        pass
    return [call.wait for call in asked]


def test_waits_are_drawn_below_a_bound_that_doubles_up_to_the_longest() -> None:
    retries = Retries(attempts=9, first=1.0, longest=8.0)
    drawn = [waits(retries, *([busy()] * 8)) for _ in range(200)]
    assert all(len(each) == 9 and each[0] == 0 for each in drawn)
    for place, bound in enumerate((1, 2, 4, 8, 8, 8, 8, 8), start=1):
        column = [each[place] for each in drawn]
        assert max(column) <= bound
        # 200 draws all below three quarters of the bound, or above a quarter of it, have a chance of 1e-25
        assert max(column) > 0.75 * bound
        assert min(column) < 0.25 * bound


def test_no_wait_is_shorter_than_the_server_asks_for() -> None:
    retries = Retries(attempts=3, first=1.0, longest=30.0)
    for _ in range(50):
        assert 7 <= waits(retries, busy("7"))[1] <= 8
        assert 0 <= waits(retries, busy(), busy("0"))[2] <= 2


def test_a_server_that_asks_for_too_long_a_wait_is_not_asked_again() -> None:
    assert waits(Retries(longest=30.0), busy("31")) == [0]
    assert len(waits(Retries(longest=31.0), busy("31"))) == 2


def test_what_is_hopeless_is_not_asked_again() -> None:
    assert len(waits(Retries(first=0.0), Lost("no such protocol", hopeless=True))) == 1
    assert len(waits(Retries(first=0.0), Lost("no route"))) == 2


def test_retry_after_is_read_as_seconds_or_as_a_date_and_nonsense_as_nothing() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=20), usegmt=True)
    assert [named_wait(busy(text)) for text in ("5", " 5 ", past, "soon", "-1", "", None)] == [5, 5, 0, 0, 0, 0, 0]
    assert 18 <= named_wait(busy(soon)) <= 20
    assert named_wait(Lost("cut")) == 0


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"first": -1.0}, {"first": 2.0, "longest": 1.0}])
def test_retries_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="retries want attempts from 1 up and 0 <= first <= longest"):
        Retries(**wrong)  # type: ignore[arg-type] # each is of its own type
