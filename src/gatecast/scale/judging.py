"""The backtest of every series of a partition."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gatecast.data.bigparquet import write_parquet
from gatecast.data.panel import Panel
from gatecast.data.partitions import name_hashes
from gatecast.data.splits import Origins, rolling_origins
from gatecast.evaluation.backtest import actuals, backtest
from gatecast.evaluation.baselines import Baseline, baselines_by_name
from gatecast.files import write_atomic
from gatecast.scale.blocks import blocks_of
from gatecast.scale.pieces import Asked, Finished, Piece, loaded, told_where
from gatecast.scale.predicting import forecast_schema
from gatecast.scale.tally import Facts, Tally, merged, nothing_scored, tally_to_bytes
from gatecast.scale.tallying import tally_of, unscored
from gatecast.workflow.model import Model

FAST = ("naive", "seasonal_naive", "drift", "mean")
_SLOW = (
    "autoreg, ets and theta left out: which of them a table can afford depends on all of it; "
    "fit with --baselines to have them."
)


def judge_piece(piece: Piece) -> Finished:
    """Backtest every series of one partition: its forecasts into one file, its tally into another, which comes first.

    Raises:
        InputError: the partition cannot be read, or does not fit the model; its name is told.
        WorkerError: a file cannot be written.
    """
    model = loaded(piece.run, piece.seal)
    rows, forecasts, tallies = [0], [0], list[Tally]()

    def frames() -> Iterator[pl.DataFrame]:
        for panel in blocks_of(model, Path(piece.source)):
            frame, tally = _judged(model, panel, piece.asked)
            rows.append(len(panel.times))
            tallies.append(tally)
            if frame is not None:
                forecasts.append(frame.height)
                yield frame.select(*schema)
        write_atomic(Path(piece.scores), tally_to_bytes(merged(tallies) if tallies else _no_series()))

    with told_where(piece):
        schema = backtest_schema(model)
        write_parquet(Path(piece.out), frames(), schema)
    return Finished(sum(rows), sum(forecasts), b"".join(tally.names.tobytes() for tally in tallies))


def backtest_schema(model: Model) -> dict[str, Any]:
    """The columns of a file of a backtest, and their types."""
    said = forecast_schema(model)
    place = list(said).index("mean")
    return {"model": pl.String(), **dict([*said.items()][:place]), "y": pl.Float64(), **dict([*said.items()][place:])}


def chosen_baselines(model: Model) -> tuple[list[Baseline], tuple[str, ...]]:
    """Those that the run names, or else the fast ones: what all partitions can afford one partition does not know."""
    asked, season = model.options.evaluation.baselines, model.season
    if asked is not None:
        return model.named_baselines(asked), ()
    if season > 1:
        return baselines_by_name(FAST, season), (_SLOW,)
    fast = [name for name in FAST if name != "seasonal_naive"]
    return baselines_by_name(fast, season), ("seasonal_naive left out: with season=1 it is the same as naive.", _SLOW)


def _no_series() -> Tally:
    return nothing_scored(Facts(), name_hashes(()))


def _judged(model: Model, panel: Panel, asked: Asked) -> tuple[pl.DataFrame | None, Tally]:
    """The forecasts of a block's windows, if there are any, and its tally."""
    start, end = model.test_part(panel)
    most = model.options.evaluation.windows if asked.windows is None else asked.windows
    origins = rolling_origins(start, end, model.horizon, asked.stride or model.horizon, most)
    seen = np.isfinite(actuals(panel, origins, model.horizon)).any(axis=(1, 2))
    facts = unscored(panel, int((~seen).sum()), int((end - start).max()))
    if not seen.any():
        return None, nothing_scored(facts, name_hashes(panel.ids))
    fitted = [baseline.fit(panel, start) for baseline in chosen_baselines(model)[0]]
    origins = Origins(origins.series[seen], origins.position[seen])
    result = backtest([model.calibrated, *fitted], panel, origins, model.horizon)
    return result.to_frame(), tally_of(result, model.season, start, facts)
