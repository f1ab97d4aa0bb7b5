"""The sequences of sine_to_cosine.py: made waves, or stretches of the rows of a file."""

from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gatecast.data.columns import TableOptions
from gatecast.data.reading import load_panel, read_table
from gatecast.data.splits import split_by_time
from gatecast.errors import TableError

LENGTH = 50  # steps of a sequence


def made_waves(count: int, seed: int, shortest: float = 16, longest: float = 40) -> np.ndarray:
    """Sine and cosine of waves that start anywhere and have periods from `shortest` to `longest` steps; (N, T, 2)."""
    random = np.random.default_rng(seed)
    start = random.uniform(0, 2 * np.pi, (count, 1))
    period = random.uniform(shortest, longest, (count, 1))
    angle = start + 2 * np.pi * np.arange(LENGTH) / period  # (N, T)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def read_waves(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Two columns, cut into training sequences from the first 80 % of the rows and test sequences from the rest."""
    names = read_table(path).columns
    if len(names) < 2:
        raise TableError(f"{path} has {len(names)} column; the input is expected in the first, the output in a second.")
    panel, _ = load_panel(path, TableOptions(target=(names[1],), past=(names[0],)))
    if not np.isfinite(panel.values).all():
        raise TableError(f"{path} has missing values in {names[0]} or {names[1]}. Fill them, or leave the rows out.")
    pairs = panel.values[:, ::-1].astype(np.float64)  # (rows, 2): input, output
    cut = int(split_by_time(panel, LENGTH).validation_end[0])
    return in_sequences(pairs[:cut], stride=5), in_sequences(pairs[cut:], stride=LENGTH)


def in_sequences(pairs: np.ndarray, stride: int) -> np.ndarray:
    """Stretches of rows, each `stride` rows after the one before; (N, T, 2)."""
    return sliding_window_view(pairs, LENGTH, axis=0)[::stride].swapaxes(1, 2)
