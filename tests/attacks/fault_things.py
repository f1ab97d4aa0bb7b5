"""Everything that gatecast saves: what writes it, what a reader may find after a fault, and what comes of it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fault_readers as readers
from fault_points import Act, Forge

from gatecast.workflow.runs import METRICS, RUN
from small_tables import wave_table

FIT = (
    *("--horizon", "4", "--lookback", "24", "--season", "12", "--hidden-size", "4", "--steps", "12", "--quiet"),
    *("--baselines", "naive", "--set", "training.evaluate_every=4", "batch_size=16", "calibrate=false"),
)
TUNE = ("--horizon", "4", "--season", "12", "--steps", "2", "--trials", "1", "--baselines", "naive", "--quiet")


@dataclass(frozen=True)
class Thing:
    """Something that is saved.

    Attributes:
        name: what it is.
        act: what writes it, into the folder `work`.
        seen: what a reader finds there: nothing, or something whole, by its version; fails on anything else.
        result: what must be the same in the end, however often it was broken off.
        again: what a user does next, as `work` is then, if anything; the same act if None.
        before: the folder that `work` is a copy of at the beginning; empty if None.
        acknowledges: whether what is seen is a number that must not be below the last one that was acknowledged.
        leaves: whether a temporary file may stay, in a folder that is not ours to sweep.
    """

    name: str
    act: Act
    seen: Callable[[Path], str]
    result: Callable[[Path], dict[str, object]]
    again: Callable[[Path], Act | None] | None = None
    before: Path | None = None
    acknowledges: bool = False
    leaves: bool = False


def prepare(forge: Forge, place: Path) -> None:
    """Make what the things are made from: tables, models, partitions, a fitted run, a store."""
    wave_table().write_csv(place / "waves.csv")
    wave_table(ids=("a", "b", "c")).write_csv(place / "many.csv")
    many = ("--id", "shop", *FIT)
    acts = [
        Act("command", ("fit", str(place / "waves.csv"), *FIT, "--out", str(place / "fitted"))),
        Act("command", ("fit", str(place / "many.csv"), *many, "seed=1", "--out", str(place / "earlier"))),
        Act("command", ("fit", str(place / "many.csv"), *many, "seed=2", "--out", str(place / "later"))),
        Act("partition", (str(place / "many.csv"), str(place / "parts"), "--parts", "2", "--id", "shop")),
        Act("save", (str(place / "earlier"), str(place / "with a model" / "out"))),
        Act("observe", (str(place / "with a store" / "out"), "8")),
    ]
    for act in acts:
        ended = forge.do(act, place / "nowhere")
        assert ended.code == 0, ended.said
    (place / "with a file").mkdir()
    (place / "with a file" / "out.csv").write_text(readers.EARLIER)
    (place / "with scores" / "out").mkdir(parents=True)  # of the last fit of a search, which is tried by itself
    shutil.copy(place / "fitted" / METRICS, place / "with scores" / "out")


def things(place: Path) -> list[Thing]:
    """All of them, made from what lies in `place`, in its folder `work`."""
    return [*_of_models(place), *_of_tables(place), *_of_stores(place)]


def _of_models(place: Path) -> list[Thing]:
    out = str(place / "work" / "out")
    model = Act("save", (str(place / "later"), out))
    fit = ("fit", str(place / "waves.csv"), *FIT, "--out", out)
    tune = (str(place / "fitted"), str(place / "waves.csv"), *TUNE, "--out", out)
    which = readers.which_model(place)
    search = Act("search", tune)
    return [
        Thing("a model, the first in its folder", model, which, readers.files("*")),
        Thing("a model in the place of another", model, which, readers.files("*"), before=place / "with a model"),
        Thing(
            "a run: log, checkpoints, model, scores", Act("command", fit), readers.run, readers.fitted, _resumed(fit)
        ),
        Thing(
            *("a search: its journal, record and page", search, readers.search, readers.files("best.toml")),
            *(_resumed(tune, "search"), place / "with scores"),
        ),
    ]


def _of_tables(place: Path) -> list[Thing]:
    work = place / "work"
    many, model, out = str(place / "many.csv"), str(place / "later"), str(work / "out")
    batch = (model, str(place / "parts"), "--workers", "1", "--quiet", "--out", out)
    cut = Act("partition", (many, out, "--parts", "2", "--id", "shop"))
    forecast = Act("command", ("predict", model, many, "--out", str(work / "out.csv")))
    predict, backtest = Act("command", ("predict", *batch)), Act("command", ("backtest", *batch))
    return [
        Thing("a table cut into partitions", cut, readers.partitions, readers.frames, _unless_done(cut)),
        Thing("forecasts of partitions", predict, readers.forecasts, readers.frames),
        Thing("a backtest of partitions", backtest, readers.forecasts, readers.backtested),
        Thing(
            *("a file of forecasts in the place of another", forecast, readers.file, readers.file_bytes),
            before=place / "with a file",
            leaves=True,
        ),
    ]


def _of_stores(place: Path) -> list[Thing]:
    act = Act("observe", (str(place / "work" / "out"), "20"))
    opened, rows = readers.store, readers.stored
    return [
        Thing("a live server's log and snapshots, new", act, opened, rows, acknowledges=True),
        Thing(
            *("a live server's log and snapshots, opened again", act, opened, rows, None, place / "with a store"),
            acknowledges=True,
        ),
    ]


def _resumed(arguments: tuple[str, ...], name: str = "command") -> Callable[[Path], Act]:
    """The same command; with --resume once the folder holds something to go on with."""

    def again(work: Path) -> Act:
        begun = any((work / "out" / file).exists() for file in (RUN, "search.jsonl"))
        return Act(name, (*arguments, "--resume") if begun else arguments)

    return again


def _unless_done(act: Act) -> Callable[[Path], Act | None]:
    """The same act, which refuses to do again what is done."""
    return lambda work: None if (work / "out").exists() else act
