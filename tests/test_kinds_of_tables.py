"""Whole runs on every kind of table; and in none of them does the future move the past."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatecast.artifact import WEIGHTS
from gatecast.data.splits import Origins
from gatecast.errors import InputError
from gatecast.workflow import Model, fit, load, save
from gatecast.workflow.runs import read_metrics
from small_tables import SMALL, wave_table

SHOPS = ("north", "south")


def weight_bytes(model: Model, folder: Path) -> bytes:
    return (save(model, folder) / WEIGHTS).read_bytes()


@pytest.mark.parametrize("poison", [None, 1e9, -1e9])
def test_a_poisoned_test_part_changes_no_weight_no_guess_and_no_earlier_forecast(
    tmp_path: Path, poison: float | None
) -> None:
    settings = {name: value for name, value in SMALL.items() if name not in ("lookback", "season")}
    clean = fit(wave_table(ids=SHOPS), **settings)
    start = int(clean.split.validation_end[0])
    late = pl.col("ds") >= wave_table()["ds"][start]
    poisoned = wave_table(ids=SHOPS).with_columns(pl.when(late).then(poison).otherwise(pl.col("x", "y")).name.keep())
    dirty = fit(poisoned, **settings)
    assert (dirty.forecaster.config, dirty.season) == (clean.forecaster.config, clean.season)
    assert dirty.guesses == clean.guesses
    assert weight_bytes(dirty, tmp_path / "dirty") == weight_bytes(clean, tmp_path / "clean")
    origins = Origins(np.repeat([0, 1], 3), np.tile([start - 30, start - 1, start], 2))
    np.testing.assert_array_equal(
        dirty.forecaster.forecast(dirty.panel, origins, 4).quantiles,
        clean.forecaster.forecast(clean.panel, origins, 4).quantiles,
    )


def test_several_targets_end_to_end(tmp_path: Path) -> None:
    model = fit(wave_table(ids=SHOPS), out=tmp_path / "run", target=["y", "x"], **SMALL)
    frame = load_after(model, wave_table(ids=SHOPS), tmp_path)
    assert frame["target"].to_list() == ["y", "x"] * 8
    assert read_metrics(tmp_path / "run").scores[0].model == "gru"


def load_after(model: Model, table: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """The prediction of the model as loaded again, checked against the model in memory."""
    frame = load(save(model, folder / "again")).predict(table).to_frame()
    assert frame.equals(model.predict().to_frame())
    return frame


def planned_table(rows: int = 160) -> pl.DataFrame:
    """A plan known 4 rows further than the sales, and the size of each shop."""
    rng = np.random.default_rng(0)
    plan = pl.Series("promo", (rng.random(2 * rows) < 0.3).astype(float))
    table = wave_table(rows, ids=SHOPS).with_columns(
        plan, size=pl.when(pl.col("shop") == "north").then(3.0).otherwise(7.0)
    )
    known = pl.col("ds").rank("ordinal").over("shop") <= rows - 4
    return table.with_columns(pl.when(known).then(pl.col("x", "y") + 2 * pl.col("promo")).name.keep())


def test_future_and_static_covariates_end_to_end(tmp_path: Path) -> None:
    table, roles = planned_table(), {"target": "y", "past": "x", "future": "promo", "static": "size"}
    model = fit(table, out=tmp_path / "run", **roles, **SMALL)
    frame = load_after(model, table, tmp_path)
    assert set(frame["cutoff"]) == {table["ds"].max() - 4 * (table["ds"][1] - table["ds"][0])}
    with pytest.raises(InputError, match=r'series "north" needs promo at .*, step 1 of the horizon'):
        model.predict(table.filter(pl.col("y").is_not_null()))


@pytest.mark.parametrize("dated", [True, False])
def test_a_column_for_each_series_end_to_end(tmp_path: Path, dated: bool) -> None:  # noqa: FBT001 - both kinds
    long = wave_table(ids=SHOPS, dated=dated)
    wide = pl.DataFrame({name: part["y"] for (name,), part in long.group_by("shop", maintain_order=True)})
    if dated:
        wide.insert_column(0, long["ds"].head(160))
    frame = load_after(fit(wide, layout="columns", **SMALL), wide, tmp_path)
    assert frame["unique_id"].unique(maintain_order=True).to_list() == list(SHOPS)
    plain = fit(long.drop("x"), past="none", **SMALL).predict().forecast.quantiles
    np.testing.assert_array_equal(frame["mean"].to_numpy(), plain[..., 1].reshape(-1))


def test_a_row_for_each_series_end_to_end(tmp_path: Path) -> None:
    rows = [[name, *part["y"]] for (name,), part in wave_table(ids=SHOPS).group_by("shop", maintain_order=True)]
    wide = pl.DataFrame(rows, schema=["V1", *(f"V{k}" for k in range(2, 162))], orient="row")
    frame = load_after(fit(wide, layout="rows", **SMALL), wide, tmp_path)
    assert frame["unique_id"].unique(maintain_order=True).to_list() == list(SHOPS)
    assert frame["ds"].to_list() == [160, 161, 162, 163] * 2


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_every_cell_is_named_in_its_scores(cell: str) -> None:
    model = fit(wave_table(), cell=cell, loss="mse", **SMALL)
    assert model.backtest().metrics.scores[0].model == cell
    assert model.predict().to_frame().columns == ["unique_id", "cutoff", "ds", "mean"]
