"""The public files as Panels, on their own dates; the environment variable GATECAST_DATA names their folder.

Where a file has several columns, `apart=True` makes each a series of its own, which one net for all channels wants, and
`apart=False` makes them the targets of one series.  Errors are the same numbers either way.
"""

import gzip
import os
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays


def table(name: str, encoding: Literal["utf8", "utf8-lossy"] = "utf8") -> pl.DataFrame:
    """A file of the folder as a data frame."""
    data = (Path(os.environ["GATECAST_DATA"]) / name).read_bytes()
    return pl.read_csv(gzip.decompress(data) if name.endswith(".gz") else data, encoding=encoding, null_values="NA")


def panel_of_columns(values: np.ndarray, frequency: str, start: str = "", *, apart: bool) -> Panel:
    """A panel of (rows, columns), NaN where missing, dated from `start` on, or numbered where `frequency` is `row`."""
    targets = ("y",) if apart else tuple(f"y{i}" for i in range(values.shape[1]))
    columns = Columns(target=targets, id="unique_id", time=None if frequency == "row" else "ds")
    parts = values.T[..., None] if apart else values[None]
    arrays = {f"s{i}": part for i, part in enumerate(parts)}
    return panel_from_arrays(arrays, columns, parse_frequency(frequency), start)


def m4(name: str) -> tuple[Panel, int]:
    """The series of one of M4's files (`Hourly`, `Weekly`), training and test rows joined, and the horizon.

    Rows are numbered: M4's files have no dates.
    """
    parts = []
    for part in ("train", "test"):
        path = Path(os.environ["GATECAST_DATA"]) / f"m4/{name}-{part}.csv.gz"
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()[1:]
        cells = [[cell.strip('"') for cell in line.split(",")] for line in lines]
        parts.append({row[0]: [float(cell) for cell in row[1:] if cell not in {"", "NA"}] for row in cells})
    train, test = parts
    series = {key: np.array([*train[key], *test[key]])[:, None] for key in train}
    columns = Columns(target=("y",), id="unique_id")
    return panel_from_arrays(series, columns, parse_frequency("row")), len(next(iter(test.values())))


def hospital() -> Panel:
    """767 monthly counts of patients, 2000 to 2006."""
    values = table("hospital.csv.gz").drop("month").to_numpy().astype(float)
    return panel_of_columns(values, "1mo", "2000-01-01", apart=True)


def us_births() -> Panel:
    """Births in the United States on each day, 1969 to 1988."""
    births = table("us_births_daily.csv.gz")["births"].to_numpy().astype(float)
    return panel_of_columns(births[:, None], "1d", "1969-01-01", apart=True)


def saugeen() -> Panel:
    """Flow of the Saugeen River on each day, 1915 to 1979."""
    flow = table("saugeenday.csv.gz")["flow"].to_numpy().astype(float)
    return panel_of_columns(flow[:, None], "1d", "1915-01-01", apart=True)


def ett(name: str, columns: tuple[str, ...] | None = None, *, apart: bool = True) -> Panel:
    """ETT's months of training, validation and test (12, 4 and 4 of 30 days), z-scored by the training rows."""
    hour = 4 if name.startswith("ETTm") else 1
    frame = table(name).drop("date")
    values = z_scored(frame.select(columns or frame.columns).to_numpy()[: hour * 14400], hour * 8640)
    return panel_of_columns(values, "15min" if hour == 4 else "1h", "2016-07-01", apart=apart)


def exchange_rate(*, apart: bool = True) -> Panel:
    """Eight exchange rates, z-scored by the first 70 %; rows are numbered, for the file's dates are made up."""
    values = table("exchange_rate.csv.gz").drop("date").to_numpy()
    return panel_of_columns(z_scored(values, int(0.7 * len(values))), "row", apart=apart)


def z_scored(values: np.ndarray, train: int) -> np.ndarray:
    """Each column less the mean of its training rows, over their standard deviation."""
    return (values - values[:train].mean(axis=0)) / values[:train].std(axis=0)


def ett1(rows: int, *, apart: bool = True) -> Panel:
    """GIFT-Eval's ett1: ETTm1, averaged over so many rows (1: every 15 minutes, 4: hourly)."""
    values = table("ETTm1.csv.gz").drop("date").to_numpy().reshape(-1, rows, 7).mean(axis=1)
    return panel_of_columns(values, "15min" if rows == 1 else "1h", "2016-07-01", apart=apart)


def jena(every: str, *, apart: bool = True) -> Panel:
    """GIFT-Eval's jena_weather, every `10m` or `1h` (means); rows that the file leaves out are missing."""
    frame = table("weather.csv.gz", encoding="utf8-lossy").with_columns(pl.col("date").str.to_datetime())
    means = (
        frame.group_by_dynamic("date", every=every).agg(pl.all().exclude("date").mean()).upsample("date", every=every)
    )
    values = means.drop("date").to_numpy().astype(float)
    return panel_of_columns(values, every.replace("m", "min"), str(means["date"][0]), apart=apart)
