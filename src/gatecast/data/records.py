"""Records: typed rows of several series in any order, before they are a Panel."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.data.columns import Columns


@dataclass(frozen=True, eq=False)
class Records:
    """Typed rows of several series.

    Attributes:
        columns: which column plays which part.
        ids: the name of each series.
        codes: the series of each row.
        times: datetime64[us], or row numbers when the table has no times.
        values: the channels of `columns.channels`, NaN where missing.
        static: the static covariates of each series.
        where: names row `i` as people find it in the source.
    """

    columns: Columns
    ids: tuple[str, ...]
    codes: Int64[np.ndarray, " rows"]
    times: np.ndarray
    values: Float64[np.ndarray, "rows channels"]
    static: Float64[np.ndarray, "series static"]
    where: Callable[[int], str]

    def take(self, rows: Int64[np.ndarray, " taken"]) -> "Records":
        """Some of the rows, in the order given."""
        return replace(
            self,
            codes=self.codes[rows],
            times=self.times[rows],
            values=self.values[rows],
            where=lambda row: self.where(int(rows[row])),
        )

    @property
    def dated(self) -> bool:
        """Whether the times are time stamps."""
        return bool(np.issubdtype(self.times.dtype, np.datetime64))

    @property
    def offsets(self) -> Int64[np.ndarray, " series_plus_one"]:
        """Where each series starts, once the rows are in order."""
        return np.searchsorted(self.codes, np.arange(len(self.ids) + 1)).astype(np.int64)
