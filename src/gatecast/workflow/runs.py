"""The run folder: what was asked, what came out, and enough to go on after a crash.

runs/NAME/
  run.json           what was asked, what was guessed, versions, data fingerprint, timings
  model/             the artifact: model.json + weights.safetensors
  checkpoint/        resumable training state, newest two kept
  metrics.json       every score of the net and of each baseline, same windows, same code
  audit.json         whether the scores can be trusted: checks of leaks, batches, fitting
  forecasts.parquet  the backtest: one row per model, series, cutoff and step
  steps.jsonl        one line per training step
  report.html        one file, opens offline
  pictures/*.png
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from gatecast import artifact
from gatecast.artifact import About
from gatecast.data.categories import recode
from gatecast.data.columns import Columns, Guess
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel
from gatecast.data.splits import split_by_time
from gatecast.errors import ArtifactError, GatecastError
from gatecast.evaluation.audit import audit_to_json
from gatecast.evaluation.results import Metrics, metrics_from_json, metrics_to_json
from gatecast.files import is_temporary, write_atomic
from gatecast.folders import make_folder
from gatecast.forecaster import ForecasterConfig
from gatecast.saved import read_file
from gatecast.training.log import read_steps
from gatecast.workflow.model import Evaluation, Model
from gatecast.workflow.options import FitOptions, flatten
from gatecast.workflow.telling import run_report

RUN, METRICS, AUDIT = "run.json", "metrics.json", "audit.json"
FORECASTS, STEPS = "forecasts.parquet", "steps.jsonl"
MODEL, CHECKPOINT, REPORT, PICTURES = "model", "checkpoint", "report.html", "pictures"
MOST_RECORD_BYTES = 64 * 2**20
REMEDY = f"Copy the whole run folder again, or take its {MODEL} folder alone."
EMPTY = About().asked


Status = Literal["training", "stopped", "done"]


class RunRecord(Struct, frozen=True):
    """run.json.

    Attributes:
        status: `training`, `stopped` (by Ctrl-C; what was learnt is kept) or `done`.
        source: the table's absolute path; empty when it was a data frame.
        data: the table's file name, size and sha256.
        columns: which column plays which part.
        asked: the options.
        config: what they were settled to.
        season: rows of one season in the scores.
        guesses: what was decided because nobody said it.
        versions: of gatecast, torch and Python.
        facts: timings and counts.
    """

    status: Status
    source: str
    data: dict[str, str]
    columns: Columns
    asked: FitOptions
    config: ForecasterConfig
    season: int
    guesses: tuple[Guess, ...]
    versions: dict[str, str]
    facts: dict[str, str] = {}


def fingerprint(source: Any, panel: Panel) -> dict[str, str]:  # noqa: ANN401 - a path or any data frame
    """Name, size and sha256 of a table's file; of a data frame its type's name and the sha256 of what was read."""
    if isinstance(source, str | Path):
        return file_fingerprint(Path(source))
    digest = hashlib.sha256("\n".join(panel.ids).encode())
    for array in (panel.offsets, panel.times, panel.values, panel.static):
        digest.update(array.tobytes())
    return {"name": type(source).__name__, "sha256": digest.hexdigest()}


def file_fingerprint(path: Path) -> dict[str, str]:
    """Name, size and sha256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "bytes": str(path.stat().st_size), "sha256": digest}


def write_record(folder: Path, record: RunRecord) -> None:
    """Write run.json."""
    make_folder(folder)
    write_atomic(folder / RUN, msgspec.json.format(msgspec.json.encode(record), indent=1))


def read_record(folder: Path) -> RunRecord:
    """Read run.json.

    Raises:
        ArtifactError: the folder is not a run, or run.json is damaged.
    """
    path = folder / RUN
    if not path.is_file():
        raise ArtifactError(f"{folder} is not a run folder: there is no {RUN}.")
    data = read_file(path, MOST_RECORD_BYTES, REMEDY)
    try:
        return msgspec.json.decode(data, type=RunRecord)
    except (msgspec.MsgspecError, GatecastError, UnicodeDecodeError, RecursionError) as error:
        raise ArtifactError(f"{path} is damaged: {str(error).rstrip('.')}. {REMEDY}") from error


def same_task(folders: Sequence[Path]) -> bool:
    """Whether the scores of several runs can be compared: the same table, targets, horizon, season and windows."""
    tasks = []
    for folder in folders:
        record, metrics = read_record(folder), read_metrics(folder)
        tasks.append((record.data, record.columns.target, metrics.horizon, metrics.season, metrics.windows))
    return all(task == tasks[0] for task in tasks)


def read_metrics(folder: str | Path) -> Metrics:
    """Read metrics.json of a run folder.

    Raises:
        ArtifactError: the run has none yet, or the file is damaged.
    """
    path = Path(folder) / METRICS
    if not path.is_file():
        raise ArtifactError(f"{folder} is not a finished run: there is no {METRICS}.")
    return metrics_from_json(read_file(path, MOST_RECORD_BYTES, "Run the backtest again to write it anew."))


def write_results(folder: Path, evaluation: Evaluation) -> None:
    """Write scores, audit, forecasts, report and pictures of an evaluated model."""
    from gatecast.reporting.pictures import write_pictures  # noqa: PLC0415 - drawing is loaded when wanted
    from gatecast.reporting.report import write_report  # noqa: PLC0415

    report = run_report(evaluation)
    write_atomic(folder / METRICS, metrics_to_json(evaluation.metrics))
    write_atomic(folder / AUDIT, audit_to_json(report.audit))
    parquet = io.BytesIO()
    report.backtest.write_parquet(parquet)
    write_atomic(folder / FORECASTS, parquet.getvalue())
    write_report(report, folder / REPORT)
    write_pictures(report, folder / PICTURES)


def save(model: Model, folder: str | Path) -> Path:
    """Write a model as an artifact: `model.json` and `weights.safetensors`."""
    return artifact.save(model.forecaster, folder, model.about, model.calibration)


def load(folder: str | Path) -> Model:
    """Read a model folder, or a run folder together with the table it was fitted on.

    A run whose table has moved or changed is loaded without it; give the data to `predict` then.

    Raises:
        ArtifactError: the folder is neither, or its files are not safe to use.
    """
    path, model = Path(folder), load_without_table(folder)
    return _with_table(model, read_record(path), path) if (path / RUN).exists() else model


def model_folder(folder: str | Path) -> Path:
    """Where the artifact of a run folder or a model folder lies.

    Raises:
        ArtifactError: there is none, or the record of the run is damaged.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ArtifactError(f"there is no folder {path}; give a run folder or a model folder.")
    if not (path / RUN).exists():
        left = list(path.iterdir())
        if left and all(map(is_temporary, left)):
            raise ArtifactError(f"the run in {path} was broken off before it began: do `gatecast fit` once more.")
        return path
    read_record(path)
    if not (path / MODEL / artifact.MANIFEST).exists():
        raise ArtifactError(
            f"the run in {path} has no model, for its training was broken off: go on with it by `gatecast fit` with "
            f"the same data and options, --out {path} and --resume."
        )
    return path / MODEL


def load_without_table(folder: str | Path) -> Model:
    """Read a model folder, or a run folder, as for forecasts of other tables than the one it was fitted on.

    Raises:
        ArtifactError: as `load`.
    """
    path, place = Path(folder), model_folder(folder)
    forecaster, about, calibration = artifact.load_all(place)
    if place == path:
        return Model(forecaster, _asked(about), about.season, about.guesses, about, calibration=calibration)
    record = read_record(path)
    _check_record(path, record, about)
    return Model(
        forecaster, record.asked, record.season, record.guesses, about, facts=record.facts, calibration=calibration
    )


def _asked(about: About) -> FitOptions:
    try:
        return msgspec.json.decode(about.asked, type=FitOptions)
    except (msgspec.MsgspecError, GatecastError, RecursionError, UnicodeDecodeError) as error:
        raise ArtifactError(
            f"the options in the model description are damaged: {str(error).rstrip('.')}. Copy the whole model folder "
            f"again, or train again."
        ) from error


def _check_record(folder: Path, record: RunRecord, about: About) -> None:
    """Refuse a run.json that says otherwise than the sealed model: rows that were learnt from might be scored.

    Raises:
        ArtifactError: it does.
    """
    if about.asked == EMPTY:  # a model that was saved without its options
        return
    told = difference(_asked(about), record.asked, ("there", "here"))
    if record.season != about.season:
        told = told or f"season={about.season} there, {record.season} here"
    if told:
        raise ArtifactError(f"{folder / RUN} was altered: it says otherwise than the model ({told}). {REMEDY}")


def difference(before: FitOptions, now: FitOptions, words: tuple[str, str] = ("then", "now")) -> str:
    """The settings that differ, with both values; empty where none does."""
    old, new = (flatten(msgspec.to_builtins(options)) for options in (before, now))
    return ", ".join(
        f"{name}={old[name]!r} {words[0]}, {new[name]!r} {words[1]}" for name in old if old[name] != new[name]
    )


def _with_table(model: Model, record: RunRecord, folder: Path) -> Model:
    table = Path(record.source)
    try:
        if not table.is_file() or file_fingerprint(table) != record.data:
            return model
    except OSError:  # not ours to read any more
        return model
    panel, _ = load_panel(record.source, record.asked.table)
    panel = recode(panel, model.forecaster.fitted_.columns.categories)
    shares = record.asked.evaluation
    split = split_by_time(panel, record.asked.horizon, shares.validation, shares.test)
    steps = tuple(read_steps(folder / STEPS))
    return replace(model, panel=panel, split=split, steps=steps)
