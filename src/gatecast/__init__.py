"""gatecast: recurrent forecasting, from the equation to production.

    import gatecast as gc

    model = gc.fit("load.csv", horizon=24)
    model.backtest().report("report.html")
    model.predict().to_frame()
    print(gc.audit(model))
    print(model.inspect().memory.lag_90)
    gc.save(model, "models/load")
    gc.export(model, "load-onnx", to="onnx")
    print(gc.tune("load.csv", horizon=24, budget="30m").best.settings)
    layer = gc.nn.GRU(8, 64, num_layers=2)  # torch.nn.GRU, and reset_after=False beside it

The public names are loaded when they are first used, so that `import gatecast` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatecast import cells, inspection, nn
    from gatecast.data.columns import Columns, TableOptions
    from gatecast.datasets import load_dataset
    from gatecast.errors import GatecastError
    from gatecast.evaluation.audit import Audit, AuditOptions
    from gatecast.exporting import export
    from gatecast.forecast import Forecast, Forecaster
    from gatecast.streaming import ForecastStream, StreamOptions, StreamState
    from gatecast.tuning import tune
    from gatecast.workflow import Evaluation, FitOptions, Model, Prediction, audit, fit, load, save

__version__ = "0.1.0"

_HOMES = {
    "Audit": "gatecast.evaluation.audit",
    "AuditOptions": "gatecast.evaluation.audit",
    "Columns": "gatecast.data.columns",
    "Evaluation": "gatecast.workflow",
    "FitOptions": "gatecast.workflow",
    "Forecast": "gatecast.forecast",
    "ForecastStream": "gatecast.streaming",
    "Forecaster": "gatecast.forecast",
    "GatecastError": "gatecast.errors",
    "Model": "gatecast.workflow",
    "Prediction": "gatecast.workflow",
    "StreamOptions": "gatecast.streaming",
    "StreamState": "gatecast.streaming",
    "TableOptions": "gatecast.data.columns",
    "audit": "gatecast.workflow",
    "export": "gatecast.exporting",
    "fit": "gatecast.workflow",
    "load": "gatecast.workflow",
    "load_dataset": "gatecast.datasets",
    "load_ipython_extension": "gatecast.magic",
    "save": "gatecast.workflow",
    "tune": "gatecast.tuning",
}

_PACKAGES = ("cells", "inspection", "nn")

__all__ = [
    "Audit",
    "AuditOptions",
    "Columns",
    "Evaluation",
    "FitOptions",
    "Forecast",
    "ForecastStream",
    "Forecaster",
    "GatecastError",
    "Model",
    "Prediction",
    "StreamOptions",
    "StreamState",
    "TableOptions",
    "__version__",
    "audit",
    "cells",
    "export",
    "fit",
    "inspection",
    "load",
    "load_dataset",
    "nn",
    "save",
    "tune",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name in _PACKAGES:
        return import_module(f"gatecast.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'gatecast' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
