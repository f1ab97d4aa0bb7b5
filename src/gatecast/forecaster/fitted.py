"""What a fit leaves behind beside the weights."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int64

from gatecast.data.calendar import Frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel
from gatecast.data.scalers import Scaling


@dataclass(frozen=True, eq=False)
class Fitted:
    """The columns, series and scalings of a fit.

    Attributes:
        columns: the columns it was trained on.
        frequency: the step between their rows.
        ids: the series it was trained on.
        scaling: their scaler numbers, fitted on the training part.
        static_scaling: the scaler numbers of the static covariates, over the series.
    """

    columns: Columns
    frequency: Frequency
    ids: tuple[str, ...]
    scaling: Scaling
    static_scaling: Scaling

    def identity(self, panel: Panel) -> Int64[np.ndarray, " series"]:
        """The number of each series among those trained, -1 for a new one."""
        return np.array([self._numbers.get(name, -1) for name in panel.ids], dtype=np.int64)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The number of each series by its name."""
        return {name: index for index, name in enumerate(self.ids)}
