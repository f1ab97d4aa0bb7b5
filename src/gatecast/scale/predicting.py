"""Forecasts beyond the end of every series of a partition."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gatecast.data.bigparquet import write_parquet
from gatecast.data.partitions import name_hashes
from gatecast.scale.blocks import blocks_of
from gatecast.scale.pieces import Finished, Piece, loaded, told_where
from gatecast.workflow.model import Model


def predict_piece(piece: Piece) -> Finished:
    """Forecast every series of one partition into one file.

    Raises:
        InputError: the partition cannot be read, or does not fit the model; its name is told.
        WorkerError: the file cannot be written.
    """
    model = loaded(piece.run, piece.seal)
    rows, forecasts, names = [0], [0], list[np.ndarray]()

    def frames() -> Iterator[pl.DataFrame]:
        for panel in blocks_of(model, Path(piece.source)):
            frame = model.predict_panel(panel, piece.asked.horizon).to_frame()
            rows.append(len(panel.times))
            forecasts.append(frame.height)
            names.append(name_hashes(panel.ids))
            yield frame

    with told_where(piece):
        write_parquet(Path(piece.out), frames(), forecast_schema(model))
    return Finished(sum(rows), sum(forecasts), b"".join(part.tobytes() for part in names))


def forecast_schema(model: Model) -> dict[str, Any]:
    """The columns of a file of forecasts, and their types."""
    columns, calibration = model.forecaster.fitted_.columns, model.calibration
    levels = model.forecaster.config.network.levels if calibration is None else calibration.levels
    time = pl.Int64() if columns.time is None else pl.Datetime("us")
    target = {"target": pl.String()} if len(columns.target) > 1 else {}
    numbers = dict.fromkeys(("mean", *(f"q{level:g}" for level in levels)), pl.Float64())
    return {"unique_id": pl.String(), **target, "cutoff": time, "ds": time, **numbers}
