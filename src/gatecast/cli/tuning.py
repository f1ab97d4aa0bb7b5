"""The command that searches settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Group, Parameter

from gatecast.cli.asking import new_folder, parse_settings
from gatecast.cli.flags import JudgingFlags, LearningFlags, NetFlags, TableFlags, said
from gatecast.errors import OptionError

if TYPE_CHECKING:
    from gatecast.engines import EngineOptions

SEARCH = Group.create_ordered("Search")
Json = Annotated[bool, Parameter(negative=())]
Settings = Annotated[list[str], Parameter(name="--set", consume_multiple=True, negative=())]


@Parameter(name="*", group=SEARCH)
@dataclass(frozen=True)
class SearchFlags:
    """How long is searched, and where.

    Parameters
    ----------
    trials
        Settings that are tried, at most (default: 50).
    budget
        The time that trials may take, such as 10min or 2h; the last fit comes after it (default: no limit).
    engine
        Processes of this machine, or a Ray cluster that shares the run folder.
    workers
        Processes side by side (default: 1; of a cluster as many as it has processors).
    address
        Of a Ray cluster (default: the one that RAY_ADDRESS names, else a new one on this machine).
    out
        The run folder (default: runs/NAME, a new one).
    resume
        Go on with the search in --out, after a crash too; a budget begins anew.
    quiet
        No progress on stderr.
    json
        Results as JSON on stdout.
    """

    trials: int | None = None
    budget: str | None = None
    engine: Literal["local", "ray"] = "local"
    workers: int | None = None
    address: str | None = None
    out: Path | None = None
    resume: Json = False
    quiet: Json = False
    json: Json = False


def add_tune_command(app: App) -> None:
    """Put the command beside the others."""
    app.command(tune)


def tune(  # noqa: PLR0913 - a command's parameters are its flags, grouped in values
    data: Path,
    /,
    *,
    horizon: int | None = None,
    config: Path | None = None,
    settings: Settings | None = None,
    table: TableFlags | None = None,
    net: NetFlags | None = None,
    learning: LearningFlags | None = None,
    judging: JudgingFlags | None = None,
    searching: SearchFlags | None = None,
) -> None:
    """Search good settings by the validation part, fit the best ones, and score them on the untouched test part.

    Settings that are said stay as they are; the others are searched, beginning with what `gatecast fit` would do.

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
    from gatecast.cli import show_tuning  # noqa: PLC0415 - torch is loaded when there is work
    from gatecast.tuning import tune as search  # noqa: PLC0415
    from gatecast.workflow.options import full_names, said_settings  # noqa: PLC0415

    flags = searching or SearchFlags()
    if flags.resume and flags.out is None:
        raise OptionError("--resume goes on with a search that was begun: say which one with --out RUN.")
    flagged = full_names(said(table, net, learning, judging) | _horizon(horizon))
    spoken = full_names(parse_settings(settings or [])) | flagged
    out = flags.out or new_folder(Path("runs"), data, "tuned")
    found = search(
        data,
        out=out,
        engine=_engine(flags),
        resume=flags.resume,
        listener=show_tuning.listener(silent=flags.quiet or flags.json),
        **_given(flags),
        **said_settings(spoken, config),
    )
    show_tuning.found(found, out, as_json=flags.json)


def _horizon(horizon: int | None) -> dict[str, Any]:
    return {} if horizon is None else {"horizon": horizon}


def _engine(flags: SearchFlags) -> "EngineOptions":
    """One process of this machine, unless more were asked for."""
    from gatecast.engines import EngineOptions  # noqa: PLC0415

    workers = 1 if flags.workers is None and flags.engine == "local" else flags.workers
    return EngineOptions(flags.engine, workers, flags.address)


def _given(flags: SearchFlags) -> dict[str, Any]:
    """How long to search, where it was said."""
    return {name: getattr(flags, name) for name in ("trials", "budget") if getattr(flags, name) is not None}
