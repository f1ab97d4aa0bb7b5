"""gatecast on the command line.

Exit codes: 0 done, 1 refused or failed with one clear message on stderr, 2 wrong usage, 130 interrupted.
"""

import io
import os
import shutil
import sys
from pathlib import Path
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from gatecast import __version__
from gatecast.cli.asking import new_folder, parse_settings
from gatecast.cli.batch import (
    EngineFlags,
    add_batch_commands,
    backtest_folder,
    fit_on_cluster,
    in_partitions,
    predict_folder,
)
from gatecast.cli.completing import add_completion_command
from gatecast.cli.exports import add_export_command
from gatecast.cli.flags import JudgingFlags, NetFlags, OutputFlags, TableFlags, TrainingFlags, WorkerFlags, said
from gatecast.cli.live import add_live_commands
from gatecast.cli.tuning import add_tune_command
from gatecast.errors import AuditError, GatecastError, InstallationError, OptionError
from gatecast.visible import visible

if TYPE_CHECKING:
    from gatecast.workflow import FitOptions

app = App(
    name="gatecast",
    version=__version__,
    help="Recurrent forecasting: from a table to a trustworthy forecast.",
    help_format="plaintext",
)
add_live_commands(app)
add_batch_commands(app)
add_tune_command(app)
add_export_command(app)
Settings = Annotated[list[str], Parameter(name="--set", consume_multiple=True, negative=())]
Json = Annotated[bool, Parameter(negative=())]
MOST_THREADS = 1024
_ASK = ". Something is not wholly installed: `gatecast doctor` tells what, and what to do."
_NO_MEMORY = "out of memory: lower hidden_size, shorten the lookback, lower training.batch_size, or use fewer series."


@app.command
def fit(  # noqa: PLR0913 - a command's parameters are its flags, grouped in values
    data: Path,
    /,
    *,
    horizon: int | None = None,
    config: Path | None = None,
    settings: Settings | None = None,
    table: TableFlags | None = None,
    net: NetFlags | None = None,
    training: TrainingFlags | None = None,
    workers: WorkerFlags | None = None,
    judging: JudgingFlags | None = None,
    output: OutputFlags | None = None,
) -> None:
    """Train a recurrent net on a table, score it beside simple methods, and write a run folder.

    Parameters
    ----------
    data
        A CSV, TSV, Parquet or Arrow file; text may be gzip.
    horizon
        Rows to forecast (default: 24).
    config
        A TOML file with settings; flags go on top of it.
    settings
        Any other setting, such as training.patience=20; `gatecast settings` lists them.
    """
    from gatecast.cli import show  # noqa: PLC0415 - torch is loaded when there is work
    from gatecast.training.group import told_by_environment  # noqa: PLC0415

    options = fit_options(horizon, config, settings, said(table, net, training, judging))
    output = output or OutputFlags()
    if output.resume and output.out is None:
        raise OptionError("--resume goes on with a run that was begun: say which one with --out RUN.")
    rank, world = told_by_environment("RANK", 0), told_by_environment("WORLD_SIZE", 1)
    if world > 1 and output.out is None:
        raise OptionError("several workers share one run folder, also when they are started again: give --out RUN.")
    out = output.out or new_folder(Path("runs"), data, options.network.layer.cell)
    model = _fit(data, options, out, output, workers or WorkerFlags())
    if rank == 0:
        show.evaluated(model, out, as_json=output.json)


def fit_options(
    horizon: int | None, config: Path | None, settings: list[str] | None, flags: dict[str, Any]
) -> "FitOptions":
    """Everything that was said about a fit, by --config, by --set and by flags."""
    from gatecast.workflow import build_options  # noqa: PLC0415 - torch is loaded when there is work
    from gatecast.workflow.options import full_names  # noqa: PLC0415

    spoken = full_names(parse_settings(settings or [])) | full_names(flags)
    return build_options(spoken if horizon is None else spoken | {"horizon": horizon}, config)


def _fit(data: Any, options: Any, out: Path, output: OutputFlags, workers: WorkerFlags) -> Any:  # noqa: ANN401 - their types load torch
    import torch  # noqa: PLC0415

    from gatecast.workflow import fit as fit_model  # noqa: PLC0415

    if not 1 <= output.threads <= MOST_THREADS:
        raise OptionError(f"--threads counts from 1 up, got {output.threads}; the most is {MOST_THREADS:,}.")
    if output.watch and (output.quiet or output.json):
        raise OptionError("--watch shows what --quiet and --json leave out: give one or the other.")
    torch.set_num_threads(output.threads)
    if workers.engine == "ray":
        return fit_on_cluster(data, options, out, (output, workers), _listener(out, output))
    if workers.workers is not None or workers.address is not None:
        raise OptionError(
            "--workers and --address are of a cluster: add --engine ray, or start several workers on this machine by "
            "torchrun --nproc-per-node N -m gatecast fit ... --out RUN."
        )
    return fit_model(
        data,
        out=out,
        resume=output.resume,
        tensorboard=output.tensorboard,
        options=options,
        listener=_listener(out, output),
    )


def _listener(out: Path, output: OutputFlags) -> Any:  # noqa: ANN401
    """Who is told about the fit."""
    from gatecast.workflow.filming import Filming  # noqa: PLC0415
    from gatecast.workflow.listening import Silent, Together  # noqa: PLC0415
    from gatecast.workflow.runs import PICTURES  # noqa: PLC0415
    from gatecast.workflow.terminal import Terminal  # noqa: PLC0415
    from gatecast.workflow.watching import Watching  # noqa: PLC0415

    told = Silent() if output.quiet or output.json else Watching(Terminal()) if output.watch else Terminal()
    return Together(told, Filming(out / PICTURES / "training.gif")) if output.film else told


@app.command
def predict(
    run: Path,
    data: Path | None = None,
    /,
    *,
    horizon: int | None = None,
    out: Path | None = None,
    engine: EngineFlags | None = None,
    json: Json = False,
) -> None:
    """Forecast beyond the end of a table, or of every series of a folder of partitions.

    Parameters
    ----------
    run
        A run folder or a model folder.
    data
        New data with the columns the net was trained on (default: the table of the run); a folder is one of
        partitions, as `gatecast partition` writes them.
    horizon
        Rows to forecast, at most as many as the net was trained for.
    out
        Write the forecasts to this .csv or .parquet file; those of partitions into this folder. In CSV, a name that a
        spreadsheet would take for a formula gets an apostrophe in front.
    json
        Forecasts as JSON on stdout; of partitions what was done.
    """
    from gatecast.cli import show  # noqa: PLC0415
    from gatecast.workflow import load  # noqa: PLC0415

    if in_partitions(data, engine):
        predict_folder(run, data, out, horizon, engine, as_json=json)
        return
    show.predicted(load(run).predict(data, horizon), out, as_json=json)


@app.command
def backtest(
    run: Path,
    data: Path | None = None,
    /,
    *,
    windows: int | None = None,
    out: Path | None = None,
    engine: EngineFlags | None = None,
    json: Json = False,
) -> None:
    """Score a net and the simple methods again, on its own test part or on new data.

    Parameters
    ----------
    run
        A run folder or a model folder.
    data
        New data; only rows that the net has not learnt from are scored; a folder is one of partitions.
    windows
        The most rolling origins of each series (default: as in the run).
    out
        Write the report to this .html file; of partitions the forecasts and metrics.json into this folder.
    json
        Scores as JSON on stdout; of partitions what was done too.
    """
    from gatecast.cli import show  # noqa: PLC0415
    from gatecast.workflow import load  # noqa: PLC0415

    if in_partitions(data, engine):
        backtest_folder(run, data, out, windows, engine, as_json=json)
        return
    evaluation = load(run).backtest(data, windows)
    if out is not None:
        evaluation.report(out)
    show.scores(evaluation.metrics, as_json=json)


@app.command
def audit(run: Path, data: Path | None = None, /, *, json: Json = False) -> None:
    """Check whether the scores of a net can be trusted; exit code 1 when a check fails.

    Parameters
    ----------
    run
        A run folder or a model folder.
    data
        New data; only rows that the net has not learnt from are looked at.
    json
        The checks as JSON on stdout.
    """
    from gatecast.cli import show  # noqa: PLC0415
    from gatecast.workflow import audit as audit_model  # noqa: PLC0415
    from gatecast.workflow import load  # noqa: PLC0415

    result = audit_model(load(run), data)
    show.audited(result, as_json=json)
    if not result.passed:
        raise AuditError(f"{result.forecaster} failed: {', '.join(check.claim for check in result.failures)}.")


@app.command
def inspect(  # noqa: PLR0913 - a command's parameters are its flags
    run: Path,
    data: Path | None = None,
    /,
    *,
    series: str | None = None,
    beside: Path | None = None,
    out: Path | None = None,
    animate: Json = False,
    json: Json = False,
) -> None:
    """Look inside a net: what its gates do, how far back it remembers, where gradients flow, what it rests on.

    Parameters
    ----------
    run
        A run folder or a model folder.
    data
        New data; only rows that the net has not learnt from are forecast (default: the table of the run).
    series
        The series to look at (default: the longest one).
    beside
        Another run or model, to see both side by side.
    out
        Write the pictures into this folder (default: the run's pictures; of a model folder, ./inspection).
    animate
        Also write gates.gif, and gates.mp4 where ffmpeg is installed: gates and forecasts as the series is read.
    json
        The numbers as JSON on stdout, and no pictures but into --out.
    """
    from gatecast.cli import show  # noqa: PLC0415
    from gatecast.workflow import load  # noqa: PLC0415
    from gatecast.workflow.picturing import picture  # noqa: PLC0415

    found = load(run).inspect(data, series)
    other = None if beside is None else load(beside).inspect(data, series)
    paths = [] if json and out is None else picture(found, run, out, other, beside, animate=animate)
    show.inspected(found, other, paths, as_json=json)


@app.command
def compare(run: Path, /, *runs: Path, json: Json = False) -> None:
    """Put the scores of several runs side by side.

    Parameters
    ----------
    run
        A run folder.
    runs
        More run folders.
    json
        Scores as JSON on stdout.
    """
    from gatecast.cli import show  # noqa: PLC0415
    from gatecast.workflow.runs import read_metrics, same_task  # noqa: PLC0415

    folders = (run, *runs)
    metrics = {str(folder): read_metrics(folder) for folder in folders}
    show.comparison(metrics, as_json=json)
    if not json and not same_task(folders):
        show.line("note: these runs differ in table, target, horizon, season or windows: not of the same task.")


@app.command
def demo(*, out: Path = Path("runs/demo"), quiet: Json = False) -> None:
    """Forecast real data that come with gatecast, end to end: weekly CO2 and monthly El Nino.

    Parameters
    ----------
    out
        Where the tables and the runs go.
    quiet
        No progress on stderr.
    """
    from gatecast.cli import show  # noqa: PLC0415
    from gatecast.datasets import DATASETS  # noqa: PLC0415
    from gatecast.workflow import build_options  # noqa: PLC0415

    for dataset in DATASETS.values():
        table = out / f"{dataset.name}.csv"
        out.mkdir(parents=True, exist_ok=True)
        dataset.load().write_csv(table)
        show.line("")
        show.line(dataset.title)
        show.line(f"$ gatecast fit {table} --horizon {dataset.horizon}")
        folder = new_folder(out, dataset.name)
        options = build_options({"horizon": dataset.horizon})
        show.evaluated(_fit(table, options, folder, OutputFlags(quiet=quiet), WorkerFlags()), folder, as_json=False)


@app.command
def doctor(*, json: Json = False) -> None:
    """Tell whether gatecast is well on this machine, and what to do where it is not; exit code 1 if it cannot work.

    Parameters
    ----------
    json
        Every finding as JSON on stdout.
    """
    from gatecast.doctor import as_json, as_text, examine  # noqa: PLC0415 - each command loads its own

    found = examine()
    sys.stdout.write((as_json(found) if json else as_text(found)) + "\n")
    if not found.healthy:
        raise InstallationError(f"broken: {', '.join(finding.name for finding in found.broken)}.")


@app.command
def settings() -> None:
    """Print every setting with its default, as a config file ready to be edited."""
    from gatecast.cli import show  # noqa: PLC0415
    from gatecast.workflow.options import all_settings  # noqa: PLC0415

    show.settings(all_settings())


add_completion_command(app)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without a letter shows ? in its place
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except CycloptsError as error:
        return _fail(f"{error}\nTry: gatecast --help", 2)
    except GatecastError as error:
        return _fail(str(error), 1)
    except MemoryError:
        return _fail(_NO_MEMORY, 1)
    except KeyboardInterrupt:
        return _fail("interrupted.", 130)


def _run(arguments: list[str]) -> int:
    """Run a command whose own faults are Python's to tell, but not those of files and disks."""
    try:
        app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except BrokenPipeError:  # whoever read our output has heard enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except GatecastError:
        raise
    except ImportError as error:
        return _fail(f"{error}{_ASK}", 1)
    except OSError as error:
        where = _ASK if error.errno is None else ""  # a library that cannot be loaded has no number
        return _fail(f"{error.strerror or error}: {error.filename or ''}".rstrip(": ") + where, 1)
    except RuntimeError as error:  # torch does not raise MemoryError
        if "allocate memory" not in str(error) and "not enough memory" not in str(error):
            raise
        return _fail(_NO_MEMORY, 1)
    return 0


def _fail(message: str, code: int) -> int:
    text = "\n".join(visible(line) for line in f"gatecast: {message}".split("\n"))
    if sys.stderr.isatty():  # break lines between words; elsewhere a message is one line
        width = shutil.get_terminal_size().columns
        wrap = TextWrapper(width, break_long_words=False, break_on_hyphens=False)
        text = "\n".join(wrap.fill(line) for line in text.splitlines())
    sys.stderr.write(f"{text}\n")
    return code
