"""Series that training has not seen: until they have a few rows, there is nothing to scale them by.

Their first rows wait as they came.  A forecast meanwhile scales the series by what there is, reads those rows, and is
forgotten; after `rows` of them the scale stands for good, and the rows are read once and for all.  So each forecast is
the one that the forecaster makes from a table that ends there.
"""

from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float32

from gatecast.data.scalers import SCALERS, Scaling, leave_alone
from gatecast.forecaster import RecurrentForecaster
from gatecast.streaming.intake import Rows

FEWEST = 24
SEASONS = 2


class Waiting(NamedTuple):
    """The first rows of a series: their times, and their channels."""

    times: list[int]
    raw: list[Float32[np.ndarray, " channels"]]

    def rows(self, slot: int) -> Rows:
        """As rows to be read."""
        return Rows(np.full(len(self.times), slot), np.array(self.times, dtype=np.int64), np.stack(self.raw))


@final
class WarmUp:
    """Which series wait, and when they are warm.

    Args:
        forecaster: fitted.
        rows: how many rows it takes; None for two seasons, and 24 at least.
    """

    def __init__(self, forecaster: RecurrentForecaster, rows: int | None) -> None:
        self.config, self.fitted = forecaster.config, forecaster.fitted_
        self.rows = rows or max(FEWEST, SEASONS * self.config.season)
        self.waiting: dict[int, Waiting] = {}

    @property
    def needed(self) -> bool:
        """Whether values are scaled at all."""
        return self.config.scaler != "none"

    def scaling(self, waiting: Waiting) -> Scaling:
        """The scaling by the rows there are."""
        found = SCALERS[self.config.scaler].fit(np.stack(waiting.raw))
        return leave_alone(found, self.fitted.columns.categorical_channels)
