"""Everything a forecaster needs to know, with nothing left to guess."""

from typing import Literal

from msgspec import Struct

from gatecast.data.calendar import Cycle
from gatecast.data.scalers import SCALERS
from gatecast.errors import OptionError
from gatecast.models.config import NetworkConfig
from gatecast.models.distributions import COUNTS
from gatecast.models.normalising import Frame, Normalise, Subtract
from gatecast.training.config import TrainingConfig

Mode = Literal["windows", "sequences"]


class ForecasterConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a forecaster needs to know, with nothing left to guess.

    Attributes:
        mode: `windows` reads a lookback from a state of zeros; `sequences` reads the whole past in one pass, and
            training takes its loss at every row.
        lookback: rows before the cutoff: all that is read in `windows`; in `sequences` what the base and the linear
            forecast see.
        horizon: rows it forecasts.
        season: rows of one season.
        subtract: what the forecast starts from: the `last` value, the `seasonal` last values, the `mean` of the
            lookback, or `none`.
        normalise: how values are seen: `last`, `standard`, `meanabs`, `causal` or `none`.
        loss_season: rows of the season whose seasonal error is the unit of each series' loss, as in MASE; None leaves
            it in units of the scaled values.
        flags: whether the net reads which values were missing and carried forward, and how long ago each was seen.
        ahead: whether the decoder reads what is known in advance of the rows it forecasts: future covariates, holidays
            and the calendar, which the encoder reads up to the cutoff in any case.
        scaler: `standard`, `minmax`, `robust`, `meanabs` or `none`, fitted on each series' training part.
        calendar: which cycles the net reads the place in: `day`, `week` or (every day apart) `weekday`, `year` or (by
            several waves) `season`.
        network: the net.
        training: how it is trained.
    """

    lookback: int
    horizon: int
    mode: Mode = "windows"
    season: int = 1
    subtract: Subtract = "last"
    normalise: Normalise = "last"
    loss_season: int | None = None
    flags: bool = True
    ahead: bool = True
    scaler: str = "standard"
    calendar: tuple[Cycle, ...] = ("day", "week", "year")
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()

    def __post_init__(self) -> None:
        for name in ("lookback", "horizon", "season"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} counts rows from 1 up, got {name}={getattr(self, name)}.")
        if self.scaler not in SCALERS:
            raise OptionError(f"scaler={self.scaler!r} is unknown; the scalers are {', '.join(SCALERS)}.")
        if self.network.relative and self.scaler not in {"meanabs", "none"}:
            raise OptionError(
                f"relative={self.network.relative} measures errors by the size of the values, which scaler="
                f"{self.scaler!r} shifts: take scaler='meanabs' or 'none'."
            )
        if self.mode == "sequences":
            self._check_sequences()
        if self.network.loss in COUNTS and (self.scaler, self.subtract) != ("none", "none"):
            raise OptionError(
                f"loss={self.network.loss!r} is of counts as they are, and neither a shift nor a scale leaves them "
                f"whole: take scaler='none' and subtract='none', not {self.scaler!r} and {self.subtract!r}."
            )
        if self.training.free_running and (self.mode == "sequences" or not self.network.recursive):
            raise OptionError(
                f"training.free_running={self.training.free_running} runs windows on forecasts that are fed back: take "
                f"decode='recursive' and mode='windows', or leave it out."
            )

    def _check_sequences(self) -> None:
        """What needs a window cannot be had where a state is carried."""
        network = self.network
        if self.normalise != "causal":
            raise OptionError(
                f"mode='sequences' carries a state over all rows, so values must be normalised by the past of each "
                f"row: take normalise='causal', not {self.normalise!r}."
            )
        name = window_option(network)
        if name is not None:
            value = getattr(network.layer if name == "bidirectional" else network, name)
            raise OptionError(f"{name}={value!r} reads windows; take mode='windows', or leave {name} out.")


def window_option(network: NetworkConfig) -> str | None:
    """The first option of the net that needs a window, by name."""
    needs = {
        "segment": network.segment > 1,
        "decode": network.decode == "segments",
        "channels": network.channels == "apart",
        "readout": network.readout == "mean",
        "bidirectional": network.layer.bidirectional,
    }
    return next((name for name, needed in needs.items() if needed), None)


def frame_of(config: ForecasterConfig) -> Frame:
    """How values are seen."""
    return Frame(config.normalise, config.subtract, config.season)


def learnt_steps(config: ForecasterConfig) -> int:
    """Rows of the horizon that training looks at: one, where every other forecast comes from the net's own."""
    return 1 if config.network.recursive and not config.training.free_running else config.horizon
