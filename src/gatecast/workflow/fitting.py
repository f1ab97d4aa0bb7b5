"""`fit`: read, split, choose, train, score, write; each step one call."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from gatecast.artifact import About
from gatecast.choosing import choose
from gatecast.data.categories import recode, seen_categories
from gatecast.data.columns import Guess
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel
from gatecast.data.sources import Source
from gatecast.data.splits import Split, part_starts, split_by_time
from gatecast.errors import OptionError
from gatecast.forecaster import ForecasterConfig
from gatecast.training.devices import device_named
from gatecast.workflow import runs
from gatecast.workflow.calibrating import calibrate_forecaster
from gatecast.workflow.listening import Listener, Silent
from gatecast.workflow.model import Evaluation, Model
from gatecast.workflow.options import FitOptions, build_options, flatten
from gatecast.workflow.telling import versions
from gatecast.workflow.training import Trained, TrainingFiles, train_forecaster


def fit(
    source: Source,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    tensorboard: bool = False,
    options: FitOptions | None = None,
    listener: Listener | None = None,
    **settings: Any,  # noqa: ANN401 - the settings of FitOptions, by name
) -> Model:
    """Train a recurrent net on a table; with `out`, also score it and write the run folder.

    Args:
        source: a path to a CSV, TSV, Parquet or Arrow file, or a data frame of any library.
        out: the run folder to write.
        resume: go on from the newest checkpoint in `out`; the end is bit-equal to that of an unbroken run.
        tensorboard: also write TensorBoard event files into `out`.
        options: everything that can be said about a fit; or say it by name:
        listener: told what happens; nobody by default.
        settings: options by name, such as `horizon=24, target="y", cell="lstm", steps=500`.

    Raises:
        InputError: the table cannot be learnt from.
        OptionError: an option cannot be, or the run folder is taken.
        TrainingError: the loss is no longer a number.
    """
    if options is not None and settings:
        raise OptionError(f"give options or settings, not both; got options and {', '.join(settings)}.")
    if out is None and (resume or tensorboard):
        raise OptionError("resume and tensorboard need a run folder: give out=.")
    options = options or build_options(settings)
    listener = listener or Silent()
    folder = Path(out) if out is not None else None
    started = time.perf_counter()
    prepared = _prepare(source, options)
    if folder is not None:
        _claim(folder, prepared, resume=resume)
    listener.guessed(prepared.guesses)
    files = TrainingFiles(folder, resume=resume, tensorboard=tensorboard) if folder is not None else None
    trained = train_forecaster(prepared.config, prepared.panel, prepared.split, listener, files)
    model = _model(prepared, trained)
    if folder is None:
        return model
    listener.stage("scoring the net and the baselines on the same windows")
    model = _write(model, folder)
    facts = model.facts | {"total time": f"{time.perf_counter() - started:.1f} s"}
    runs.write_record(folder, _record(prepared, "stopped" if trained.stopped else "done", facts))
    return model


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A table, cut into parts, and the settled configuration."""

    source: Source
    data: dict[str, str]
    options: FitOptions
    panel: Panel
    split: Split
    config: ForecasterConfig
    season: int
    calibrate: bool
    guesses: tuple[Guess, ...]


def _prepare(source: Source, options: FitOptions) -> _Prepared:
    device_named(options.training.device)  # one that is not there is refused before a run folder is begun
    panel, table_guesses = load_panel(source, options.table)
    shares = options.evaluation
    split = split_by_time(panel, options.horizon, shares.validation, shares.test)
    panel = recode(panel, seen_categories(panel, split.train_end))
    chosen = choose(panel, split, options)
    guesses = (*table_guesses, *chosen.guesses)
    data = runs.fingerprint(source, panel)
    return _Prepared(source, data, options, panel, split, chosen.config, chosen.season, chosen.calibrate, guesses)


def _claim(folder: Path, prepared: _Prepared, *, resume: bool) -> None:
    """Take the run folder, or refuse to overwrite or to mix what lies there."""
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file, and a run is written into a folder: give another --out.")
    if (folder / runs.RUN).exists() and not resume:
        raise OptionError(f"{folder} holds a run already: go on with it by --resume, or give another --out.")
    if resume:
        _check_same(folder, prepared)
    runs.write_record(folder, _record(prepared, "training", {}))


def _check_same(folder: Path, prepared: _Prepared) -> None:
    """A resumed run must have the table and the options it began with."""
    if not (folder / runs.RUN).exists():
        raise OptionError(f"there is nothing to resume in {folder}: it holds no {runs.RUN}.")
    before = runs.read_record(folder)
    if before.data != prepared.data:
        raise OptionError(
            f"{folder} was begun with another table (its sha256 differs); give that one, or another --out."
        )
    if before.asked != prepared.options:
        raise OptionError(
            f"{folder} was begun with other options ({_difference(before.asked, prepared.options)}); "
            f"resume with the same ones, or give another --out."
        )


def _difference(before: FitOptions, now: FitOptions) -> str:
    """The settings that differ, with both values."""
    old, new = (flatten(msgspec.to_builtins(options)) for options in (before, now))
    return ", ".join(f"{name}={old[name]!r} then, {new[name]!r} now" for name in old if old[name] != new[name])


def _record(prepared: _Prepared, status: runs.Status, facts: dict[str, str]) -> runs.RunRecord:
    source = prepared.source
    return runs.RunRecord(
        status=status,
        source=str(Path(source).resolve()) if isinstance(source, str | Path) else "",
        data=prepared.data,
        columns=prepared.panel.columns,
        asked=prepared.options,
        config=prepared.config,
        season=prepared.season,
        guesses=prepared.guesses,
        versions=versions(),
        facts=facts,
    )


def _model(prepared: _Prepared, trained: Trained) -> Model:
    panel, split = prepared.panel, prepared.split
    _, seen_until = part_starts(panel, split)
    about = About(
        versions=versions(),
        data=prepared.data,
        guesses=prepared.guesses,
        asked=msgspec.Raw(msgspec.json.encode(prepared.options)),
        season=prepared.season,
        seen_until=str(seen_until) if panel.dated else "",
        seen_rows={} if panel.dated else dict(zip(panel.ids, split.validation_end.tolist(), strict=True)),
    )
    return Model(
        trained.forecaster,
        prepared.options,
        prepared.season,
        prepared.guesses,
        about,
        panel,
        split,
        trained.steps,
        trained.facts,
        calibrate_forecaster(trained.forecaster, panel, split) if prepared.calibrate else None,
    )


def _write(model: Model, folder: Path) -> Model:
    """Save the model before it is scored, and again with its scores: a crash while scoring loses no training."""
    runs.save(model, folder / runs.MODEL)
    evaluation: Evaluation = model.backtest()
    scores = {score.model: score.mase for score in evaluation.metrics.scores}
    model = replace(model, about=msgspec.structs.replace(model.about, scores=scores))
    runs.save(model, folder / runs.MODEL)
    runs.write_results(folder, evaluation)
    return model
