"""How many actuals does the default 80 % interval hold on the test part, before and after calibrating?

Each table: one default fit, then the same forecasts of the test part from every origin (M4: from the last one of each
series) with the net's own quantiles and with those moved by what the validation part showed.  `steps` are the lowest
and highest coverage of a step of the horizon; `score` is the interval score over that of the net's own interval, so
below 1 is better.  `walking` are quantiles that go on moving through the test part, by what each origin knows: quantile
tracking (`gatecast.evaluation.adaptive`, `--adapt`, whose default rates were chosen on these tables), and adaptive
conformal inference (Gibbs & Candes 2021) over the newest 250 residuals of a step, which keeps and sorts them all.

The second table asks how far windows flatter a net that was chosen by them: the same training rows (to a horizon), and
the same stretch of a tenth of all rows, forecast by a net that was chosen by it too and by one that was chosen before
it.  The second also is of another training length, and one stretch is not many: read it as a size, not as a rate.
"""

import gzip
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gatecast.data.splits import Origins, rolling_origins
from gatecast.data.windows import thin
from gatecast.evaluation.adaptive import adapt, adaptive
from gatecast.evaluation.backtest import actuals
from gatecast.evaluation.calibration import Calibration, in_order, past_scale, units
from gatecast.evaluation.conformal import calibrate
from gatecast.evaluation.metrics import Interval, coverage, interval_score
from gatecast.forecast import Forecast
from gatecast.workflow import Model, fit
from report import environment, write_section

RATES = ((0.005, 0.02), (0.01, 0.0), (0.02, 0.0))  # of each step, and of all steps; the first is the default
LEVEL_RATES = (0.005, 0.01, 0.02)
NEWEST = 250


@dataclass(frozen=True)
class Part:
    """Forecasts from the origins of one part, and what came."""

    origins: Origins
    forecast: Forecast
    actual: np.ndarray
    scale: np.ndarray


def tables(folder: Path) -> Iterator[tuple[str, pl.DataFrame, dict[str, Any]]]:
    """Name, data and settings of each task."""
    etth1 = pl.read_csv(gzip.decompress((folder / "ETTh1.csv.gz").read_bytes()))
    yield "ETTh1 OT", etth1, {"target": "OT", "horizon": 24}
    yield "taylor", pl.read_csv(folder / "taylor.csv"), {"horizon": 48, "test": 672.5 / 4032}
    yield "M4 Hourly", m4(folder), {"id": "unique_id", "target": "y", "horizon": 48, "test": 0.06}


def m4(folder: Path) -> pl.DataFrame:
    """The training rows of each series and the 48 test rows after them."""
    parts = []
    for part in ("train", "test"):
        lines = gzip.decompress((folder / f"m4/Hourly-{part}.csv.gz").read_bytes()).decode().splitlines()[1:]
        rows = ([cell.strip('"') for cell in line.split(",")] for line in lines)
        parts += [
            pl.DataFrame({"unique_id": row[0], "y": [float(cell) for cell in row[1:] if cell not in {"", "NA"}]})
            for row in rows
        ]
    return pl.concat(parts).sort("unique_id", maintain_order=True)


def part(model: Model, start: np.ndarray, end: np.ndarray) -> Part:
    """Forecasts from (at most 4,096) origins of one part, one row apart."""
    panel, horizon = model.panel, model.horizon
    origins = thin(rolling_origins(start, end, horizon, 1), 4096)
    forecast = model.forecaster.forecast(panel, origins, horizon)
    return Part(origins, forecast, actuals(panel, origins, horizon), past_scale(panel, origins))


def newest_half(whole: Part) -> Part:
    """The windows of the later half of each series' origins."""
    series, position = whole.origins.series, whole.origins.position
    middle = np.array([np.median(position[series == i]) if (series == i).any() else 0 for i in range(series.max() + 1)])
    keep = position > middle[series]
    arrays = {name: getattr(whole.forecast, name)[keep] for name in ("series", "cutoffs", "times", "mean", "quantiles")}
    origins = Origins(series[keep], position[keep])
    return Part(origins, replace(whole.forecast, **arrays), whole.actual[keep], whole.scale[keep])


def aci(found: Calibration, past: Part, now: Part, rate: float) -> Forecast:
    """Adaptive conformal inference of one series, apart for each step and level, with the delay of each step."""
    position = np.concatenate([past.origins.position, now.origins.position])
    first, base = len(past.origins), np.concatenate([past.forecast.quantiles, now.forecast.quantiles])
    unit = np.concatenate([units(p.forecast.quantiles, p.scale, found.unit) for p in (past, now)])[..., None]
    residual = ((np.concatenate([past.actual, now.actual])[..., None] - base) / unit)[:, :, 0]
    offsets = np.zeros((len(position), *found.array[:, 0].shape))
    offsets[:first] = found.array[:, 0]
    for step, level in np.ndindex(offsets.shape[1:]):
        if found.levels[level] == 0.5:
            continue
        known, place, done = np.searchsorted(position, position - step), found.levels[level], first - step
        for window in range(first, len(position)):
            while done < known[window]:
                missed = residual[done, step, level] <= offsets[done, step, level]
                place, done = place + rate * (found.levels[level] - missed), done + 1
            newest = np.sort(residual[max(0, done - NEWEST) : done, step, level])
            rank = int(np.clip(round((len(newest) + 1) * place), 1, len(newest)))
            offsets[window, step, level] = newest[rank - 1]
    return in_order(now.forecast, (base + unit * offsets[:, :, None])[first:], found.levels)


def row(table: str, name: str, forecast: Forecast, now: Part) -> str:
    """One line of the first table."""

    def ends(of: Forecast) -> Interval:
        return Interval(of.quantiles[..., 0], of.quantiles[..., -1], of.levels[0], of.levels[-1])

    interval = ends(forecast)
    inside = coverage(now.actual, interval.low, interval.high)
    steps = [
        coverage(now.actual[:, step], interval.low[:, step], interval.high[:, step])
        for step in range(now.actual.shape[1])
    ]
    score = interval_score(now.actual / now.scale[:, None], scaled(interval, now))
    own = interval_score(now.actual / now.scale[:, None], scaled(ends(now.forecast), now))
    return f"| {table} | {name} | {inside:.1%} | {min(steps):.0%} to {max(steps):.0%} | {score / own:.3f} |"


def scaled(interval: Interval, now: Part) -> Interval:
    """An interval in units of the series, so that no series counts more for its size."""
    return replace(interval, low=interval.low / now.scale[:, None], high=interval.high / now.scale[:, None])


def rows(table: str, model: Model) -> Iterator[str]:
    """Every way to calibrate one fitted model."""
    split = model.split
    past, now = part(model, split.train_end, split.validation_end), part(model, split.validation_end, split.test_end)
    yield row(table, "the net's own", now.forecast, now)
    found = calibrate(past.forecast, past.actual, past.scale)
    yield row(table, "**calibrated, in widths** (default)", found.apply(now.forecast, now.scale), now)
    other = calibrate(past.forecast, past.actual, past.scale, unit="series")
    yield row(table, "calibrated, in units of the series", other.apply(now.forecast, now.scale), now)
    half = newest_half(past)
    newest = calibrate(half.forecast, half.actual, half.scale)
    yield row(table, "calibrated on the newest half", newest.apply(now.forecast, now.scale), now)
    if len(model.panel.ids) > 1:
        return
    for rate, shared in RATES:
        walked = adapt(adaptive(found, rate, shared), now.forecast, now.actual, now.origins, now.scale)
        yield row(table, f"walking, tracking {rate:g}, shared {shared:g}", walked, now)
    for rate in LEVEL_RATES:
        yield row(table, f"walking, ACI {rate:g}", aci(found, past, now, rate), now)


def flattery(table: str, data: pl.DataFrame, settings: dict[str, Any]) -> str:
    """Coverage of the same rows by a net that they chose and by one that they did not."""
    test = settings.get("test", 0.2)
    chosen = fit(data, calibrate=False, **settings, validation=0.2)
    fresh = fit(data, calibrate=False, **(settings | {"test": test + 0.1}), validation=0.1)
    start, end = fresh.split.validation_end, chosen.split.validation_end
    shares = []
    for model in (chosen, fresh):
        seen = part(model, start, end)
        shares.append(coverage(seen.actual, seen.forecast.quantiles[..., 0], seen.forecast.quantiles[..., -1]))
    return f"| {table} | {shares[0]:.1%} | {shares[1]:.1%} |"


def main() -> None:
    """Run every task, print the tables and put them into RESULTS.md."""
    folder = os.environ.get("GATECAST_DATA")
    if not folder:
        sys.stderr.write("interval_coverage skipped: GATECAST_DATA is not set\n")
        return
    lines = [environment(threads=1), "", "| table | quantiles | coverage | steps | score |", "|---|---|---|---|---|"]
    flattered = ["", "| table | by the net they chose | by a net they did not choose |", "|---|---|---|"]
    for name, data, settings in tables(Path(folder)):
        lines += rows(name, fit(data, calibrate=False, **settings))
        flattered.append(flattery(name, data, settings))
    write_section("interval_coverage", "Coverage of the default 80 % interval", __doc__, lines + flattered)


if __name__ == "__main__":
    main()
