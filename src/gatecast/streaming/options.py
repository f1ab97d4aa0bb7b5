"""What a stream does with rows that do not come as they should, and how its intervals follow the series."""

from typing import Literal

from msgspec import Struct

from gatecast.errors import OptionError

MOST_MISSED = 100_000


class StreamOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """The policies of a stream.

    Attributes:
        missed: a row that comes more than one step after the newest: `fill` the steps between with missing rows, as
            reading a table does, or `refuse` it.
        most_missed: the most steps that are filled for one row; a longer gap is refused.
        duplicate: a row at the time of the newest: `refuse` it, or `ignore` it.
        late: a row before the newest: likewise.  A state has read each row once and cannot unread one.
        new: a series that nobody has observed: `accept` it, or `refuse` it.
        warm_up: rows of a series that training has not seen, by which it is scaled for good; until then each forecast
            scales it by what there is.  None takes two seasons, and 24 rows at least.
        intervals: `adaptive` moves the quantiles of each series by its own errors; `fixed` leaves them as calibrated.
        every: a forecast is settled against what comes from every so many rows; None takes the horizon, so that one
            forecast is open at a time.
        rate: how far an error moves the quantiles of its own step, in widths of the forecast.
        shared_rate: how far it moves those of all steps.
        alarm: how much error beyond the usual, in usual errors, sets the drift alarm off.
    """

    missed: Literal["fill", "refuse"] = "fill"
    most_missed: int = 1000
    duplicate: Literal["refuse", "ignore"] = "refuse"
    late: Literal["refuse", "ignore"] = "refuse"
    new: Literal["accept", "refuse"] = "accept"
    warm_up: int | None = None
    intervals: Literal["adaptive", "fixed"] = "adaptive"
    every: int | None = None
    rate: float = 0.005
    shared_rate: float = 0.02
    alarm: float = 30.0

    def __post_init__(self) -> None:
        for name, least, most in (("most_missed", 0, MOST_MISSED), ("warm_up", 2, 100_000), ("every", 1, 100_000)):
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise OptionError(f"{name} counts rows, from {least} to {most:,}; got {name}={value}.")
        for name in ("rate", "shared_rate"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise OptionError(
                    f"{name} is how far an error moves a quantile, and not below 0; got {getattr(self, name)}."
                )
        if not self.alarm > 0:
            raise OptionError(f"alarm is a number of usual errors above 0, got {self.alarm}.")


AS_USUAL = StreamOptions()
"""What a stream does unless something else is said."""
