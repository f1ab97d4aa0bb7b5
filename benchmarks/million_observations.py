"""A ForecastStream that takes a million observations of one series, one by one.

Used by `million_steps.py`.
"""

import resource
from typing import NamedTuple

import numpy as np
import polars as pl

import gatecast as gc
from gatecast.data.causal import FAST, SLOW
from gatecast.streaming import ForecastStream

ROWS, JUMP, LOOK = 400, 10_000, 10_000
SETTINGS = {"horizon": 6, "lookback": 24, "season": 12, "hidden_size": 8, "steps": 20, "batch_size": 16}
NEWEST = 10_000  # rows; what an older one weighs in a running mean is below the rounding of float64


class Streamed(NamedTuple):
    """What a stream showed.

    Attributes:
        finite: whether every forecast that was looked at was.
        drift: of the running means from their definition, as a share of the spread.
        memory: MiB that the process had at most, after a tenth of the observations and at the end.
        counted: rows that the stream has counted.
    """

    finite: bool
    drift: dict[str, float]
    memory: tuple[float, float]
    counted: int


def values(rows: int) -> np.ndarray:
    """A wave with noise; its level jumps every ten thousand rows by up to a thousand deviations."""
    draw = np.random.default_rng(0)
    level = np.cumsum(10 ** (3 * draw.random(rows // JUMP + 1)) * draw.choice([-1, 1], rows // JUMP + 1))
    wave = np.sin(2 * np.pi * np.arange(rows) / 12) + 0.1 * draw.normal(size=rows)
    return np.asarray((wave + np.where(np.arange(rows) < JUMP, 0, level[np.arange(rows) // JUMP])).astype(np.float32))


def stream_of(y: np.ndarray) -> ForecastStream:
    """A stream of a net that was trained on the first rows, whose rows are numbered."""
    model = gc.fit(pl.DataFrame({"y": y[:ROWS]}), mode="sequences", **SETTINGS)
    stream = model.live()
    stream.add(model.forecaster.fitted_.ids[0])
    return stream


def observed(rows: int) -> Streamed:
    """Take so many observations."""
    y = values(rows)
    stream = stream_of(y)
    (name,), finite, early = stream.series, True, 0.0
    for number, value in enumerate(y.tolist()):
        stream.observe(name, number, value)
        if number % LOOK == LOOK - 1:
            finite &= bool(np.isfinite(stream.forecast(name).quantiles).all())
        if number == rows // 10:
            early = peak()
    return Streamed(finite, drift(stream, y), (early, peak()), int(stream.machine.residents["count"][0]))


def drift(stream: ForecastStream, y: np.ndarray) -> dict[str, float]:
    """How far the running means are from those of the newest rows by their definition, as a share of the spread."""
    kept = stream.machine.residents
    newest = (y[-NEWEST:].astype(np.float64) - kept["centre"][0, 0]) / kept["scale"][0, 0]
    spread = float(kept["spread"][0, 0])
    found = {"fast": FAST, "slow": SLOW}
    return {name: abs(float(kept[name][0, 0]) - weighted(newest, factor)) / spread for name, factor in found.items()}


def weighted(newest: np.ndarray, factor: float) -> float:
    """The mean of rows of which each counts `factor` of the one after it."""
    weights = factor ** np.arange(len(newest) - 1, -1, -1.0)
    return float((weights * newest).sum() / weights.sum())


def peak() -> float:
    """MiB that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def streamed(rows: int) -> list[str]:
    """What a stream showed, in lines of Markdown."""
    found = observed(rows)
    finite = "were all finite" if found.finite else "**were not all finite**"
    drift = ", ".join(f"{away:.1e} ({name})" for name, away in found.drift.items())
    early, late = found.memory
    told = (
        f"A stream after {found.counted:,} observations: forecasts {finite}; its running means are {drift} of the "
        f"spread away from their definition; the process had {early:.0f} MiB at most after a tenth of them, {late:.0f} "
        f"at the end."
    )
    return [told]
