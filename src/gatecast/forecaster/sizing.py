"""The sizes of a net for the columns of a table."""

from gatecast.data.calendar import Frequency, calendar_feature_names
from gatecast.data.columns import Columns
from gatecast.forecaster.config import ForecasterConfig, frame_of
from gatecast.models.sizes import Sizes
from gatecast.models.words import Codes


def network_sizes(config: ForecasterConfig, columns: Columns, frequency: Frequency, series: int) -> Sizes:
    """The sizes a net needs for so many series with these columns."""
    calendar = calendar_feature_names(frequency, columns.holidays, config.calendar)
    return Sizes(
        lookback=config.lookback,
        horizon=config.horizon,
        frame=frame_of(config),
        flags=config.flags,
        ahead=config.ahead,
        targets=len(columns.target),
        channels=len(columns.channels),
        known=len(columns.future) + len(calendar),
        static=len(columns.static),
        series=series,
        numbers=tuple(place for place, word in enumerate(columns.categorical_channels) if not word),
        past_words=_codes(columns, columns.channels, columns.past),
        known_words=_codes(columns, columns.future, columns.future),
        static_words=_codes(columns, columns.static, columns.static),
    )


def _codes(columns: Columns, within: tuple[str, ...], names: tuple[str, ...]) -> Codes:
    """The places within some columns of those of `names` that hold codes of words."""
    words = [name for name in within if name in names and name in columns.categories]
    return Codes(tuple(map(within.index, words)), tuple(columns.levels[name] for name in words))
