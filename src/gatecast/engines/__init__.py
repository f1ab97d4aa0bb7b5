"""Where independent pieces of work run: processes on this machine, or a Ray cluster; the work is the same."""

from gatecast.engines.choice import NAMES, EngineOptions, engine_for
from gatecast.engines.engine import Done, Engine

__all__ = ["NAMES", "Done", "Engine", "EngineOptions", "engine_for"]
