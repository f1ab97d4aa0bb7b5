"""The table of next_value_from_features.py: a made one, and how any is read."""

import math
from pathlib import Path

import numpy as np

from gatecast import TableOptions
from gatecast.data.reading import load_panel, read_table
from gatecast.data.splits import split_by_time
from gatecast.errors import TableError

LAGS = (3, 6, 1, 2, 4, 1)  # how many rows ago each feature acts


def make_table(path: Path, rows: int = 4000) -> Path:
    """A process: the past of five features of six drives the purity; the noise has a variance of 0.09."""
    random = np.random.default_rng(7)
    features = random.normal(size=(rows, 6))
    for row in range(1, rows):
        features[row] = 0.7 * features[row - 1] + math.sqrt(1 - 0.7**2) * features[row]
    feed, steam, pressure, reflux, heat, _ = (np.roll(each, lag) for each, lag in zip(features.T, LAGS, strict=True))
    purity = 90 + 2 * feed - 3 * np.tanh(steam) + pressure * reflux + 1.5 * heat + random.normal(scale=0.3, size=rows)
    table = np.column_stack([features, purity])[max(LAGS) :]
    np.savetxt(path, table, "%.4f", ",", header="feed,steam,pressure,reflux,heat,coolant,purity", comments="")
    return path


def read(path: Path) -> tuple[np.ndarray, str, list[int]]:
    """The rows in time order, the target first; its name; where the parts for training, validation and test end."""
    target = read_table(path).columns[-1]
    panel, _ = load_panel(path, TableOptions(target=(target,)))
    if len(panel.ids) > 1:
        raise TableError(f"{path} holds {len(panel.ids)} series, and this example reads one: give one of them.")
    given = ~np.isnan(panel.values).all(axis=1)  # a gap of the calendar, such as a holiday, is no row here
    table = panel.values[given].astype(np.float64)
    for row, column in np.argwhere(np.isnan(table))[:1]:
        name = panel.columns.channels[column]
        raise TableError(f'column "{name}" has no value in row {row} (counted from 0): fill it first.')
    split = split_by_time(panel, horizon=1)
    return (
        table,
        target,
        [int(given[: end[0]].sum()) for end in (split.train_end, split.validation_end, split.test_end)],
    )
