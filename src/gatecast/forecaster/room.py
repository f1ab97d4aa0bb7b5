"""Whether a net has room in this machine, told before any of it is taken."""

import os

import torch
from msgspec import structs

from gatecast.errors import OptionError
from gatecast.forecaster.config import ForecasterConfig
from gatecast.models.ensemble import build_network
from gatecast.models.sizes import Sizes

FLOAT = 4  # bytes
COPIES = 6  # of each weight: its gradient, two moments, the best so far, and one on the way to a file
PER_UNIT = 8  # numbers that a row leaves for the way back: gates, states, and the gradients of some
GIB = 2**30


def check_room(config: ForecasterConfig, sizes: Sizes, nets: int = 1) -> None:
    """Refuse a net whose training takes more memory than there is; by its sizes alone, so absurd ones cost nothing.

    Args:
        config: of the forecaster.
        sizes: of its net.
        nets: how many such nets are trained side by side.

    Raises:
        OptionError: the weights, and what a step keeps of the rows it reads, are more than the machine has.
    """
    weights = count_weights(config, sizes) * nets
    rows, layer = _rows_a_step(config), config.network.layer
    need = FLOAT * (COPIES * weights + PER_UNIT * rows * layer.num_layers * layer.output_size)
    have = memory()
    if config.training.device == "cpu" and have is not None and need > have:
        raise OptionError(
            f"hidden_size={layer.hidden_size} makes {weights:,} weights, and a step of training reads {rows:,} rows: "
            f"that takes about {need / GIB:,.0f} GiB, and this machine has {have / GIB:,.0f}. Lower hidden_size, "
            f"training.batch_size or the lookback."
        )


def count_weights(config: ForecasterConfig, sizes: Sizes) -> int:
    """How many numbers the nets learn; they are described, not made."""
    with torch.device("meta"):
        network = build_network(structs.replace(config.network, ensemble=1), sizes)
    return config.network.ensemble * sum(weight.numel() for weight in network.parameters())


def memory() -> int | None:
    """Bytes of this machine; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _rows_a_step(config: ForecasterConfig) -> int:
    """The rows that one update of the weights reads at once."""
    training = config.training
    if config.mode == "sequences":
        return training.streams * training.time
    return training.batch_size * -(-config.lookback // config.network.segment)
