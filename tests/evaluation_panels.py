"""Small panels for the tests of evaluation."""

from collections.abc import Mapping, Sequence

import numpy as np

from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays


def panel_of(
    series: Mapping[str, np.ndarray] | Sequence[np.ndarray], frequency: str = "1h", targets: Sequence[str] = ("y",)
) -> Panel:
    """A panel of series named s0, s1, ... or as the mapping says; each (rows,) or (rows, targets)."""
    named = series if isinstance(series, Mapping) else {f"s{i}": values for i, values in enumerate(series)}
    columns = Columns(target=tuple(targets), id="unique_id", time=None if frequency == "row" else "ds")
    tables = {name: np.asarray(values, dtype=np.float64).reshape(len(values), -1) for name, values in named.items()}
    return panel_from_arrays(tables, columns, parse_frequency(frequency))


def wave(rows: int, season: int, seed: int = 0, level: float = 50.0) -> np.ndarray:
    """A season, a slight trend and noise; positive."""
    random = np.random.default_rng(seed)
    t = np.arange(rows)
    noise = np.convolve(random.normal(size=rows + 4), [1, 0.8, 0.5, 0.3, 0.1], mode="valid")
    return level + 8 * np.sin(2 * np.pi * t / season) + 0.01 * t + noise


def poisoned(panel: Panel, ends: np.ndarray, poison: float) -> Panel:
    """The same panel with every target at or after `ends[i]` of series `i` replaced."""
    series = {}
    for index, name in enumerate(panel.ids):
        values = np.array(panel.values[panel.rows(index)])
        values[ends[index] :] = poison
        series[name] = values
    return panel_from_arrays(series, panel.columns, panel.frequency)
