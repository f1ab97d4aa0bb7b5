"""`fit`: read, split, choose, train, score, write; each step one call."""

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from gatecast.artifact import About
from gatecast.data.columns import Guess
from gatecast.data.panel import Panel
from gatecast.data.sources import Source
from gatecast.data.splits import Split, part_starts
from gatecast.errors import OptionError
from gatecast.folders import sweep
from gatecast.forecaster import ForecasterConfig
from gatecast.training.devices import device_named
from gatecast.training.group import Group, by_first, group_here, told_by_environment
from gatecast.workflow import runs
from gatecast.workflow.calibrating import calibrate_forecaster
from gatecast.workflow.following import Begun, Ended, Followed, followed
from gatecast.workflow.listening import Listener, Silent
from gatecast.workflow.loading import Loaded, load_for_fit, some_of
from gatecast.workflow.local import check_local
from gatecast.workflow.model import Evaluation, Model
from gatecast.workflow.notebook import listener_here
from gatecast.workflow.options import FitOptions, build_options
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
        listener: told what happens; by default a notebook where there is one, else nobody.
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
    if out is not None:
        options.evaluation.check_scored()
    files = TrainingFiles(Path(out), resume=resume, tensorboard=tensorboard) if out is not None else None
    with followed() as following:
        ended = _fit(source, options, files, listener, following)
        following.end(ended)
    return ended.model


def _fit(
    source: Source, options: FitOptions, files: TrainingFiles | None, listener: Listener | None, following: Followed
) -> Ended:
    started = time.perf_counter()
    with group_here() as group:
        listener = (listener or listener_here()) if group.rank == 0 else Silent()
        begun = group.first(files is not None and (files.resume or _begun_before(files.folder)))
        files = replace(files, resume=begun) if files is not None else None
        prepared = _prepare(source, options, group)
        if files is not None:
            by_first(group, partial(_claim, files.folder, prepared, resume=begun))
        if group.rank == 0:
            listener = following.begin(_begun(prepared, files), listener)
        listener.guessed(prepared.guesses)
        table = prepared.loaded.panel, prepared.loaded.split
        trained = train_forecaster(prepared.config, table, listener, files, prepared.loaded.workers)
        model, writes = _model(prepared, trained), group.rank == 0
    if not writes or files is None:
        return Ended(model, None, trained.stopped)
    listener.stage("scoring the net and the baselines on the same windows")
    evaluation = _write(model, files.folder)
    facts = evaluation.model.facts | {"total time": f"{time.perf_counter() - started:.1f} s"}
    runs.write_record(files.folder, _record(prepared, "stopped" if trained.stopped else "done", facts))
    return Ended(evaluation.model, evaluation, trained.stopped)


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A table, and what was asked of it and settled.

    Attributes:
        source: where it came from.
        options: what was asked.
        loaded: the table, or what this worker holds of it.
        panel: what the model is scored on: the table, or a few series of it where no worker holds all.
        split: where its parts end.
        guesses: what was decided because nobody said it.
    """

    source: Source
    options: FitOptions
    loaded: Loaded
    panel: Panel
    split: Split
    guesses: tuple[Guess, ...]

    @property
    def config(self) -> ForecasterConfig:
        """The settled configuration."""
        return self.loaded.chosen.config


def _prepare(source: Source, options: FitOptions, group: Group) -> _Prepared:
    device_named(options.training.device)  # one that is not there is refused before a run folder is begun
    loaded = load_for_fit(source, options, group)
    check_local(loaded.panel, options)
    panel, split, guesses = loaded.panel, loaded.split, (*loaded.guesses, *loaded.chosen.guesses)
    if loaded.workers.apart and group.world > 1:
        panel, split = some_of(panel, split, len(panel.ids))
        of_all = f"{len(panel.ids):,} of {loaded.workers.count(len(loaded.panel.ids)):,} series"
        guesses = (*guesses, Guess("scored on", of_all, "no worker holds all; `gatecast backtest RUN DATA` scores all"))
    return _Prepared(source, options, loaded, panel, split, guesses)


def _begun(prepared: _Prepared, files: TrainingFiles | None) -> Begun:
    """What followers are told of a fit."""
    return Begun(
        options=prepared.options,
        config=prepared.config,
        season=prepared.loaded.chosen.season,
        guesses=prepared.guesses,
        data=prepared.loaded.fingerprint,
        out=files.folder if files is not None else None,
    )


def _begun_before(folder: Path) -> bool:
    """Whether torchrun has started the workers again, after one of them was lost."""
    return told_by_environment("TORCHELASTIC_RESTART_COUNT", 0) > 0 and (folder / runs.RUN).exists()


def _claim(folder: Path, prepared: _Prepared, *, resume: bool) -> None:
    """Take the run folder, or refuse to overwrite or to mix what lies there."""
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file, and a run is written into a folder: give another --out.")
    if (folder / runs.RUN).exists() and not resume:
        raise OptionError(f"{folder} holds a run already: go on with it by --resume, or give another --out.")
    if resume:
        _check_same(folder, prepared)
    for part in (folder, folder / runs.CHECKPOINT, folder / runs.PICTURES):
        sweep(part)
    runs.write_record(folder, _record(prepared, "training", {}))


def _check_same(folder: Path, prepared: _Prepared) -> None:
    """A resumed run must have the table and the options it began with."""
    if not (folder / runs.RUN).exists():
        raise OptionError(f"there is nothing to resume in {folder}: it holds no {runs.RUN}.")
    before = runs.read_record(folder)
    if before.data != prepared.loaded.fingerprint:
        raise OptionError(
            f"{folder} was begun with another table (its sha256 differs); give that one, or another --out."
        )
    if before.asked != prepared.options:
        raise OptionError(
            f"{folder} was begun with other options ({runs.difference(before.asked, prepared.options)}); "
            f"resume with the same ones, or give another --out."
        )


def _record(prepared: _Prepared, status: runs.Status, facts: dict[str, str]) -> runs.RunRecord:
    source = prepared.source
    return runs.RunRecord(
        status=status,
        source=str(Path(source).resolve()) if isinstance(source, str | Path) else "",
        data=prepared.loaded.fingerprint,
        columns=prepared.panel.columns,
        asked=prepared.options,
        config=prepared.config,
        season=prepared.loaded.chosen.season,
        guesses=prepared.guesses,
        versions=versions(),
        facts=facts,
    )


def _model(prepared: _Prepared, trained: Trained) -> Model:
    panel, split = prepared.panel, prepared.split
    _, seen_until = part_starts(panel, split)
    about = About(
        versions=versions(),
        data=prepared.loaded.fingerprint,
        guesses=prepared.guesses,
        asked=msgspec.Raw(msgspec.json.encode(prepared.options)),
        season=prepared.loaded.chosen.season,
        seen_until=str(seen_until) if panel.dated else "",
        seen_rows={} if panel.dated else _seen_rows(prepared.loaded),
    )
    return Model(
        trained.forecaster,
        prepared.options,
        prepared.loaded.chosen.season,
        prepared.guesses,
        about,
        panel,
        split,
        trained.steps,
        trained.facts,
        calibrate_forecaster(trained.forecaster, panel, split) if prepared.loaded.chosen.calibrate else None,
    )


def _seen_rows(loaded: Loaded) -> dict[str, int]:
    """How many rows of each series training and the choice of weights have seen."""
    rows = loaded.workers.joined(loaded.split.validation_end)
    return dict(zip(loaded.workers.names(loaded.panel.ids), rows.tolist(), strict=True))


def _write(model: Model, folder: Path) -> Evaluation:
    """Save the model before it is scored, and again with its scores: a crash while scoring loses no training."""
    runs.save(model, folder / runs.MODEL)
    evaluation: Evaluation = model.backtest()
    scores = {score.model: score.mase for score in evaluation.metrics.scores}
    model = replace(model, about=msgspec.structs.replace(model.about, scores=scores))
    runs.save(model, folder / runs.MODEL)
    runs.write_results(folder, evaluation)
    return replace(evaluation, model=model)
