"""Full disks, rows that cannot be kept, clients that go, errors that nobody foresaw: the engine harms nobody else."""

import asyncio
from pathlib import Path

import pytest

from engine_makers import (
    engine,
    hours,
    kept_hours,
    net,
    observe,
    over,
    request,
    run,
    same_states,
    told,
    twin,
)
from gatecast.errors import InputError, TimeError
from gatecast.server.engine import Engine
from gatecast.server.refusals import BusyError, FullDiskError
from gatecast.server.store.sqlite import SqliteStore
from gatecast.server.wire import ForecastRequest, Observation, ObserveAnswer
from gatecast.streaming import ForecastStream
from store_doubles import Failing


def test_while_it_stops_what_waits_is_finished_and_nothing_more_is_taken(tmp_path: Path) -> None:
    async def stopping() -> list[object]:
        first = asyncio.ensure_future(made.observe(hours("a", 0), None))
        await asyncio.sleep(0)
        stop = asyncio.ensure_future(made.stop())
        await asyncio.sleep(0)
        late = await told(made.observe(hours("a", 1), None), made.forecast(ForecastRequest(["a"])))  # type: ignore[arg-type]
        await stop
        return [await first, *late]

    with engine(tmp_path) as made:
        first, *late = run(stopping)
        assert first == ObserveAnswer(1)
        assert [type(each) for each in late] == [BusyError, BusyError]
        assert not made.ready
        kept = made.store.latest(made.stream.fingerprint)
        assert kept is not None
        assert kept.position == 1
    with engine(tmp_path) as made:
        assert kept_hours(made, "a") == [0]


def test_nobody_is_answered_and_nothing_moves_when_the_disk_is_full(tmp_path: Path) -> None:
    with SqliteStore(tmp_path) as store:
        made = over(failing := Failing(store), ForecastStream(net()))
        made.begin(None)
        observe(made, hours("a", 0))
        failing.error = FullDiskError("the disk is full.")
        asked = (hours("a", 1), hours("new", 0))
        answers = run(lambda: told(*(made.observe(each, key) for each, key in zip(asked, ("k", None), strict=True))))
        assert answers == [failing.error] * 2
        assert (made.names, made.counts().observations, made.ready) == (["a"], 1, True)
        same_states(made.stream, twin(made))
        failing.error = None
        assert observe(made, hours("a", 1), key="k") == [ObserveAnswer(1)]
        assert observe(made, hours("new", 0)) == [ObserveAnswer(1)]
        same_states(made.stream, twin(made))


def test_a_request_that_the_store_cannot_keep_is_refused_alone(tmp_path: Path) -> None:
    with SqliteStore(tmp_path) as store:
        made = over(failing := Failing(store), ForecastStream(net()))
        made.begin(None)
        failing.unfit = "poison"
        asked = (hours("a", 0), hours("poison", 0), hours("b", 0))
        answers = run(lambda: told(*(made.observe(each, None) for each in asked)))
        assert [answers[0], answers[2]] == [ObserveAnswer(1)] * 2
        assert isinstance(answers[1], InputError)
        assert made.names == ["a", "b"]
        assert made.position == 2
        same_states(made.stream, twin(made))


@pytest.mark.parametrize("key", [None, "k"])
def test_a_client_that_goes_while_it_waits_harms_nobody(tmp_path: Path, key: str | None) -> None:
    async def asked() -> list[object]:
        gone = asyncio.ensure_future(made.observe(hours("a", 0), key))
        stays = asyncio.ensure_future(made.observe(hours("a", 1), None))
        bad = asyncio.ensure_future(made.observe(hours("b", 1, 0), None))
        await asyncio.sleep(0)
        gone.cancel()
        bad.cancel()
        return await told(gone, stays, made.observe(hours("a", 2), None))  # type: ignore[arg-type]

    with engine(tmp_path) as made:
        gone, stays, later = run(asked)
        assert isinstance(gone, asyncio.CancelledError)
        assert [stays, later] == [ObserveAnswer(1)] * 2
        assert kept_hours(made, "a") == [0, 1, 2], "it was sent, and counts"
        assert observe(made, hours("a", 3)) == [ObserveAnswer(1)]


@pytest.mark.parametrize("ds", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:00:00-05:00"])
def test_a_time_beyond_all_years_is_refused_with_a_lesson(tmp_path: Path, ds: str) -> None:
    with engine(tmp_path) as made:
        with pytest.raises(TimeError, match=r"lies outside the years 1 to 9999 in UTC: check its year and its offset"):
            observe(made, request(Observation("a", ds, 1.0)))
        assert observe(made, hours("a", 0)) == [ObserveAnswer(1)]


def test_a_forecast_beyond_the_last_year_is_refused_and_the_row_before_is_kept(tmp_path: Path) -> None:
    with engine(tmp_path) as made:
        observe(made, request(Observation("a", "9999-12-31T23:00:00", 1.0)))
        with pytest.raises(TimeError, match="outside the years 1 to 9999: ask for fewer rows ahead"):
            run(lambda: made.forecast(ForecastRequest(["a"])))
        assert made.series(None, 5, "").series[0].ds == "9999-12-31T23:00:00"


def test_what_is_not_foreseen_in_one_request_is_its_own_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ForecastStream.read

    def breaking(stream: ForecastStream, names: tuple[str, ...], *rest: object) -> object:
        if "odd" in names:
            raise ZeroDivisionError
        return read(stream, names, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ForecastStream, "read", breaking)
    with engine(tmp_path) as made:
        answers = run(lambda: told(*(made.observe(hours(name, 0), None) for name in ("a", "odd", "b"))))
        assert isinstance(answers[1], ZeroDivisionError)
        assert [answers[0], answers[2]] == [ObserveAnswer(1)] * 2
        assert made.ready
        same_states(made.stream, twin(made))


def test_states_that_broke_midway_are_never_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with engine(tmp_path) as made:
        observe(made, hours("a", 0))
        run(lambda: _broken(made, monkeypatch))
        run(made.stop)
        assert made.store.latest(made.stream.fingerprint) is None
    monkeypatch.undo()
    with engine(tmp_path) as made:
        assert kept_hours(made, "a") == [0, 1]
        assert made.names == ["a"], "nothing more is kept once states broke"
        same_states(made.stream, twin(made))


async def _broken(made: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(*_: object) -> None:
        raise ZeroDivisionError

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # it is told to whoever waits, too
    monkeypatch.setattr(ForecastStream, "take", breaking)
    monkeypatch.setattr("gatecast.server.engine.TOGETHER", 1)
    both = await told(made.observe(hours("a", 1), None), made.observe(hours("b", 1), None))
    assert [type(each) for each in both] == [ZeroDivisionError] * 2, "who waits for another commit is told, too"
    assert not made.ready
    with pytest.raises(BusyError, match=r"states and log may differ .*start the server again"):
        await made.observe(hours("a", 2), None)
