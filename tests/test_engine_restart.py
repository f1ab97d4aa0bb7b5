"""After a restart the engine goes on where the log ended, with the bits of one that was never stopped."""

import asyncio
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine_makers import engine, hours, kept_hours, log, model, net, observe, over, run, same_states, table, twin
from gatecast.data.calendar import parse_frequency
from gatecast.data.panel import Panel
from gatecast.errors import InputError
from gatecast.server.refusals import FullDiskError
from gatecast.server.store.sqlite import SqliteStore
from gatecast.streaming import ForecastStream
from store_doubles import Failing
from stream_makers import assert_same

MANY = [hours(name, *range(first, first + 7)) for first in range(0, 63, 7) for name in ("a", "b", "c")]


@pytest.mark.parametrize("ending", ["stopped", "killed", "killed after a snapshot", "snapshot damaged"])
def test_a_restarted_engine_has_the_bits_of_an_undisturbed_twin(tmp_path: Path, ending: str) -> None:
    with engine(tmp_path) as made:
        observe(made, *MANY[:15])
        if ending != "killed":
            run(made.stop)
    if ending in ("killed after a snapshot", "snapshot damaged"):
        with engine(tmp_path) as made:
            observe(made, *MANY[15:20])
    if ending == "snapshot damaged":
        for path in tmp_path.glob("snapshot-*"):
            path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    with engine(tmp_path) as made:
        assert made.position == len(log(made)) > 0
        observe(made, *MANY[20 if "snap" in ending else 15 :])
        expected = twin(made)
        same_states(made.stream, expected)
        assert_same(made.stream.forecast(["a", "b", "c"]), expected.forecast(["a", "b", "c"]))
        assert made.names == ["a", "b", "c"]


def test_a_restart_reads_the_tail_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with engine(tmp_path) as made:
        observe(made, *MANY[:3])
        run(made.stop)
    with engine(tmp_path) as made:
        observe(made, hours("a", 7, 8))
    read = SqliteStore.replay
    asked = []
    monkeypatch.setattr(SqliteStore, "replay", lambda store, after: asked.append(after) or read(store, after))
    with engine(tmp_path) as made:
        assert asked == [21]
        assert made.position == 23
        same_states(made.stream, twin(made))


def test_an_empty_log_begins_with_the_rows_of_the_table_once(tmp_path: Path) -> None:
    panel = table()
    expected = ForecastStream(net())
    expected.observe_panel(panel)
    for _ in range(3):
        with engine(tmp_path, panel=panel) as made:
            assert made.position == len(log(made)) == 480
            assert_same(made.stream.forecast(panel.ids), expected.forecast(panel.ids))
            same_states(made.stream, expected)


def test_a_long_replay_is_kept_in_a_snapshot_even_if_no_row_follows(tmp_path: Path) -> None:
    with engine(tmp_path, panel=table()) as made:
        assert (made.position, made.kept) == (480, 0)
        run(made.stop)
    with engine(tmp_path, panel=table()) as made:
        assert (made.position, made.kept) == (480, 480)


@pytest.mark.parametrize("left", [0, 1, 3])
def test_a_beginning_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
    monkeypatch.setattr("gatecast.server.logbook.AT_ONCE", 100)
    panel = table()
    with SqliteStore(tmp_path) as store:
        failing = Failing(store)
        failing.left = left
        with pytest.raises(KeyboardInterrupt):
            over(failing, ForecastStream(net())).begin(panel)
        assert store.append([]) == 100 * left
    expected = ForecastStream(net())
    expected.observe_panel(panel)
    for _ in range(2):
        with engine(tmp_path, panel=panel) as made:
            assert len(log(made)) == 480
            same_states(made.stream, expected)


def test_a_log_that_began_without_the_table_is_left_as_it_is(tmp_path: Path) -> None:
    with engine(tmp_path) as made:
        observe(made, hours("a", 0, 1))
    with engine(tmp_path, panel=table()) as made:
        assert made.names == ["a"]
        assert made.position == len(log(made)) == 2


def test_a_log_whose_rows_are_compacted_away_is_not_begun_again(tmp_path: Path) -> None:
    with SqliteStore(tmp_path, keep_days=0.0) as store:
        made = over(store, ForecastStream(net()))
        made.begin(table())
        run(made.stop)
        assert log(made) == []
    with engine(tmp_path, forecaster=net(1), panel=table()) as made:
        assert made.position == 480
        assert log(made) == []


def test_another_model_makes_states_of_its_own_and_leaves_those_of_the_first(tmp_path: Path) -> None:
    with engine(tmp_path) as made:
        observe(made, *MANY[:6])
        run(made.stop)
        first = made.stream.fingerprint
    with engine(tmp_path, forecaster=net(1)) as made:
        assert made.stream.fingerprint != first
        same_states(made.stream, twin(made, net(1)))
        observe(made, *MANY[6:9])
        run(made.stop)
    with engine(tmp_path) as made:
        snapshot = made.store.latest(first)
        assert snapshot is not None
        assert snapshot.position == 42
        assert made.position == 63
        same_states(made.stream, twin(made))


@pytest.mark.parametrize("frequency", ["2h", "3h"])
def test_a_log_of_another_frequency_is_refused_with_a_lesson(tmp_path: Path, frequency: str) -> None:
    with engine(tmp_path) as made:
        observe(made, hours("a", *range(5)))
    other = copy(net())
    other.fitted_ = replace(net().fitted_, frequency=parse_frequency(frequency))
    lesson = r"log of observations does not fit this model: .*off the grid.*begin another folder with --data"
    with pytest.raises(InputError, match=lesson), engine(tmp_path, forecaster=other):
        pass


@pytest.mark.parametrize(
    ("written", "read"), [("two", "one"), ("one", "two"), ("numbered", "one"), ("one", "numbered")]
)
def test_a_log_of_other_columns_is_refused_with_a_lesson(tmp_path: Path, written: str, read: str) -> None:
    kinds = {"one": model(), "two": model(target=("y", "z")), "numbered": model(numbered=True)}
    first, second = kinds[written], kinds[read]
    with engine(tmp_path, forecaster=first.forecaster, panel=first.panel):
        pass
    with (
        pytest.raises(InputError, match=r"log of observations does not fit this model: .*--data"),
        engine(tmp_path, forecaster=second.forecaster, panel=second.panel),
    ):
        pass


def test_snapshots_are_written_while_rows_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatecast.server.engine.SNAPSHOT_PAUSE", 0.0)

    async def observing() -> list[int]:
        kept = []
        for number in range(60):
            await made.observe(hours("a", number), None)
            kept.append(made.kept)
            if made._saving is not None and (number % 7 == 0 or number == 59):  # else rows come while it is written
                await made._saving
        return kept

    with engine(tmp_path, snapshot_every=10) as made:
        kept = run(observing)
        assert len(set(kept)) >= 4, "several"
        assert all(number - before <= 30 for number, before in enumerate(kept))
    with engine(tmp_path) as made:
        assert made.kept == 60
        assert kept_hours(made, "a") == list(range(60))
        same_states(made.stream, twin(made))


def test_a_snapshot_that_does_not_fit_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatecast.server.engine.SNAPSHOT_PAUSE", 0.0)
    told: list[object] = []

    async def observing() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        for number in range(20):
            await made.observe(hours("a", number), None)
            await asyncio.sleep(0.001)
        await made.stop()

    with SqliteStore(tmp_path) as store:
        made = over(failing := Failing(store), ForecastStream(net()), snapshot_every=5)
        made.begin(None)
        failing.saving = FullDiskError("the disk is full.")
        run(observing)
        assert store.latest(made.stream.fingerprint) is None
        assert made.kept == 0
    assert told == []
    with engine(tmp_path) as made:
        same_states(made.stream, twin(made))


def test_a_table_with_gaps_begins_the_log_with_the_states_that_it_makes(tmp_path: Path) -> None:
    panel = table()
    values = panel.values.copy()
    values[np.random.default_rng(0).random(len(values)) < 0.3] = np.nan
    gappy = Panel(**{**vars(panel), "values": values})
    expected = ForecastStream(net())
    expected.observe_panel(gappy)
    with engine(tmp_path, panel=gappy) as made:
        same_states(made.stream, expected)
    with engine(tmp_path, panel=gappy) as made:
        same_states(made.stream, expected)
