"""A forecaster of sktime's: `GatecastForecaster`, which sktime's tools fit, update, tune and evaluate as their own."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gatecast.errors import MissingExtraError

if TYPE_CHECKING:
    from gatecast.adapters.sktime.forecaster import GatecastForecaster

__all__ = ["GatecastForecaster"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in __all__:
        raise AttributeError(f"module 'gatecast.adapters.sktime' has no attribute {name!r}")
    try:
        return getattr(import_module("gatecast.adapters.sktime.forecaster"), name)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "sktime":
            raise
        raise MissingExtraError("sktime", "sktime", "gatecast.adapters.sktime") from error
