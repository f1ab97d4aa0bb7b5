"""The season of the scores: what the frequency suggests, or the first clear echo of the changes."""

import numpy as np
from jaxtyping import Float64

from gatecast.data.calendar import season_candidates
from gatecast.data.columns import Guess
from gatecast.data.filling import carry_forward
from gatecast.data.panel import Panel
from gatecast.data.splits import Split

MOST_LAG = 500  # lags searched for a season when rows have no dates


def choose_season(panel: Panel, split: Split) -> tuple[int, Guess]:
    """Find the season of the scores: what the frequency suggests, or the first clear echo of the changes."""
    longest = int(split.train_end.max())
    calendar = [m for m in season_candidates(panel.frequency) if 2 * m <= longest]
    if calendar:
        return calendar[0], Guess("season", str(calendar[0]), f"usual for rows {panel.frequency.name}")
    season, strength = _echo(panel, split)
    why = (
        f"the changes echo after so many rows, correlation {strength:.2f}" if season > 1 else "no clear echo was found"
    )
    return season, Guess("season", str(season), why)


def _echo(panel: Panel, split: Split) -> tuple[int, float]:
    """The first lag at which the autocorrelation of the differences has a high peak, averaged over series."""
    most = min(MOST_LAG, int(np.median(split.train_end)) // 3)
    curves = [_autocorrelation(changes, most) for changes in _changes(panel, split) if len(changes) > most + 1]
    if most < 3 or not curves:
        return 1, 0.0
    curve = np.mean(curves, axis=0)
    peaks = [lag for lag in range(2, most) if curve[lag] > max(curve[lag - 1], curve[lag + 1], 0.3)]
    high = [lag for lag in peaks if curve[lag] > 0.8 * max(curve[peak] for peak in peaks)]
    return (high[0], float(curve[high[0]])) if high else (1, 0.0)


def _changes(panel: Panel, split: Split) -> list[Float64[np.ndarray, " rows"]]:
    """Differences of the first target over the training part of (at most 200) series."""
    filled = carry_forward(panel.targets[:, :1].astype(np.float64), panel.offsets)[:, 0]
    chosen = np.linspace(0, len(panel.ids) - 1, min(200, len(panel.ids))).round().astype(int)
    return [np.diff(filled[panel.rows(i)][: split.train_end[i]]) for i in chosen.tolist()]


def _autocorrelation(changes: Float64[np.ndarray, " rows"], most: int) -> Float64[np.ndarray, " lags"]:
    """Autocorrelation at lags 0 .. most; zeros for a constant."""
    centred = changes - changes.mean()
    power = np.fft.rfft(centred, 2 * len(centred))
    products = np.fft.irfft(np.abs(power) ** 2)[: most + 1]
    return products / products[0] if products[0] > 0 else np.zeros(most + 1)
