"""What a model reads and says, in MLflow's words: a signature, and an example to show and to try.

MLflow holds every table to the signature before a model sees it, and its types are narrower than what a table may hold:
it takes no whole numbers where it expects `double`, and no times with a zone at all.  So a column that gatecast reads
in several ways is of any type here, and gatecast's own reading says what is wrong with it, by column and row.
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType

from gatecast.data.columns import Columns
from gatecast.data.irregular import without_gap
from gatecast.data.panel import Panel
from gatecast.workflow import Model

if TYPE_CHECKING:
    import pandas as pd

HEAD = ("unique_id", "target", "cutoff", "ds", "mean")
MOST_SERIES = 2  # of an example


def signature_of(model: Model) -> ModelSignature:
    """The columns that a model reads by name, what it forecasts, and the two parameters of a forecast.

    A table whose columns are the series, or whose rows are, has no columns to name.
    """
    columns = _columns(model)
    inputs: list[ColSpec | TensorSpec] = [_read(name, words=name in columns.categories) for name in _names(columns)]
    levels = list(model.forecaster.config.network.levels)
    params = [ParamSpec("horizon", DataType.long, model.horizon)]
    if levels:
        params.append(ParamSpec("quantiles", DataType.double, levels, shape=(-1,)))
    return ModelSignature(
        inputs=Schema(inputs) if model.options.table.layout == "long" else None,
        outputs=Schema(_forecast_columns(columns, levels)),
        params=ParamSchema(params),
    )


def newest_rows(model: Model) -> "pd.DataFrame | None":
    """The newest rows of some series, as many as a forecast needs; None where the table is not at hand or not long."""
    columns, panel = _columns(model), model.panel
    if panel is None or model.options.table.layout != "long" or columns.time_parts:
        return None
    import pandas as pd  # noqa: PLC0415 - an example is MLflow's, and MLflow loads it

    shown = [_rows_of(panel, columns, series, model.forecaster.config.lookback) for series in _some(panel)]
    frame = pl.concat(shown)
    return pd.DataFrame({name: frame[name].to_numpy() for name in frame.columns})


def _columns(model: Model) -> Columns:
    fitted = model.forecaster.fitted_
    return without_gap(fitted.columns, fitted.frequency)


def _names(columns: Columns) -> tuple[str, ...]:
    """The columns of a long table, the ones that tell of which series and when first."""
    time = columns.time_parts or ((columns.time,) if columns.time is not None else ())
    return (*((columns.id,) if columns.id is not None else ()), *time, *columns.channels, *columns.static)


def _read(name: str, *, words: bool) -> ColSpec:
    return ColSpec(DataType.string if words else AnyType(), name)  # type: ignore[no-untyped-call]


def _forecast_columns(columns: Columns, levels: list[float]) -> list[ColSpec | TensorSpec]:
    time = DataType.long if columns.time is None else DataType.datetime
    target = [ColSpec(DataType.string, "target")] if len(columns.target) > 1 else []
    return [
        ColSpec(DataType.string, "unique_id"),
        *target,
        ColSpec(time, "cutoff"),
        ColSpec(time, "ds"),
        *(ColSpec(DataType.double, name) for name in ("mean", *(f"q{level:g}" for level in levels))),
    ]


def _some(panel: Panel) -> list[int]:
    """The longest series, for others may be too short to be forecast."""
    return sorted(np.argsort(-panel.known(), kind="stable")[:MOST_SERIES].tolist())


def _rows_of(panel: Panel, columns: Columns, series: int, rows: int) -> pl.DataFrame:
    """The newest known rows of a series, and what is planned after them, by the columns' own names."""
    whole = panel.rows(series)
    own = slice(whole.start + max(0, int(panel.known()[series]) - rows), whole.stop)
    data: dict[str, object] = {}
    words = panel.columns.categories
    if columns.id is not None:
        data[columns.id] = [panel.ids[series]] * (own.stop - own.start)
    if columns.time is not None:
        data[columns.time] = panel.times[own]
    for place, name in enumerate(panel.columns.channels):
        data[name] = _cells(panel.values[own, place], words.get(name))
    for place, name in enumerate(panel.columns.static):
        data[name] = _cells(panel.static[[series] * (own.stop - own.start), place], words.get(name))
    return pl.DataFrame(data).select(_names(columns))


def _cells(values: np.ndarray, words: tuple[str, ...] | None) -> pl.Series:
    """Numbers as they are, codes as their words."""
    if words is None:
        return pl.Series(values.astype(np.float64))
    return pl.Series([words[int(code) - 1] if code > 0 else None for code in values.tolist()], dtype=pl.String)
