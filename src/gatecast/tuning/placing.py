"""The run folder of a search: that of a fit, with the journal, search.json and search.html beside it."""

import shutil
from pathlib import Path
from typing import Any

import msgspec

from gatecast.errors import ArtifactError, OptionError
from gatecast.files import write_atomic
from gatecast.folders import make_folder
from gatecast.tuning.journal import JOURNAL
from gatecast.tuning.records import search_to_json
from gatecast.tuning.result import Search
from gatecast.workflow import FitOptions, Model, fit, runs
from gatecast.workflow.listening import Listener
from gatecast.workflow.options import flatten

RECORD, PAGE, BEST = "search.json", "search.html", "best.toml"
OF_A_FIT = (
    *(runs.RUN, runs.MODEL, runs.CHECKPOINT, runs.METRICS, runs.AUDIT),
    *(runs.FORECASTS, runs.STEPS, runs.REPORT, runs.PICTURES),
)


def claim(folder: Path, *, resume: bool) -> None:
    """Take the folder, or refuse to overwrite or to mix what lies there.

    Raises:
        OptionError: it is taken, or holds nothing to go on with.
    """
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file, and a search is written into a folder: give another --out.")
    begun = (folder / JOURNAL).exists()
    if resume and not begun:
        raise OptionError(f"there is no search to resume in {folder}: it holds no {JOURNAL}.")
    if begun and not resume:
        raise OptionError(f"{folder} holds a search already: go on with it by --resume, or give another --out.")
    if not begun and (folder / runs.RUN).exists():
        raise OptionError(f"{folder} holds a run already: give another --out.")
    make_folder(folder)


def fit_winner(source: Any, options: FitOptions, out: Path | None, listener: Listener) -> Model:  # noqa: ANN401
    """Fit the best settings by `gatecast fit`, going on with a fit of the same ones that was broken off."""
    same = out is not None and _asked(out) == options
    if out is not None and not same:
        clear(out)
    return fit(source, out=out, resume=same, options=options, listener=listener)


def _asked(folder: Path) -> FitOptions | None:
    """What the fit in the folder was asked for; None where there is none."""
    try:
        return runs.read_record(folder).asked
    except ArtifactError:
        return None


def clear(folder: Path) -> None:
    """Take away the fit of an earlier winner, run.json first, for that makes it a run."""
    for name in OF_A_FIT:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write(search: Search, folder: Path) -> None:
    """Write search.json, search.html, and the best settings as a config file for `gatecast fit`."""
    from gatecast.tuning.page import write_page  # noqa: PLC0415 - charts are loaded when wanted

    write_atomic(folder / RECORD, search_to_json(search.record))
    write_atomic(folder / BEST, as_toml(search.options).encode())
    name = search.model.about.data["name"]
    write_page(search.record, name, runs.read_metrics(folder), folder / PAGE)


def as_toml(options: FitOptions) -> str:
    """What differs from the defaults; a line of JSON is one of TOML where a value is neither null nor a table.

    One character may stand in JSON's texts and not in TOML's: DEL.
    """
    usual = flatten(msgspec.to_builtins(FitOptions()))
    said = {name: value for name, value in flatten(msgspec.to_builtins(options)).items() if value != usual[name]}
    return "".join(f"{name} = {_text(value)}\n" for name, value in said.items())


def _text(value: Any) -> str:  # noqa: ANN401 - any value of a setting
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
