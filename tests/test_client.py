"""The client beside a double of the server behind a real socket: what is sent, what comes back, what is said no to."""

import asyncio
import subprocess
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pytest

import gatecast.client
from gatecast.client import AsyncClient, Client, ClientError, Retries
from gatecast.client.listening import Listener
from gatecast.client.values import to_number, to_observation, to_time
from gatecast.errors import InputError, MissingExtraError, OptionError
from gatecast.server.wire import Event, Observation, ObserveAnswer, ObserveRequest
from server_double import CARD, Double, event, running

AT_ONCE = Retries(attempts=3, first=0.0)
HOURS = [f"2024-01-01T{hour:02}:00:00" for hour in range(24)]


@pytest.fixture
def double() -> Iterator[Double]:
    with running(Double()) as one:
        yield one


@pytest.fixture
def client(double: Double) -> Iterator[Client]:
    with Client(double.url, retries=AT_ONCE) as one:
        yield one


# Times and numbers


TIMES: tuple[tuple[Any, str | int], ...] = (
    ("2024-01-01 00:00", "2024-01-01 00:00"),
    (7, 7),
    (np.int64(7), 7),
    (datetime(2024, 1, 1, 5), "2024-01-01T05:00:00"),  # noqa: DTZ001 - naive is what it is about
    (datetime(2024, 1, 1, 5, 0, 0, 250), "2024-01-01T05:00:00.000250"),  # noqa: DTZ001
    (datetime(2024, 1, 1, 5, tzinfo=UTC), "2024-01-01T05:00:00Z"),
    (datetime(2024, 1, 1, 5, tzinfo=timezone(timedelta(hours=2))), "2024-01-01T03:00:00Z"),
    (date(2024, 2, 29), "2024-02-29T00:00:00"),
    (np.datetime64("2024-01-01T05"), "2024-01-01T05:00:00"),
    (np.datetime64("2024-01-01T05:00:00.000000001", "ns"), "2024-01-01T05:00:00"),
    (pd.Timestamp("2024-01-01 05:00"), "2024-01-01T05:00:00"),
    (pd.Timestamp("2024-01-01 05:00:00.000000001"), "2024-01-01T05:00:00"),
    (pd.Timestamp("2024-07-01 05:00", tz="Europe/Berlin"), "2024-07-01T03:00:00Z"),
    (pl.Series([datetime(2024, 1, 1, 5)])[0], "2024-01-01T05:00:00"),  # noqa: DTZ001
    (pl.Series([datetime(2024, 1, 1, 5, tzinfo=UTC)]).dt.convert_time_zone("Asia/Kolkata")[0], "2024-01-01T05:00:00Z"),
    (pl.Series([date(2024, 1, 1)])[0], "2024-01-01T00:00:00"),
)


@pytest.mark.parametrize(("time", "said"), TIMES, ids=[f"{type(time).__name__} {time}" for time, _ in TIMES])
def test_a_time_goes_as_iso_text_naive_as_it_is_and_aware_in_utc(time: Any, said: str | int) -> None:
    assert to_time(time) == said
    assert type(to_time(time)) is type(said)


@pytest.mark.parametrize("time", [pd.NaT, np.datetime64("NaT"), True, np.timedelta64(1, "h")])
def test_what_is_no_time_is_refused(time: Any) -> None:
    with pytest.raises(InputError, match="a time is a date, a datetime, ISO 8601 text or the number of a row, got"):
        to_time(time)


@pytest.mark.parametrize("value", [1.5, np.float32(1.5), np.float64(1.5)])
def test_numbers_go_as_floats(value: Any) -> None:
    assert type(to_number(value, "y")) is float
    assert to_number(value, "y") == 1.5


@pytest.mark.parametrize("value", [None, float("nan"), np.float32("nan"), np.float64("nan")])
def test_what_is_missing_goes_as_null(value: Any) -> None:
    assert msgspec.json.encode(to_observation("a", 1, value, {"x": value})).endswith(b'"y":null,"x":{"x":null}}')


def test_a_number_that_json_cannot_say_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"x of series 'a' at 2024-01-01 is -inf, which JSON cannot say"):
        to_observation("a", "2024-01-01", 1.0, {"x": float("-inf")})
    with pytest.raises(InputError, match=r"y of series 'a' at 3 is '\[1. 1.\]', and a number is wanted"):
        to_observation("a", 3, np.ones(2))


# What is asked and answered


def test_an_observed_row_arrives_as_it_was_meant(double: Double, client: Client) -> None:
    assert client.observe("a/é", date(2024, 1, 1), np.float32(2.5), {"x": 1, "word": "wet"}) == ObserveAnswer(1)
    assert double.rows == {"a/é": [Observation("a/é", "2024-01-01T00:00:00", 2.5, {"x": 1.0, "word": "wet"})]}


def test_several_targets_go_by_name(double: Double, client: Client) -> None:
    client.observe("a", 0, {"sun": 1, "rain": float("nan")})
    assert double.rows["a"][0].y == {"sun": 1.0, "rain": None}


def test_many_rows_are_split_into_requests_with_a_key_each(double: Double) -> None:
    rows = [("a", row, float(row)) for row in range(25)]
    with Client(double.url, batch=10) as client:
        assert client.observe_many(iter(rows)) == ObserveAnswer(25)
    assert [len(msgspec.json.decode(asked.body, type=ObserveRequest).observations) for asked in double.asked] == [
        10,
        10,
        5,
    ]
    assert len({asked.key for asked in double.asked}) == 3
    assert [row.ds for row in double.rows["a"]] == list(range(25))


def test_rows_may_be_observations_or_tuples_of_three_or_four(double: Double, client: Client) -> None:
    client.observe_many([Observation("a", 0, float("nan")), ("a", 1, 2), ("a", 2, None, {"x": 3})])
    assert [(row.y, row.x) for row in double.rows["a"]] == [(None, {}), (2.0, {}), (None, {"x": 3.0})]
    with pytest.raises(InputError, match=r"a row to observe is \(series, ds, y\) or \(series, ds, y, x\), got"):
        client.observe_many([("a", 3)])


def test_no_rows_are_no_request(double: Double, client: Client) -> None:
    assert client.observe_many([]) == ObserveAnswer(0)
    assert client.forecast([]) == []
    assert double.asked == []


def test_rows_sent_again_under_a_key_of_the_callers_count_once(double: Double) -> None:
    rows = [("a", row, 1.0) for row in range(5)]
    for repeated in (False, True):
        with Client(double.url, batch=2) as client:
            assert client.observe_many(rows, key="night-7") == ObserveAnswer(5, repeated)
    assert double.count() == 5


def test_forecasts_come_in_the_order_asked_however_they_are_split(double: Double) -> None:
    names = ["b", "a", "c"]
    with Client(double.url, batch=2) as client:
        client.observe_many([(name, 0, ord(name)) for name in names])
        found = client.forecast(names, horizon=3, quantiles=(0.25,), future={"c": {"x": np.zeros(3)}})
    assert [(each.series, each.mean) for each in found] == [(name, [float(ord(name))] * 3) for name in names]
    assert found[0].quantiles == {"0.25": [97.75] * 3}
    bodies = [msgspec.json.decode(asked.body) for asked in double.asked[-2:]]
    assert [body["future"] for body in bodies] == [{}, {"c": {"x": [0.0] * 3}}]


def test_one_name_is_one_series_and_not_its_letters(client: Client) -> None:
    client.observe("north", 0, 1.0)
    assert [each.series for each in client.forecast("north")] == ["north"]


def test_series_walks_over_all_pages(double: Double, client: Client) -> None:
    double.page = 3
    client.observe_many([(f"s{number}", 0, 1.0) for number in range(8)])
    assert [each.series for each in client.series()] == [f"s{number}" for number in range(8)]
    assert [each.series for each in client.series("7")] == ["s7"]
    assert sum(asked.path == "/v1/series" for asked in double.asked) == 3 + 1


ODD_NAMES = ("a/b", "../../metrics", "..", ".", "50%", "?x=1#y", "a b+c", "Zoë\u2028\u0085", "<script>", "\r\nX: y")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_series_of_any_name_is_found_again(double: Double, client: Client, name: str) -> None:
    client.observe(name, 0, 1.0)
    assert client.history(name, rows=5).summary.series == name
    assert double.asked[-1].path == f"/v1/series/{name}"
    assert [each.series for each in client.series(name)] == [name]


def test_half_a_character_is_refused_before_it_is_sent(client: Client) -> None:
    asks: list[Callable[[], object]] = [
        lambda: client.observe("a\ud800", 0, 1.0),
        lambda: client.history("a\ud800"),
        lambda: list(client.series("a\ud800")),
    ]
    for ask in asks:
        with pytest.raises(InputError, match="holds half a character"):
            ask()


def test_the_model_and_readiness_are_told(double: Double, client: Client) -> None:
    assert client.model() == CARD
    assert client.ready() is True
    double.troubles = deque(["503"])
    assert client.ready() is False, "it is asked once"


def test_a_server_that_is_not_there_is_not_ready() -> None:
    with Client("http://127.0.0.1:9") as client:
        assert client.ready() is False


# Errors


def test_the_key_is_sent_with_every_request_and_shown_nowhere(double: Double) -> None:
    double.token = "k3y-of-the-test"  # noqa: S105 - of a double
    with Client(double.url, double.token) as client:
        client.observe("a", 0, 1.0)
        assert double.token not in repr(client)
    with pytest.raises(ClientError) as caught:
        Client(double.url, "another-key").observe("a", 1, 1.0)
    assert caught.value.status == 401
    assert "another-key" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {vars(caught.value)}"


@pytest.mark.parametrize("key", ["two words", "one-l1ne\n", "ключ", ""])
def test_a_key_that_can_be_none_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(OptionError, match="the key holds a blank or a letter that no key has") as caught:
        Client("http://127.0.0.1:8080", key)
    assert not key or key.strip() not in str(caught.value)


def test_an_error_tells_the_servers_detail_its_status_and_the_request(client: Client) -> None:
    with pytest.raises(ClientError) as caught:
        client.forecast("nobody")
    error = caught.value
    assert str(error) == error.detail == 'nobody has observed "nobody". Send its rows to /v1/observe first.'
    assert (error.status, error.request) == (404, "request-7")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://a", "http://", "http://a:b", "http://a:99999", "http://a/?x=1", ""]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(OptionError, match=r"the address of a server looks like http://127\.0\.0\.1:8080, got"):
        Client(url)


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(OptionError, match="holds a user or a password") as caught:
        Client("http://me:geheim@127.0.0.1:8080")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("batch", [0, 10_001])
def test_a_batch_that_no_request_holds_is_refused(batch: int) -> None:
    with pytest.raises(OptionError, match="a request holds 1 to 10,000 observations"):
        AsyncClient("http://127.0.0.1:8080", batch=batch)


def test_an_answer_of_something_else_is_told_as_such(double: Double, client: Client) -> None:
    double.troubles = deque(["odd", "301"])
    with pytest.raises(ClientError, match="the answer is no ModelsAnswer of a gatecast server"):
        client.model()
    with pytest.raises(ClientError, match="the double was told to answer 301"):
        client.model()


def test_a_server_below_a_path_is_asked_there(double: Double) -> None:
    with Client(f"{double.url}/below/", retries=AT_ONCE) as client, pytest.raises(ClientError):
        client.model()
    assert double.asked[-1].path == "/below/v1/models"


# Events


def test_events_come_in_order_over_connections_that_end(double: Double, client: Client) -> None:
    double.events = deque([event(1), event(2)])
    found = client.events(["a", "b"])
    assert [next(found).ds for _ in range(2)] == HOURS[1:3]
    double.events = deque([event(3)])
    assert next(found).ds == HOURS[3]
    found.close()
    assert "last-event-id" not in double.asked[0].headers
    assert double.asked[-1].headers["last-event-id"] == "2"


def test_a_stream_that_is_refused_is_an_error_and_a_busy_one_is_asked_again(double: Double, client: Client) -> None:
    double.troubles, double.events = deque(["503", "cut", "fine"]), deque([event(4)])
    assert next(client.events()).ds == HOURS[4]
    double.troubles = deque(["403"])
    with pytest.raises(ClientError, match="told to answer 403"):
        next(client.events())
    double.troubles = deque(["odd"])
    with pytest.raises(ClientError, match="answered 200 OK without a reason"):
        next(client.events())


def test_a_stream_is_given_up_after_so_many_failures_in_a_row(double: Double, client: Client) -> None:
    double.troubles = deque(["cut"] * 3)
    with pytest.raises(ClientError, match=r"does not answer: .* \(tried 3 times\)"):
        next(client.events())
    assert len(double.asked) == 3


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_events_are_the_same_however_the_bytes_are_cut(size: int, end: bytes) -> None:
    names = ["plain", "U+2028 \u2028 and next line \u0085", "a: b"]
    stream = b": beat\n\n" + b"".join(event(number, name) for number, name in enumerate(names))
    stream = stream.replace(b',"y"', b',\ndata: "y"')  # in two lines each
    stream = stream.replace(b"\n", end) + end  # a lone \r counts once something follows it
    listener = Listener((), AT_ONCE)
    found = [each for at in range(0, len(stream), size) for each in listener.feed(stream[at : at + size])]
    assert [each.series for each in found] == names


def test_an_event_in_several_lines_is_one_and_an_unfinished_one_is_dropped() -> None:
    listener = Listener((), AT_ONCE)
    whole = event(1).replace(b',"y"', b',\ndata: "y"')
    assert [each.ds for each in listener.feed(whole + event(2)[:-1])] == [HOURS[1]]
    listener.call()
    assert [each.ds for each in listener.feed(event(3))] == [HOURS[3]]


# Awaited


def awaited(talk: Callable[[AsyncClient], Awaitable[Any]], url: str) -> Any:
    async def held() -> Any:
        async with AsyncClient(url, retries=AT_ONCE, batch=2) as client:
            return await talk(client)

    return asyncio.run(held())


async def listed(items: AsyncIterator[Any], most: int = 1000) -> list[Any]:
    found = []
    async for item in items:
        found.append(item)
        if len(found) == most:
            break
    return found


async def everything(client: AsyncClient) -> list[Any]:
    return [
        await client.observe("a", date(2024, 1, 1), 1.0),
        await client.observe_many([("b", row, float(row)) for row in range(3)]),
        await client.forecast(["b", "a"]),
        await listed(client.series()),
        await client.history("b", 2),
        await client.model(),
        await client.ready(),
        await listed(client.events(), 2),
    ]


def everything_waited_for(client: Client) -> list[Any]:
    return [
        client.observe("a", date(2024, 1, 1), 1.0),
        client.observe_many([("b", row, float(row)) for row in range(3)]),
        client.forecast(["b", "a"]),
        list(client.series()),
        client.history("b", 2),
        client.model(),
        client.ready(),
        [each for each, _ in zip(client.events(), range(2), strict=False)],
    ]


def test_both_clients_ask_and_answer_the_same() -> None:
    answers, asked = [], []
    for awaits in (False, True):
        with running(Double(events=deque([event(1), event(2), event(3)]))) as double:
            if awaits:
                answers.append(awaited(everything, double.url))
            else:
                with Client(double.url, retries=AT_ONCE, batch=2) as client:
                    answers.append(everything_waited_for(client))
            asked.append([(each.method, each.path, each.body) for each in double.asked])
    assert answers[0] == answers[1]
    assert asked[0] == asked[1]
    assert isinstance(answers[0][-1][1], Event)


def test_the_awaited_client_says_no_in_the_same_words(double: Double) -> None:
    with pytest.raises(ClientError, match='nobody has observed "nobody"'):
        awaited(lambda client: client.forecast("nobody"), double.url)
    double.troubles = deque(["cut", "403"])
    with pytest.raises(ClientError, match="told to answer 403"):
        awaited(lambda client: listed(client.events()), double.url)
    assert repr(AsyncClient("http://127.0.0.1:8080", "secret")) == "AsyncClient('http://127.0.0.1:8080')"


def test_tasks_share_a_client(double: Double) -> None:
    async def all_at_once(client: AsyncClient) -> None:
        await asyncio.gather(*(client.observe(f"s{number}", 0, 1.0) for number in range(20)))

    awaited(all_at_once, double.url)
    assert double.count() == 20


def test_threads_share_a_client(double: Double, client: Client) -> None:
    threads = [threading.Thread(target=client.observe, args=(f"s{number}", 0, 1.0)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert double.count() == 8


# Loading


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_the_client_loads_neither_torch_nor_httpx_nor_a_server() -> None:
    names = ("torch", "httpx", "starlette", "uvicorn", "polars")
    loaded = f"import sys; print(*(name for name in {names!r} if name in sys.modules))"
    assert printed(f"import gatecast.client; {loaded}") == ""
    assert printed(f"from gatecast.client import Client; Client('http://127.0.0.1:8080'); {loaded}") == "httpx"


def test_without_httpx_the_extra_is_named() -> None:
    hide = "import sys; sys.modules['httpx'] = None; import gatecast.client as client\n"
    code = f"{hide}try: client.Client\nexcept ImportError as error: print(type(error).__name__, error)"
    assert printed(code) == (
        f"{MissingExtraError.__name__} gatecast.client needs httpx, which is not installed. "
        f"Run: pip install 'gatecast[serve]'"
    )


@pytest.mark.parametrize("name", gatecast.client.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(gatecast.client, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Clint'"):
        gatecast.client.Clint  # noqa: B018 - reading it is the test
