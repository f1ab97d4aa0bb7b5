"""Work on all partitions of a table: what is finished is kept, and the rest goes to the engine."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from msgspec import structs

from gatecast.data.partitions import name_hashes, partitions_of
from gatecast.data.splits import ENOUGH_WINDOWS
from gatecast.engines import EngineOptions, engine_for
from gatecast.errors import InputError, OptionError
from gatecast.evaluation.results import Metrics, metrics_to_json
from gatecast.files import write_atomic
from gatecast.scale.folder import METRICS, Place, Results, record_of
from gatecast.scale.judging import chosen_baselines, judge_piece
from gatecast.scale.pieces import Asked, Finished, Piece, seal_of
from gatecast.scale.predicting import predict_piece
from gatecast.scale.seen import Seen
from gatecast.scale.settling import metrics_of
from gatecast.scale.tally import Tally, merged, tally_from_bytes
from gatecast.scale.telling import Done, Telling
from gatecast.workflow.model import refuse_unscored
from gatecast.workflow.runs import load_without_table

HERE = EngineOptions()


def predict_partitions(
    run: str | Path,
    data: str | Path,
    out: str | Path,
    engine: EngineOptions = HERE,
    horizon: int | None = None,
    told: Telling | None = None,
) -> Done:
    """Forecast beyond the end of every series of a folder of partitions.

    The forecasts are those of `Model.predict` on the whole table, bit for bit, in `out/part-00000.parquet`, ...  Work
    that was broken off goes on where it was, by the same call.

    Args:
        run: a run folder or a model folder.
        data: the folder of partitions, or one file.
        out: the folder of the results; a new one, or that of the same work.
        engine: where the work runs.
        horizon: rows to forecast; None for those of the model.
        told: who is told how it goes; None for nobody.

    Raises:
        InputError: a partition cannot be read, does not fit the model, or shares a series with another.
        OptionError: `out` holds something else, or lies within `data`.
        WorkerError: a process died again and again, or a file cannot be written.
    """
    return _Work(Path(run), Path(data), Path(out), Asked("predict", horizon)).run(predict_piece, engine, told)


def backtest_partitions(
    run: str | Path,
    data: str | Path,
    out: str | Path,
    engine: EngineOptions = HERE,
    windows: int | None = None,
    told: Telling | None = None,
) -> Done:
    """Score the net and the simple methods on a folder of partitions; the scores are those of the whole table.

    Baselines are those that the run names, or else the fast ones.  Every row that neither training nor the choice of
    weights has seen is scored, as far as dates can tell.

    Args:
        run: a run folder or a model folder.
        data: the folder of partitions, or one file.
        out: as `predict_partitions`; it also gets `metrics.json`.
        engine: where the work runs.
        windows: the most rolling origins of each series; None for as many as in the run.
        told: who is told how it goes; None for nobody.

    Raises:
        InputError: as `predict_partitions`, or there is nothing to score.
        OptionError: `windows` is below 1; or as `predict_partitions`.
        WorkerError: as `predict_partitions`.
    """
    if windows is not None and windows < 1:
        raise OptionError(f"windows counts from 1 up, got windows={windows}.")
    work = _Work(Path(run), Path(data), Path(out), Asked("backtest", windows=windows))
    done = work.run(judge_piece, engine, told)
    tally = work.tally()
    if work.closer(tally):
        done = work.run(judge_piece, engine, told)
        tally = work.tally()
    return structs.replace(done, metrics=work.settle(tally))


class _Work:
    """One command's work: a model, partitions, and a folder of results."""

    def __init__(self, run: Path, data: Path, out: Path, asked: Asked) -> None:
        self._run, self._sources = run, partitions_of(data)
        if data.is_dir() and out.resolve().is_relative_to(data.resolve()):
            raise OptionError(f"{out} lies within {data}, where it would be taken for a partition: name another --out.")
        seal = seal_of(run)
        self._model = load_without_table(run)
        self._check(asked)
        self._results = Results(out, self._sources, record_of(seal, asked, self._sources))

    def _check(self, asked: Asked) -> None:
        """Refuse before any work what every piece would be refused for."""
        if self._model.forecaster.fitted_.columns.id is None and len(self._sources) > 1:
            raise InputError(
                f"this model was fitted on one series and knows no column that tells series apart, so it cannot read "
                f"{len(self._sources)} partitions. Fit it with --id."
            )
        if asked.horizon is not None and not 1 <= asked.horizon <= self._model.horizon:
            raise OptionError(
                f"this net forecasts up to {self._model.horizon} rows ahead, got horizon={asked.horizon}; train "
                f"another."
            )
        if asked.kind == "backtest":
            chosen_baselines(self._model)

    def run(self, work: Callable[[Piece], Finished], engine: EngineOptions, told: Telling | None) -> Done:
        """Do what is not finished."""
        places = self._results.places()
        kept = [place for place in places if place.finished]
        todo = [place for place in places if not place.finished]
        seen, rows, forecasts = Seen(self._sources, self._model.forecaster.fitted_.columns.id), 0, 0
        for place in kept:
            seen.add(place.number, self._names(place))
        with told or Telling() as teller, engine_for(engine) as begun:
            teller.moved(len(kept), len(places), 0)
            pieces = [self._results.piece(place, self._run) for place in todo]
            for count, (number, done) in enumerate(begun.run(work, pieces), start=len(kept) + 1):
                seen.add(todo[number].number, np.frombuffer(done.names, dtype=np.uint64))
                rows, forecasts = rows + done.rows, forecasts + done.forecasts
                teller.moved(count, len(places), rows)
            self._results.sweep()
            return Done(str(self._results.out), len(places), len(kept), rows, forecasts, teller.seconds)

    def _names(self, place: Place) -> np.ndarray:
        """The hashes of the names of a partition that is finished."""
        if self._results.record.asked.kind == "backtest":
            return tally_from_bytes(place.scores.read_bytes()).names
        return name_hashes(pl.scan_parquet(place.out).select("unique_id").unique().collect()["unique_id"].to_list())

    def tally(self) -> Tally:
        """That of all partitions, in their order."""
        return merged([tally_from_bytes(place.scores.read_bytes()) for place in self._results.places()])

    def closer(self, tally: Tally) -> bool:
        """Whether so few windows are better replaced by closer ones, as `scoring_origins` does; then all begins again.

        Only all partitions together can tell.
        """
        horizon, asked = self._model.horizon, self._results.record.asked
        most = asked.windows if asked.windows is not None else self._model.options.evaluation.windows
        if asked.stride is not None or most is not None:
            return False
        if tally.facts.windows + tally.facts.left_out >= ENOUGH_WINDOWS:
            return False
        stride = max(1, min(horizon, (tally.facts.room - horizon) // ENOUGH_WINDOWS))
        if stride == horizon:
            return False
        self._results.begin_again(structs.replace(asked, stride=stride))
        return True

    def settle(self, tally: Tally) -> Metrics:
        """The scores, written beside the forecasts."""
        if not tally.facts.windows:
            refuse_unscored(self._model)
        metrics = metrics_of(tally, self._model, chosen_baselines(self._model)[1])
        write_atomic(self._results.out / METRICS, metrics_to_json(metrics))
        return metrics
