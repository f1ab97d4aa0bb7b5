"""What a stream has to keep of each series for a net: sizes, read off the forecaster once."""

from typing import NamedTuple

from gatecast.data.calendar import calendar_feature_names
from gatecast.data.causal import causal_count
from gatecast.data.tabulating import past_words
from gatecast.forecaster import RecurrentForecaster
from gatecast.forecaster.laying import layout_of
from gatecast.models.ensemble import nets_of

KEPT = 96  # newest rows of each series whose values, and what was said of them, are kept to be shown


class Shape(NamedTuple):
    """Sizes of one row and of what is kept.

    Attributes:
        targets: channels that are forecast.
        channels: of the table.
        numbers: the channels that hold no codes of words.
        words: the past covariates that hold codes of words.
        futures: covariates known in advance, the last of the channels.
        calendar: features of a row's time.
        season: of the causal features; None where there are none.
        flags: columns that tell what was observed, in a row of the table.
        since: whether times since the last observation are among them.
        lookback: rows before a cutoff that a forecast sees.
        horizon: rows of a forecast.
        levels: quantile levels of the net.
        carries: whether a state is carried, or every forecast reads its window.
        whole: whether the rows of the lookback are kept whole, or their targets alone.
        shown: newest rows that are kept to be shown and to be settled.
        outputs: numbers read out after each row, of a carried state.
        every: rows from one forecast that is settled to the next.
    """

    targets: int
    channels: int
    numbers: tuple[int, ...]
    words: tuple[int, ...]
    futures: int
    calendar: int
    season: int | None
    flags: int
    since: bool
    lookback: int
    horizon: int
    levels: tuple[float, ...]
    carries: bool
    whole: bool
    shown: int
    outputs: int
    every: int

    @property
    def causal(self) -> int:
        """Columns of causal features, codes of past words and spreads in a row of the table."""
        if self.season is None:
            return 0
        return causal_count(len(self.numbers), self.targets, self.season) + len(self.words) + self.targets

    @property
    def known(self) -> int:
        """Columns of what is known in advance."""
        return self.futures + self.calendar

    @property
    def width(self) -> int:
        """Columns of a row of the table."""
        return self.channels + self.causal + self.flags + self.known


def shape_of(forecaster: RecurrentForecaster, every: int) -> Shape:
    """The sizes for a forecaster, and for forecasts that are settled from every so many rows."""
    config, fitted = forecaster.config, forecaster.fitted_
    columns, network = fitted.columns, config.network
    codes = columns.categorical_channels
    return Shape(
        targets=len(columns.target),
        channels=len(columns.channels),
        numbers=tuple(place for place, code in enumerate(codes) if not code),
        words=past_words(columns),
        futures=len(columns.future),
        calendar=len(calendar_feature_names(fitted.frequency, columns.holidays, config.calendar)),
        season=layout_of(config).causal,
        flags=len(columns.channels) * (2 if config.flags else 1),
        since=config.flags,
        lookback=config.lookback,
        horizon=config.horizon,
        levels=network.levels,
        carries=config.mode == "sequences",
        whole=config.mode == "windows" or network.recursive,
        shown=max(every + 1, KEPT),
        outputs=sum(net.output_size for net in nets_of(forecaster.network_)),
        every=every,
    )
