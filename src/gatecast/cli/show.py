"""What the commands print on stdout."""

import io
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isnan
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gatecast.data.categories import unknown_words
from gatecast.data.formulas import as_csv
from gatecast.errors import OptionError
from gatecast.evaluation.audit import Audit, audit_to_json
from gatecast.evaluation.results import Metrics
from gatecast.files import write_atomic
from gatecast.folders import make_folder
from gatecast.inspection import Inspection, compare, to_json
from gatecast.scale import Done
from gatecast.visible import visible, visible_json
from gatecast.workflow.model import Model, Prediction
from gatecast.workflow.runs import REPORT, read_metrics

MOST_ROWS = 24  # forecast rows printed in a terminal


def line(text: str) -> None:
    """One line."""
    sys.stdout.write(visible(text) + "\n")
    sys.stdout.flush()


def dump(value: Any) -> None:  # noqa: ANN401 - anything that msgspec can write
    """A value as JSON."""
    _write_json(msgspec.json.format(msgspec.json.encode(value), indent=1))


def _write_json(text: bytes) -> None:
    sys.stdout.write(visible_json(text.decode()) + "\n")
    sys.stdout.flush()


def evaluated(model: Model, folder: Path, *, as_json: bool) -> None:
    """The outcome of a fit: scores, verdict, and where to look."""
    metrics = read_metrics(folder)
    if as_json:
        dump({"run": str(folder), "metrics": metrics, "guesses": model.guesses})
        return
    scores(metrics, as_json=False)
    line(f"report: {folder / REPORT}")


def scores(metrics: Metrics, *, as_json: bool) -> None:
    """The score table and the verdict."""
    if as_json:
        dump(metrics)
        return
    table = _table(f"{metrics.windows:,} windows of {metrics.horizon} rows, season {metrics.season}")
    for name in ("MASE", "RMSE", "MAE", "sMAPE %"):
        table.add_column(name, justify="right")
    ranked = sorted(metrics.scores, key=lambda score: score.mase)
    for score in ranked:
        style = "bold" if score.model == metrics.scores[0].model else ""
        numbers = (score.mase, score.rmse, score.mae, score.smape)
        table.add_row(_cell(score.model), *(f"{number:,.4g}" for number in numbers), style=style)
    _print(table)
    for note in metrics.notes:
        _say(f"note: {note}")
    for text in (metrics.verdict.text, *(duel.text for duel in metrics.duels)):
        _say(text)


def audited(audit: Audit, *, as_json: bool) -> None:
    """Every check: its outcome, what was measured, and what it means."""
    if as_json:
        _write_json(audit_to_json(audit))
        return
    table = _table(audit.summary())
    for name in ("outcome", "measured", "what it means"):
        table.add_column(name)
    for check in audit.checks:
        style = "bold red" if check in audit.failures else "dim" if check.status == "skipped" else ""
        table.add_row(check.claim, check.verdict(), check.numbers(), _cell(check.meaning), style=style)
    _print(table)


def inspected(found: Inspection, other: Inspection | None, paths: Sequence[Path], *, as_json: bool) -> None:
    """What an inspection found, in a sentence a view, with advice and where the pictures are."""
    if as_json:
        dump(to_json(found) if other is None else {"one": to_json(found), "other": to_json(other)})
        return
    for heading, sentence in _findings(found).items():
        _say(f"{heading}: {sentence}")
    if other is not None:
        _compared(found, other)
    for each in found.advice:
        _say(f"advice: {each}")
    if paths:
        line(f"pictures: {', '.join(str(path) for path in paths)}")


def _findings(found: Inspection) -> dict[str, str]:
    """One sentence for each view that there is."""
    from gatecast.reporting import inside_findings as say  # noqa: PLC0415 - drawing is loaded when wanted

    told = {
        "gates": say.gates_finding(found),
        "timescales": say.timescale_finding(found),
        "memory": say.memory_finding(found),
        "gradients": say.gradient_finding(found),
        "states": say.state_finding(found),
    }
    return told | ({"covariates": say.importance_finding(found)} if found.importance else {})


def _compared(found: Inspection, other: Inspection) -> None:
    table = _table("side by side")
    for name in (found.name, other.name):
        table.add_column(_cell(name), justify="right")
    for each in compare(found, other):
        table.add_row(_cell(each.what), *("" if isnan(n) else f"{n:,.4g}" for n in (each.one, each.other)))
    _print(table)


def predicted(prediction: Prediction, out: Path | None, *, as_json: bool) -> None:
    """Forecasts: written to a file, or printed."""
    frame = prediction.to_frame()
    for note in () if as_json else unknown_words(prediction.panel):
        _say(f"note: {note}")
    if out is not None:
        write_frame(frame, out)
        line(f"{frame.height:,} rows written to {out}")
    elif as_json:
        dump([{name: _plain(value) for name, value in row.items()} for row in frame.iter_rows(named=True)])
    else:
        _forecast_table(frame)


def batch(done: Done, *, as_json: bool) -> None:
    """What became of a folder of partitions, and the scores of a backtest."""
    if as_json:
        dump(done)
        return
    if done.metrics is not None:
        scores(done.metrics, as_json=False)
    kept = f", {done.kept:,} of them finished before" if done.kept else ""
    partitions = "1 partition" if done.partitions == 1 else f"{done.partitions:,} partitions"
    line(
        f"{partitions}{kept}: {done.rows:,} rows read, {done.forecasts:,} rows of forecasts written to {done.out} in "
        f"{done.seconds:,.1f} s"
    )


def exported(folder: Path, *, as_json: bool) -> None:
    """What an export wrote, and how far it is from the model."""
    check = msgspec.json.decode((folder / "model.json").read_bytes())["check"]
    files = sorted(path.name for path in folder.iterdir())
    if as_json:
        dump({"out": str(folder), "files": files, "check": check})
        return
    found = check["difference"]
    worst = max(found.values()) if isinstance(found, dict) else found
    shapes = " and ".join(f"{shape['batch']} series of {shape['rows']} rows" for shape in check["shapes"])
    line(f"{', '.join(files)} written to {folder}")
    line(f"beside the model on {shapes}: at most {worst:.1g} of the scaled values apart")


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Write a data frame as .csv or .parquet, whole or not at all."""
    buffer = io.BytesIO()
    if path.suffix == ".csv":
        buffer.write(as_csv(frame))
    elif path.suffix == ".parquet":
        frame.write_parquet(buffer)
    else:
        raise OptionError(f"--out writes .csv or .parquet, got {path.name!r}.")
    make_folder(path.parent)
    write_atomic(path, buffer.getvalue())


def settings(defaults: Mapping[str, Any]) -> None:
    """Settings as TOML; those that are chosen from the data when nobody says them are commented out."""
    for name, value in defaults.items():
        line(f"# {name} = " if value is None else f"{name} = {msgspec.json.encode(value).decode()}")


def comparison(runs: Mapping[str, Metrics], *, as_json: bool) -> None:
    """One row a run: its net beside its best baseline."""
    if as_json:
        dump(runs)
        return
    table = _table("MASE below 1 beats the in-sample seasonal naive error")
    for name in ("net", "horizon", "windows", "MASE", "best baseline", "its MASE", "skill", "p"):
        table.add_column(name, justify="left" if name in ("net", "best baseline") else "right")
    for run, metrics in sorted(runs.items(), key=lambda item: item[1].scores[0].mase):
        net, verdict = metrics.scores[0], metrics.verdict
        best = next(score for score in metrics.scores if score.model == verdict.best_baseline)
        numbers = (
            f"{net.mase:.3f}",
            _cell(best.model),
            f"{best.mase:.3f}",
            f"{verdict.skill:+.1%}",
            f"{verdict.p_value:.2g}",
        )
        table.add_row(_cell(run), _cell(net.model), str(metrics.horizon), f"{metrics.windows:,}", *numbers)
    _print(table)


def _forecast_table(frame: pl.DataFrame) -> None:
    table = _table("")
    for name in frame.columns[1:]:
        table.add_column(_cell(name), justify="right")
    for row in frame.head(MOST_ROWS).iter_rows():
        table.add_row(*(f"{value:,.6g}" if isinstance(value, float) else _cell(str(value)) for value in row))
    _print(table)
    if frame.height > MOST_ROWS:
        line(f"{frame.height - MOST_ROWS:,} more rows; --out FILE.csv writes them all.")


def _table(title: str) -> Table:
    """A table whose first column names things."""
    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="dim")
    table.add_column("")
    return table


def _cell(text: str) -> str:
    """A text that came from somewhere, as a cell of a table."""
    return escape(visible(text))


def _say(sentence: str) -> None:
    """A sentence: broken between words in a terminal, one line in a pipe."""
    if sys.stdout.isatty():
        Console(highlight=False, emoji=False).print(Text(visible(sentence)))
    else:
        line(sentence)


def _print(table: Table) -> None:
    """A table; a pipe has no width of its own."""
    Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 140).print(table)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
