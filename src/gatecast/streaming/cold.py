"""What is kept of series that training has not seen, until there are rows enough to scale them by."""

import numpy as np

from gatecast.forecaster import ForecasterConfig
from gatecast.streaming.residents import Kept

FEWEST = 24
SEASONS = 2
WARM = -1  # in place of how many rows wait


def rows_to_warm(config: ForecasterConfig, asked: int | None) -> int:
    """How many rows a series needs before its scale stands."""
    return asked or max(FEWEST, SEASONS * config.season)


def kept_of_cold(rows: int, channels: int) -> dict[str, Kept]:
    """How many rows of each series wait, and these, with their times."""
    return {
        "waited": Kept((), np.int64, WARM, WARM, rows - 1),
        "first": Kept((rows, channels), np.float32, np.nan),
        "first_when": Kept((rows,), np.int64),
    }
