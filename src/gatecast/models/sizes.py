"""What the data make of a net: its sizes, and what cannot go together with them."""

from msgspec import Struct

from gatecast.data.causal import causal_count
from gatecast.errors import OptionError
from gatecast.models.config import NetworkConfig
from gatecast.models.normalising import Frame, input_channels
from gatecast.models.words import Codes


class Sizes(Struct, frozen=True, forbid_unknown_fields=True):
    """What the data make of the net: lengths in rows, how values are seen, channels and series counted.

    `flags` says whether the encoder reads which values were missing, `ahead` whether the decoder reads what is known of
    the rows it forecasts.  `past_words` are among the channels, `known_words` among what is known in advance,
    `static_words` among the static covariates; `numbers` are the other channels, targets first.
    """

    lookback: int
    horizon: int
    frame: Frame
    flags: bool
    ahead: bool
    targets: int
    channels: int
    known: int
    static: int
    series: int
    numbers: tuple[int, ...]
    past_words: Codes
    known_words: Codes
    static_words: Codes


def features_of_row(config: NetworkConfig, sizes: Sizes, targets: int) -> int:
    """What the encoder reads of one row beside words and what is known in advance: values, flags of observation."""
    frame, fewer = sizes.frame, sizes.targets - targets
    numbers = len(sizes.numbers) - fewer
    if frame.normalise == "causal":
        own = causal_count(numbers, targets, frame.season) + targets
    else:
        own = input_channels(numbers, targets, frame, steps=config.segment == 1)
    return own + (2 * (sizes.channels - fewer) if sizes.flags else 0)


def check_sizes(config: NetworkConfig, sizes: Sizes) -> None:
    """Refuse what cannot go together."""
    frame = sizes.frame
    if frame.subtract == "seasonal" and sizes.lookback < frame.season:
        raise OptionError(
            f"subtract='seasonal' with a season of {frame.season} needs a lookback of at least {frame.season}, "
            f"got {sizes.lookback}."
        )
    if config.segment > sizes.lookback:
        raise OptionError(f"segment={config.segment} rows are more than the lookback of {sizes.lookback} rows.")
    if config.channels == "apart" and frame.normalise == "causal":
        raise OptionError("channels='apart' reads windows with a normalisation of their own; take another normalise.")
    if config.recursive and frame.normalise == "causal" and sizes.lookback < frame.season:
        raise OptionError(
            f"decode='recursive' with normalise='causal' and a season of {frame.season} needs a lookback of at least "
            f"{frame.season}, got {sizes.lookback}."
        )
    if config.decode == "segments" and config.layer.bidirectional:
        raise OptionError("decode='segments' goes on from one state; take bidirectional=False.")
