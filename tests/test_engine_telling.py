"""What the engine tells: events to those who listen, series by pages, histories, counts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine_makers import engine, hour, hours, obs, observe, request, run
from gatecast.server.engine import Engine
from gatecast.server.wire import Event


async def listening(made: Engine, *names: str) -> AsyncIterator[Event]:
    """A listener that is there already."""
    events = made.events(frozenset(names))
    first = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)

    async def all_of_them() -> AsyncIterator[Event]:
        yield await first
        async for event in events:
            yield event

    return all_of_them()


async def heard(events: AsyncIterator[Event]) -> list[Event]:
    """Everything until the end."""
    return [event async for event in events]


def warm(made: Engine, *names: str, rows: int = 40) -> None:
    observe(made, *(hours(name, *range(rows)) for name in names))


def test_everybody_hears_of_the_series_they_named_and_those_who_named_none_of_all(tmp_path: Path) -> None:
    async def asked() -> list[list[Event]]:
        listeners = [await listening(made, *names) for names in ((), ("a",), ("b", "c"), ("nobody",))]
        assert made.counts().subscribers == 4
        ears = [asyncio.ensure_future(heard(each)) for each in listeners[:3]]
        silent = asyncio.ensure_future(heard(listeners[3]))
        await made.observe(request(obs("a", 40, 1.0), obs("b", 40, None), obs("d", 7, 3.0)), None)
        await made.stop()
        with pytest.raises(RuntimeError):
            await silent
        return [await each for each in ears]

    with engine(tmp_path) as made:
        warm(made, "a", "b", "c")
        everything, a, others = run(asked)
        assert [(event.series, event.ds, event.y) for event in everything] == [
            ("a", hour(40), 1.0),
            ("b", hour(40), None),
            ("d", hour(7), 3.0),
        ]
        assert [event.series for event in a] == ["a"]
        assert [event.series for event in others] == ["b"]
        assert made.counts().subscribers == 0


def test_an_event_tells_what_had_been_forecast_and_the_gates_of_a_series_listened_to_by_name(tmp_path: Path) -> None:
    async def asked() -> list[Event]:
        ear = asyncio.ensure_future(heard(await listening(made, "a")))
        for number in range(40, 46):
            await made.observe(request(obs("a", number, 9.0), obs("b", number, 9.0)), None)
        await made.stop()
        return await ear

    with engine(tmp_path) as made:
        warm(made, "a", "b")
        events = run(asked)
        assert [event.ds for event in events] == [hour(number) for number in range(40, 46)]
        settled = made.history("a", 6).settled
        for name in ("low", "median", "high"):
            told = [getattr(event, name) for event in events]
            assert told == pytest.approx(getattr(settled, name), rel=2**-24), "what is settled is kept in float32"
        assert all(event.low is not None and event.low < event.high for event in events)
        assert [set(event.gates) for event in events] == [{"r", "z", "n"}] * 6
        assert all(-1 < gate < 1 for event in events for gate in event.gates.values())
        assert made.history("a", 6).gates == events[-1].gates
        assert made.history("b", 6).gates == {}


def test_gates_are_of_the_newest_row_or_not_told(tmp_path: Path) -> None:
    async def asked() -> None:
        events = await listening(made, "a")
        await made.observe(request(obs("a", 40)), None)
        assert (await anext(events)).gates != {}
        made.listeners.close()
        assert await heard(events) == []

    with engine(tmp_path) as made:
        warm(made, "a")
        run(asked)
        assert made.history("a", 3).gates != {}
        observe(made, request(obs("a", 41)))
        assert made.history("a", 3).gates == {}, "those of row 40 are not those of row 41"


def test_of_several_rows_of_one_commit_the_newest_is_told(tmp_path: Path) -> None:
    async def asked() -> list[Event]:
        ear = asyncio.ensure_future(heard(await listening(made)))
        await made.observe(hours("a", 40, 41, 42), None)
        await made.stop()
        return await ear

    with engine(tmp_path) as made:
        warm(made, "a")
        assert [event.ds for event in run(asked)] == [hour(42)]


def test_a_listener_who_is_too_slow_loses_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatecast.server.events.MOST_WAITING", 3)

    async def asked() -> tuple[list[Event], list[Event]]:
        slow = await listening(made)
        quick = asyncio.ensure_future(heard(await listening(made)))
        for number in range(40, 50):
            await made.observe(hours("a", number), None)
            await asyncio.sleep(0.001)
        await made.stop()
        return await heard(slow), await quick

    with engine(tmp_path) as made:
        warm(made, "a")
        slow, quick = run(asked)
        assert [event.ds for event in quick] == [hour(number) for number in range(40, 50)]
        assert [event.ds for event in slow] == [hour(40), hour(47), hour(48), hour(49)], "the first was taken before"


def test_nothing_is_made_for_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("gatecast.server.events.Listeners.publish", never)

    async def asked() -> None:
        listener = await listening(made, "other")
        await made.observe(hours("a", 1), None)
        del listener

    with engine(tmp_path) as made:
        observe(made, hours("a", 0))
        run(asked)
        assert made.counts().observations == 2


def test_pages_of_series_are_in_the_order_of_names_and_end(tmp_path: Path) -> None:
    names = ["plant/10", "b", "plant/2", "a", "ä", "plant/1"]
    with engine(tmp_path) as made:
        observe(made, *(hours(name, 0, 1) for name in names))
        found, after = [], None
        while True:
            page = made.series(after, 2, "")
            assert page.total == 6
            assert len(page.series) <= 2
            found += [each.series for each in page.series]
            after = page.next
            if after is None:
                break
        assert found == sorted(names)
        assert [each.series for each in made.series(None, 10, "plant").series] == ["plant/1", "plant/10", "plant/2"]
        assert made.series(None, 2, "plant").next == "plant/10"
        assert [each.series for each in made.series("plant/10", 2, "plant").series] == ["plant/2"]
        assert made.series("c", 1, "").series[0].series == "plant/1", "a name that is not there has its place too"
        assert made.series(None, 5, "nothing") == made.series("zzz", 5, "nothing")
        assert (made.series("ä", 5, "").series, made.series("ä", 5, "").total) == ([], 6)


def test_a_history_has_the_rows_that_were_asked_for_and_what_was_said_of_them(tmp_path: Path) -> None:
    with engine(tmp_path) as made:
        observe(made, hours("a", *range(40)), request(obs("a", 42, None), obs("a", 43, 5.0)))
        found = made.history("a", 6)
        assert found.ds == [hour(number) for number in range(38, 44)]
        assert found.y[2:] == [None, None, None, 5.0], "missed rows are told as missing"
        assert set(found.settled.ds) <= set(found.ds)
        assert len(found.settled.ds) > 0
        assert found.interval == 0.8
        summary = made.series(None, 1, "").series[0]
        assert found.summary == summary
        assert (summary.rows, summary.ds, summary.y) == (44, hour(43), 5.0)
        assert len(summary.recent) == 24
        assert summary.recent[-4:] == [None, None, None, 5.0]
        assert summary.mean_error is not None


def test_a_summary_tells_that_a_glitch_still_weighs_on_forecasts(tmp_path: Path) -> None:
    with engine(tmp_path) as made:
        observe(made, hours("a", *range(40)))
        before = made.series(None, 1, "").series[0].unit
        observe(made, request(obs("a", 40, 1e6)), hours("a", 41, 42))
        after = made.series(None, 1, "").series[0].unit
        assert before is not None
        assert after is not None
        assert before < 2
        assert after > 1000


def test_counts_tell_what_happened(tmp_path: Path) -> None:
    async def asked() -> None:
        waiting = [asyncio.ensure_future(made.observe(hours(name, 0), None)) for name in "abc"]
        await asyncio.sleep(0)
        assert made.counts().waiting == 3
        await asyncio.gather(*waiting)

    with engine(tmp_path) as made:
        assert made.counts() == (0, 0, 0, 0, 0, 0.0, 0, 0)
        run(asked)
        observe(made, hours("a", 1, 2))
        counts = made.counts()
        assert (counts.series, counts.observations, counts.waiting, counts.commits) == (3, 5, 0, 2)
        assert counts.commit_seconds > 0
        assert made.model() is made.card
