"""What a user can ask of a forecaster, and what it comes to."""

from typing import Literal

from msgspec import Struct

from gatecast.data.calendar import Cycle
from gatecast.data.columns import Guess
from gatecast.errors import OptionError
from gatecast.forecaster import ForecasterConfig, Mode
from gatecast.models.config import NetworkConfig
from gatecast.models.normalising import Normalise, Subtract
from gatecast.training.config import TrainingOptions, check_steps

MOST_ROWS = 1_000_000_000  # of a horizon, a lookback or a season: beyond it nobody has tables


class AskedTraining(TrainingOptions, frozen=True, forbid_unknown_fields=True):
    """What the user asks of the training loop; None means "choose, and say so".

    Attributes:
        steps: the most optimiser steps taken; early stopping may take fewer.
        evaluate_every: steps between two looks at the validation part.
    """

    steps: int | None = None
    evaluate_every: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_steps(self.steps, self.evaluate_every, self.free_running)


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the user asks of a forecaster; None means "choose, and say so".

    Attributes:
        horizon: rows to forecast.
        lookback: rows the net reads before the cutoff; `all` carries a state over the whole past (mode `sequences`).
        season: rows of one season, of the scores and of the seasonal baselines.
        base_season: rows of the season that the forecast starts from, such as a week of hours; one season if None.
        subtract: what the forecast starts from: the `last` value, the `seasonal` last values, the `mean` of the
            lookback, or `none`.
        mode: `windows` or `sequences`.
        normalise: how values are seen: `last`, `standard`, `meanabs`, `causal` or `none`.
        calendar: which cycles the net reads the place in: `day`, `week` or (every day apart) `weekday`, `year` or (by
            several waves) `season`.
        scaler: `standard` (which is usual), `minmax`, `robust`, `meanabs` or `none`.
        calibrate: move the quantiles until each has its share of the validation part below it.
        adapt: afterwards let the calibrated quantiles go on moving, by what every row after the validation part shows.
        network: the net.
        training: how it is trained.
    """

    horizon: int = 24
    lookback: int | Literal["all"] | None = None
    season: int | None = None
    base_season: int | None = None
    subtract: Subtract | None = None
    mode: Mode | None = None
    normalise: Normalise | None = None
    calendar: tuple[Cycle, ...] | None = None
    scaler: str | None = None
    calibrate: bool | None = None
    adapt: bool = False
    network: NetworkConfig = NetworkConfig()
    training: AskedTraining = AskedTraining()

    def __post_init__(self) -> None:
        for name in ("horizon", "lookback", "season", "base_season"):
            value = getattr(self, name)
            if isinstance(value, int) and not 1 <= value <= MOST_ROWS:
                raise OptionError(f"{name} counts rows from 1 up, got {name}={value}; the most is {MOST_ROWS:,}.")
        if self.lookback == "all" and self.mode == "windows":
            raise OptionError(
                "lookback='all' carries a state over the whole past, which mode='windows' does not: take "
                "mode='sequences', or give a number of rows."
            )
        if self.adapt and self.calibrate is False:
            raise OptionError("adapt=true moves calibrated quantiles, and calibrate=false makes none: leave one out.")

    @property
    def window(self) -> int | None:
        """The rows of a window, where they were said."""
        return self.lookback if isinstance(self.lookback, int) else None


class Chosen(Struct, frozen=True):
    """The settled configuration, the season of the scores, whether to calibrate, and what was guessed on the way."""

    config: ForecasterConfig
    season: int
    calibrate: bool
    guesses: tuple[Guess, ...]


def said_mode(asked: Asked) -> Mode | None:
    """The mode that was said, be it by a lookback: a fixed one is a window, all of the past a carried state."""
    if asked.mode is not None or asked.lookback is None:
        return asked.mode
    return "sequences" if asked.lookback == "all" else "windows"
