"""Streams of every kind of table: calendars, words, plans, gaps, numbered rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import gatecast as gc
from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.errors import InputError, TimeError
from gatecast.server.logbook import entries_of
from gatecast.streaming import ForecastStream, StreamOptions
from small_tables import SMALL, wave_table

FIXED = StreamOptions(intervals="fixed")
HORIZON = SMALL["horizon"]


def _dated(step: str, rows: int = 120, **columns: Any) -> pl.DataFrame:
    start = pl.datetime(2023, 1, 31 if step == "1mo" else 2)
    times = pl.select(start.dt.offset_by(pl.format("{}" + step[1:], pl.int_range(rows)))).to_series()
    wave = 10 + np.sin(2 * np.pi * np.arange(rows) / 12) + 0.1 * np.random.default_rng(0).normal(size=rows)
    return pl.DataFrame({"ds": times.dt.month_end() if step == "1mo" else times, **columns, "y": wave})


def _business_days() -> pl.DataFrame:
    frame = _dated("1d", 180)
    return frame.filter(pl.col("ds").dt.weekday() <= 5)


def _irregular() -> pl.DataFrame:
    gaps = np.random.default_rng(1).integers(60, 7200, 120).cumsum()
    times = np.datetime64("2024-01-01", "us") + gaps.astype("timedelta64[s]")
    return pl.DataFrame({"ds": times, "y": np.sin(np.arange(120) / 3) + 5})


def _words() -> pl.DataFrame:
    rng, rows = np.random.default_rng(2), 160
    wind, shop = rng.choice(["N", "S", "W"], rows), rng.choice(["open", "shut"], rows)
    return _dated("1h", rows, wind=wind, x=rng.normal(size=rows), shop=shop, price=rng.normal(size=rows))


TABLES: Mapping[str, tuple[pl.DataFrame, dict[str, Any]]] = {
    "hours, a day and a week round": (wave_table(ids=("a", "b")), {"id": "shop"}),
    "ends of months": (_dated("1mo"), {}),
    "business days": (_business_days(), {}),
    "numbered": (wave_table(dated=False), {}),
    "irregular": (_irregular(), {"frequency": "irregular"}),
    "holidays": (_dated("1d", 150), {"holidays": "DE"}),
    "words and plans": (_words(), {"past": ("wind", "x"), "future": ("shop", "price")}),
    "static": (
        wave_table(ids=("a", "b")).with_columns(size=pl.col("shop").replace_strict({"a": 1.0, "b": 7.0})),
        {"id": "shop", "static": ("size",)},
    ),
}


@pytest.mark.parametrize("mode", ["sequences", "windows"])
@pytest.mark.parametrize("kind", TABLES)
def test_rows_as_callers_write_them_are_the_rows_of_the_table(kind: str, mode: str) -> None:
    torch.set_num_threads(1)
    frame, options = TABLES[kind]
    model = gc.fit(
        frame, **SMALL, **options, mode=mode, **{"training.time": 16, "training.chunks": 2, "training.burn_in": 4}
    )
    panel, stream = model.panel, model.live(FIXED)
    assert panel is not None
    stream.know(panel)
    known = _observe(stream, panel, leave=5)
    future = {name: _plans(panel, index, known[index]) for index, name in enumerate(panel.ids)}
    streamed = stream.forecast(panel.ids, future=future)
    batch = model.calibrated.forecast(panel, Origins(np.arange(len(panel.ids)), np.array(known)), HORIZON)
    if kind != "irregular":  # a table knows when its own rows came, a stream when the next are likely
        np.testing.assert_array_equal(streamed.times, batch.times)
    np.testing.assert_array_equal(streamed.mean, batch.mean)
    np.testing.assert_array_equal(streamed.quantiles, batch.quantiles)


def _observe(stream: ForecastStream, panel: Panel, leave: int) -> list[int]:
    """All rows of a panel but the last few of each series, as they would be written; how many of each."""
    rows = [row for entry in entries_of(panel, stream) for row in entry.rows]
    known = [int(length) - leave for length in panel.lengths]
    seen = dict.fromkeys(panel.ids, 0)
    for row in rows:
        seen[row.series] += 1
        if seen[row.series] <= known[panel.ids.index(row.series)]:
            assert stream.observe(row.series, stream.clock.written(row.time), row.y, row.x) == 1
    return known


def _plans(panel: Panel, series: int, known: int) -> dict[str, list[Any]]:
    """What a panel says of the rows to come, words as words."""
    rows = panel.values[panel.rows(series)][known : known + HORIZON]
    found = {}
    for name in panel.columns.future:
        values = rows[:, panel.columns.channels.index(name)].tolist()
        words = panel.columns.categories.get(name)
        found[name] = values if words is None else [words[int(code) - 1] for code in values]
    return found


def test_a_model_streams_from_the_end_of_its_table_and_says_what_it_predicts() -> None:
    model = gc.fit(wave_table(ids=("a", "b")), **SMALL, id="shop")
    streamed = model.stream(options=FIXED).forecast(["a", "b"])
    predicted = model.predict().forecast
    np.testing.assert_array_equal(streamed.quantiles, predicted.quantiles)
    np.testing.assert_array_equal(streamed.times, predicted.times)


def test_what_is_known_in_advance_must_be_told() -> None:
    frame, options = TABLES["words and plans"]
    stream = gc.fit(frame, **SMALL, **options).stream()
    name = stream.series[0]
    with pytest.raises(InputError, match="needs shop for each of 4 rows of the horizon, got 0: future covariates"):
        stream.forecast(name)
    plan = {"shop": ["open"] * 4, "price": [1.0, 2.0, float("nan"), 1.0]}
    with pytest.raises(InputError, match='"price" is missing in a row of the horizon'):
        stream.forecast(name, future={name: plan})


def test_a_new_series_of_a_net_that_reads_static_covariates_needs_them() -> None:
    frame, options = TABLES["static"]
    stream = gc.fit(frame, **SMALL, **options).stream()
    with pytest.raises(InputError, match='series "c" is new, and the net reads size of each series'):
        stream.observe("c", "2024-02-01T00:00:00", 1.0, {"x": 1.0})
    assert "c" not in stream.series
    stream.add("c", np.array([3.0], dtype=np.float32))
    assert stream.observe("c", "2024-02-01T00:00:00", 1.0, {"x": 1.0}) == 1


def test_numbered_rows_take_numbers_and_dated_ones_take_dates() -> None:
    numbered = gc.fit(wave_table(dated=False), **SMALL).stream()
    (name,) = numbered.series
    assert numbered.observe(name, 160, 1.0) == 1
    for ds in ("161", True, 2**70):
        with pytest.raises(TimeError, match="rows of this model are numbered"):
            numbered.clock.read(ds)  # type: ignore[arg-type]
    dated = gc.fit(wave_table(), **SMALL).stream()
    with pytest.raises(TimeError, match="ds=7 is no time"):
        dated.observe(dated.series[0], 7, 1.0)


def test_months_are_stepped_by_their_ends() -> None:
    stream = gc.fit(_dated("1mo"), **SMALL).stream()
    (name,), last = stream.series, stream.forecast(stream.series).cutoffs[0]
    assert str(last)[:10] == "2032-12-31"
    with pytest.raises(TimeError, match=r"lies off the grid of monthly .* rows; the next one is 2033-01-31"):
        stream.observe(name, "2033-01-30", 1.0)
    assert stream.observe(name, "2033-03-31", 1.0) == 1
    assert stream.status(name).rows == 123


@pytest.mark.parametrize("kind", ["hours, a day and a week round", "words and plans", "irregular"])
def test_the_audit_of_a_net_finds_its_stream_equal_to_the_table(kind: str) -> None:
    torch.set_num_threads(1)
    frame, options = TABLES[kind]
    (check,) = (check for check in gc.audit(gc.fit(frame, **SMALL, **options)).checks if check.name == "stream")
    assert (check.status, check.meaning) == ("passed", "Every bit is the same, row by row and from the whole table.")


def test_the_audit_leaves_out_the_stream_of_a_series_that_training_has_not_seen() -> None:
    model = gc.fit(wave_table(ids=("a",)), **SMALL, id="shop")
    (check,) = (check for check in gc.audit(model, wave_table(200, ids=("b",))).checks if check.name == "stream")
    assert check.status == "skipped"
    assert "training has not seen this series" in check.meaning
