"""What every store keeps, for how long, and what it takes for a snapshot."""

import math
import re

from gatecast.errors import OptionError
from gatecast.server.store.protocol import Snapshot

DAY = 86_400
RECEIPTS_SECONDS = 7 * DAY
SNAPSHOTS = 2  # of each model: the second is there for the day when the first is damaged
REMOVED_AT_ONCE = 50_000  # rows of one transaction: an append waits no longer than that
MODEL = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}")


def check_keep_days(keep_days: float | None) -> None:
    """Raise OptionError unless it is a time, or None for ever."""
    if keep_days is not None and not 0 <= keep_days < math.inf:
        raise OptionError(f"expected keep_days to be None or a number of days from 0, got {keep_days}")


def check_model(model: str) -> None:
    """Raise OptionError unless a fingerprint can be part of a file's name, and leads nowhere else."""
    if not MODEL.fullmatch(model):
        raise OptionError(
            f"expected the fingerprint of a model as up to 128 letters, digits and . _ -, got {model[:200]!a}"
        )


def check_snapshot(snapshot: Snapshot, last: int) -> None:
    """Raise OptionError unless the snapshot is of a model, and stands within the log, which ends at `last`."""
    check_model(snapshot.model)
    if not 0 <= snapshot.position <= last:
        raise OptionError(
            f"expected a snapshot that stands within the log, at 0 to {last}, got one at {snapshot.position}: "
            "append the rows before the snapshot that has seen them"
        )
