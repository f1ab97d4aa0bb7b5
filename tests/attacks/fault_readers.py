"""What a reader finds of everything that gatecast saves; whatever is neither whole nor refused in words fails."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import torch
from fault_acts import BATCH, row, state

from gatecast import artifact
from gatecast.errors import ArtifactError
from gatecast.server.store.sqlite import SqliteStore
from gatecast.workflow.runs import load_without_table
from store_rows import everything

NOTHING, EARLIER = "nothing", "earlier\n"
ROWS = 3 * 160  # of the table that is cut


def which_model(place: Path) -> Callable[[Path], str]:
    """Which of two models the folder holds."""

    def seen(work: Path) -> str:
        try:
            found = artifact.load(work / "out")[0].network_.state_dict()
        except ArtifactError:
            return NOTHING
        for name in ("earlier", "later"):
            known = artifact.load(place / name / "model")[0].network_.state_dict()
            if all(torch.equal(known[key], found[key]) for key in known):
                return name
        raise AssertionError("a third model was loaded")

    return seen


def run(work: Path) -> str:
    """A run that was broken off says so; after that it has a model."""
    try:
        load_without_table(work / "out")
    except ArtifactError as error:
        told = ("go on with it by `gatecast fit`", "broken off before it began", "there is no folder")
        if any(words in str(error) for words in told):
            return NOTHING
        if not any((work / "out").iterdir()):
            return NOTHING
        raise
    return "a model"


def search(work: Path) -> str:
    """What a search is comes out when it goes on; its pages are whole."""
    pages = [path for name in ("search.json", "search.html") if (path := work / "out" / name).exists()]
    assert all(path.read_bytes().endswith((b"}", b"a page")) for path in pages)
    return str(len(pages))


def partitions(work: Path) -> str:
    """All of them or none."""
    if not (work / "out").exists():
        return NOTHING
    assert sum(pl.read_parquet(path).height for path in sorted((work / "out").iterdir())) == ROWS
    return "whole"


def forecasts(work: Path) -> str:
    """Whatever has its name is whole."""
    found = sorted((work / "out").glob("part-*.parquet"))
    assert all(pl.read_parquet(path).height for path in found)
    return str(len(found))


def file(work: Path) -> str:
    """The earlier file or the new one."""
    text = (work / "out.csv").read_text()
    assert text == EARLIER or pl.read_csv(work / "out.csv").height == 12
    return "earlier" if text == EARLIER else "later"


def store(work: Path) -> str:
    """How many rows were taken: each once, requests whole; a snapshot is whole, and has seen what is gone."""
    with SqliteStore(work / "out") as opened:
        found, last, snapshot = everything(opened), opened.append([]), opened.latest("m")
    assert last % BATCH == 0, "half a request was kept"
    assert found == [(number, row(number)) for number in range(last - len(found) + 1, last + 1)]
    assert snapshot is None or snapshot.state == state(snapshot.position)
    assert len(found) == last or (snapshot is not None and snapshot.position >= last - len(found))
    return str(last)


def files(pattern: str) -> Callable[[Path], dict[str, object]]:
    """The bytes of every file in the folder."""
    return lambda work: {path.name: path.read_bytes() for path in sorted((work / "out").glob(pattern))}


def fitted(work: Path) -> dict[str, object]:
    """What a run comes to, but for timings; of the checkpoints that the last one is there."""
    names = ("model/weights.safetensors", "steps.jsonl", "metrics.json", "audit.json", "forecasts.parquet")
    names = (*names, "report.html", "pictures/data.png", "pictures/forecast.png")
    last = max((work / "out" / "checkpoint").glob("step-*")).name
    return {name: (work / "out" / name).read_bytes() for name in names} | {"last": last}


def frames(work: Path) -> dict[str, object]:
    """Every row of every file."""
    return {path.name: pl.read_parquet(path).to_dicts() for path in sorted((work / "out").glob("part-*"))}


def backtested(work: Path) -> dict[str, object]:
    """Every row, and the scores."""
    return frames(work) | {"metrics": (work / "out" / "metrics.json").read_bytes()}


def file_bytes(work: Path) -> dict[str, object]:
    """The file."""
    return {"out.csv": (work / "out.csv").read_bytes()}


def stored(work: Path) -> dict[str, object]:
    """How many rows there were, those that no policy has removed, and the snapshot."""
    with SqliteStore(work / "out") as opened:
        last = opened.append([])
        return {"rows": everything(opened, last - BATCH), "last": last, "snapshot": opened.latest("m")}
