"""Tables, models and partitions for the tests of work at scale."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import gatecast
from gatecast.data.partitioning import PartitionOptions, partition_table
from gatecast.evaluation.results import Metrics
from small_tables import SEASON, SMALL

TRAINED, NEW = tuple(f"s{number}" for number in range(7)), ("new, one", 'new "two"')


def many_table(ids: tuple[str, ...] = TRAINED, rows: int = 130, *, first: int = 0, seed: int = 0) -> pl.DataFrame:
    """Hourly series of different lengths, with a gap, missing values, a number, words and two static covariates."""
    rng = np.random.default_rng(seed)
    parts = []
    for level, name in enumerate(ids):
        steps = np.arange(first, first + rows - 5 * (level % 3))
        wave = np.sin(2 * np.pi * steps / SEASON)
        y = 10.0 * (level + 1) + wave + 0.2 * rng.normal(size=len(steps))
        parts.append(
            pl.DataFrame(
                {
                    "shop": [name] * len(steps),
                    "ds": np.datetime64("2024-01-01T00", "us") + steps * np.timedelta64(1, "h"),
                    "x": wave + rng.normal(size=len(steps)),
                    "kind": rng.choice(["calm", "sale", "closed"], size=len(steps)),
                    "size": [float(level)] * len(steps),
                    "place": [["north", "south"][level % 2]] * len(steps),
                    "count": rng.poisson(5 + level, size=len(steps)),
                    "y": np.where(rng.random(len(steps)) < 0.03, np.nan, y),
                }
            )
        )
    table = pl.concat(parts)
    return table.filter((pl.col("shop") != ids[0]) | (pl.int_range(pl.len()).over("shop") != 40))


def later_table() -> pl.DataFrame:
    """The series that were learnt from go on, and two come that were not; rows in disorder."""
    known = many_table(TRAINED, 190)
    return pl.concat([known, many_table(NEW, 60, first=120, seed=5)]).sample(fraction=1, shuffle=True, seed=2)


def saved_model(folder: Path, **options: Any) -> Path:
    """A model folder with a small net that has learnt `many_table()`."""
    said: Mapping[str, Any] = {**SMALL, "id": "shop", "target": ("y",), "past": ("x",), "steps": 4} | options
    folder.mkdir(parents=True, exist_ok=True)
    many_table().write_parquet(folder / "table.parquet")
    gatecast.save(gatecast.fit(folder / "table.parquet", **said), folder / "model")
    return folder / "model"


def cut(folder: Path, table: pl.DataFrame, parts: int) -> Path:
    """The table in partitions."""
    folder.mkdir(parents=True, exist_ok=True)
    table.write_parquet(folder / f"of_{parts}.parquet")
    partition_table([folder / f"of_{parts}.parquet"], folder / f"in_{parts}", PartitionOptions(parts, id="shop"))
    return folder / f"in_{parts}"


def frames_of(out: Path) -> pl.DataFrame:
    """All forecasts of a folder of results, in an order of their own."""
    frame = pl.read_parquet(out / "part-*.parquet")
    return in_order(frame)


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort([name for name in ("model", "unique_id", "target", "cutoff", "ds") if name in frame.columns])


def assert_same_bits(one: pl.DataFrame, other: pl.DataFrame) -> None:
    """Equal columns, and equal bits in every number."""
    assert one.schema == other.schema
    for name in one.columns:
        if one[name].dtype == pl.Float64:
            assert one[name].is_null().equals(other[name].is_null())
            bits = (each[name].fill_null(0.0).to_numpy().view(np.int64) for each in (one, other))
            assert np.array_equal(*bits), name
        else:
            assert one[name].equals(other[name]), name


def assert_same_scores(one: Metrics, other: Metrics) -> None:
    """Equal to the rounding of sums in another order; the verdict word by word."""
    assert one.verdict.text == other.verdict.text
    assert (one.windows, one.season, one.horizon) == (other.windows, other.season, other.horizon)
    assert [score.model for score in one.scores] == [score.model for score in other.scores]
    for mine, yours in zip(one.scores, other.scores, strict=True):
        for name in mine.__struct_fields__[1:]:
            expected = getattr(yours, name)
            near = None if expected is None else pytest.approx(expected, rel=1e-12)
            assert getattr(mine, name) == near, (mine.model, name)
        assert mine.model in one.by_step
        for name, steps in other.by_step[mine.model].items():
            assert one.by_step[mine.model][name] == pytest.approx(steps, rel=1e-12, nan_ok=True), (mine.model, name)
        assert one.by_step[mine.model].keys() == other.by_step[mine.model].keys()
