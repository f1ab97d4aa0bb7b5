"""A flavour of MLflow's: the folder of a logged model holds gatecast's own two files, and nothing is pickled.

    from gatecast.adapters import mlflow as gatecast_mlflow

    gatecast_mlflow.autolog()                       # every gatecast.fit from now on is a run
    info = gatecast_mlflow.log_model(model, "model")
    gatecast_mlflow.load_model(info.model_uri).predict("newer.csv")
    mlflow.pyfunc.load_model(info.model_uri).predict(frame, params={"horizon": 12})

MLflow itself writes MLmodel, the requirements and the example.  What it reads back is to be trusted as far
as its folder is: `mlflow.pyfunc.load_model` imports whatever module the file MLmodel names; `load_model` here imports
nothing.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, final

import polars as pl
import torch

from gatecast import __version__
from gatecast.errors import ArtifactError, MissingExtraError, OptionError
from gatecast.workflow import Model, save
from gatecast.workflow.following import follow, unfollow
from gatecast.workflow.runs import load_without_table

try:
    import mlflow
except ModuleNotFoundError as error:
    raise MissingExtraError("mlflow-skinny", "mlflow", "gatecast.adapters.mlflow") from error

from mlflow.models import Model as Description
from mlflow.models.model import ModelInfo

from gatecast.adapters.mlflow_signature import HEAD, newest_rows, signature_of
from gatecast.adapters.mlflow_tracking import Tracker

if TYPE_CHECKING:
    import pandas as pd

FLAVOUR = "gatecast"
DATA = f"data/{FLAVOUR}"
NAME = "mlflow"  # of who follows the fits
NOT_SAID = object()


def save_model(
    model: Model,
    path: str | Path,
    mlflow_model: Description | None = None,
    *,
    signature: Any = None,  # noqa: ANN401 - mlflow's own types, here and below
    input_example: Any = NOT_SAID,  # noqa: ANN401
    **settings: Any,  # noqa: ANN401
) -> None:
    """Write a model as an MLflow model folder: `data/gatecast/` has model.json and weights.safetensors.

    Args:
        model: what `gatecast.fit` or `gatecast.load` returned.
        path: a folder that is not there yet, or is empty.
        mlflow_model: the description that the flavour is added to, as `Model.log` hands it over.
        signature: of MLflow's; by default the columns that the model reads and what it forecasts.
        input_example: a frame to show and to try; by default the newest rows of the table the model was fitted on, so
            far as it is known; None for none.
        settings: more for `mlflow.pyfunc.save_model`, such as `extra_pip_requirements`.
    """
    example = newest_rows(model) if input_example is NOT_SAID else input_example
    description = Description() if mlflow_model is None else mlflow_model
    description.add_flavor(FLAVOUR, gatecast_version=__version__, data=DATA)
    description.signature = signature_of(model)
    with TemporaryDirectory() as folder:
        mlflow.pyfunc.save_model(
            path=str(path),
            loader_module=__name__,
            data_path=str(save(model, Path(folder) / FLAVOUR)),
            mlflow_model=description,
            signature=signature,
            input_example=example,
            **({"pip_requirements": _requirements()} | settings),
        )


def log_model(model: Model, name: str = "model", **settings: Any) -> ModelInfo:  # noqa: ANN401
    """Log a model to the active run, or to MLflow without a run.

    Args:
        model: what `gatecast.fit` or `gatecast.load` returned.
        name: what MLflow calls it.
        settings: of `save_model` and of `mlflow.models.Model.log`, such as `registered_model_name`.
    """
    return Description.log(artifact_path=None, flavor=sys.modules[__name__], name=name, model=model, **settings)


def load_model(uri: str | Path) -> Model:
    """Read a logged or saved model back; nothing in its folder is run, imported or unpickled.

    Args:
        uri: a folder, or a URI of MLflow's such as `models:/m-...`, `models:/name/3` or `runs:/<id>/model`.

    Raises:
        ArtifactError: the folder holds no model of gatecast's, or a damaged one.
    """
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=str(uri)))
    if not (folder / DATA).is_dir():
        raise ArtifactError(
            f"{folder} is no MLflow model of gatecast's: there is no {DATA} in it. Log one by "
            f"gatecast.adapters.mlflow.log_model."
        )
    return load_without_table(folder / DATA)


def autolog(
    *, disable: bool = False, log_models: bool = True, log_report: bool = True, registered_model_name: str | None = None
) -> None:
    """Have every `gatecast.fit` of this process logged, to the active run or to one of its own.

    A run gets the settings that were asked and guessed, the loss of every step, the scores of the net and of the
    baselines, the report and the model.  A fit that fails leaves its own run as failed, without scores and without a
    model.  A tracking server that cannot be reached is warned of and costs no training.

    Args:
        disable: let fits be logged no more.
        log_models: log the model.
        log_report: log the report, which takes some seconds where the fit has no run folder.
        registered_model_name: also register each model, under this name.
    """
    if disable:
        unfollow(NAME)
        return
    logs = (lambda model: log_model(model, registered_model_name=registered_model_name)) if log_models else None
    follow(NAME, Tracker(logs, reports=log_report))


def _requirements() -> list[str]:
    """What the model needs where it is loaded: the weights' numbers are torch's."""
    return [f"gatecast=={__version__}", f"torch=={torch.__version__.partition('+')[0]}"]


def _load_pyfunc(path: str) -> "Forecasting":
    """What `mlflow.pyfunc.load_model` calls, with the path of what lies in `data/gatecast`."""
    return Forecasting(load_without_table(path))


@final
class Forecasting:
    """A model as MLflow's python function: a frame of observations in, a frame of forecasts out."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, model_input: "pd.DataFrame", params: dict[str, Any] | None = None) -> "pd.DataFrame":
        """Forecast beyond the end of a table with the columns that the model learnt from.

        Args:
            model_input: the newest observations of each series, and planned values of future covariates after them.
            params: `horizon`, how many rows; `quantiles`, which of the levels that the model has.

        Raises:
            OptionError: a quantile is not among the model's levels, or the horizon is longer than the model's.
            InputError: the table does not fit the model.
        """
        import pandas as pd  # noqa: PLC0415 - whoever calls this has loaded it

        said = params or {}
        frame = self.model.predict(model_input, horizon=said.get("horizon")).to_frame()
        frame = frame.select(pl.col(*(name for name in HEAD if name in frame.columns)), *self._levels(said, frame))
        return pd.DataFrame({name: frame[name].to_numpy() for name in frame.columns})

    def _levels(self, said: dict[str, Any], frame: pl.DataFrame) -> list[str]:
        """The columns of the quantiles that were asked for, or all of them."""
        have = [name for name in frame.columns if name not in HEAD]
        if said.get("quantiles") is None:
            return have
        asked = [f"q{level:g}" for level in said["quantiles"]]
        if lacking := [name for name in asked if name not in have]:
            raise OptionError(
                f"quantiles={', '.join(name[1:] for name in lacking)} are none of the model's, which are "
                f"{', '.join(name[1:] for name in have) or 'none'}: ask for some of those, or fit with quantiles=."
            )
        return asked
