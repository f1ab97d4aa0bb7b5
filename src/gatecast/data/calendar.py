"""Calendar arithmetic: what the step between two rows is, and which season it suggests."""

import re
from typing import Literal

import numpy as np
import polars as pl
from msgspec import Struct

from gatecast.errors import OptionError

Unit = Literal["row", "us", "s", "min", "h", "d", "b", "w", "mo", "q", "y"]


class Frequency(Struct, frozen=True, forbid_unknown_fields=True):
    """The step between two rows: `multiple` of `unit`; `row` when there is no time column.

    `month_end` says that month, quarter and year stamps sit on the last day of their month.
    """

    unit: Unit
    multiple: int = 1
    month_end: bool = False

    def __post_init__(self) -> None:
        if self.multiple < 1:
            raise OptionError(f"a frequency is a whole number of steps of at least 1, got {self.multiple}{self.unit}.")

    @property
    def label(self) -> str:
        """The step as it is written on the command line: `1h`, `15min`, `1mo`."""
        return f"{self.multiple}{self.unit}"

    def steps_from(self, last: np.datetime64 | np.int64 | int, count: int) -> np.ndarray:
        """The `count` times that follow `last` (datetime64[us], or a row number), one step apart; (count,)."""
        steps = np.arange(1, count + 1) * self.multiple
        if not isinstance(last, np.datetime64):
            return np.asarray(last + steps, dtype=np.int64)
        if self.unit == "b":
            day = last.astype("datetime64[D]")
            return np.asarray(np.busday_offset(day, steps, roll="backward").astype("datetime64[us]") + (last - day))
        offsets = pl.Series([_POLARS_OFFSET[self.unit].format(n=step) for step in steps.tolist()], dtype=pl.String)
        times = pl.select(pl.lit(last).dt.offset_by(pl.lit(offsets))).to_series()
        times = times.dt.month_end() if self.month_end else times
        return np.asarray(times.dt.cast_time_unit("us"), dtype="datetime64[us]")


_POLARS_OFFSET = {
    "us": "{n}us",
    "s": "{n}s",
    "min": "{n}m",
    "h": "{n}h",
    "d": "{n}d",
    "w": "{n}w",
    "mo": "{n}mo",
    "q": "{n}q",
    "y": "{n}y",
}


def parse_frequency(text: str) -> Frequency:
    """Read `1h`, `15min`, `mo`, ... as a Frequency; raises OptionError for anything else."""
    match = re.fullmatch(r"(\d*)(row|us|s|min|h|d|b|w|mo|q|y)", text.strip().lower())
    if match is None:
        raise OptionError(
            f"frequency {text!r} is not understood; write a number and one of us s min h d b w mo q y, "
            f"such as 15min, 1h, 1d, 1b (business day), 1w, 1mo."
        )
    return Frequency(match[2], int(match[1] or 1))  # type: ignore[arg-type]
