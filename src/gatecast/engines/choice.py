"""Which engine: this machine unless somebody says otherwise."""

import os
from typing import Literal

from msgspec import Struct

from gatecast.engines.cluster import RayEngine
from gatecast.engines.engine import Engine
from gatecast.engines.local import LocalEngine
from gatecast.errors import OptionError

NAMES = ("local", "ray")
MOST_WORKERS = 10_000


class EngineOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """Where work runs.

    Attributes:
        engine: processes of this machine, or Ray.
        workers: how many pieces run side by side; None for one a core, of this machine or of the cluster.
        address: of a Ray cluster; None for the one that RAY_ADDRESS names, else for a new one on this machine.
    """

    engine: Literal["local", "ray"] = "local"
    workers: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        if self.engine not in NAMES:
            raise OptionError(f"engine={self.engine!r} is unknown; the engines are {', '.join(NAMES)}.")
        if self.workers is not None and not 1 <= self.workers <= MOST_WORKERS:
            raise OptionError(f"workers counts processes from 1 up, got {self.workers}; the most is {MOST_WORKERS:,}.")
        if self.address is not None and self.engine != "ray":
            raise OptionError(f"address={self.address!r} is that of a Ray cluster: add --engine ray, or leave it out.")


def engine_for(options: EngineOptions) -> Engine:
    """The engine that was asked for, to be used as a context."""
    if options.engine == "ray":
        return RayEngine(options.workers, options.address)
    return LocalEngine(options.workers if options.workers is not None else cores())


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
