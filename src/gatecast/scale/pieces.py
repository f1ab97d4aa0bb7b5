"""A piece of work: one partition, and what is to be done with it; it goes to another process and may be done twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from gatecast.artifact import read_manifest
from gatecast.errors import ArtifactError, DiskError, InputError, WorkerError
from gatecast.workflow.model import Model
from gatecast.workflow.runs import load_without_table, model_folder


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked of every partition.

    Attributes:
        kind: `predict` or `backtest`.
        horizon: rows to forecast; None for those of the model.
        windows: the most rolling origins of each series; None for as many as the run has.
        stride: rows from one origin to the next; None for the horizon.
    """

    kind: str
    horizon: int | None = None
    windows: int | None = None
    stride: int | None = None


class Piece(Struct, frozen=True):
    """One partition's work.

    Attributes:
        run: the folder of the run or model.
        seal: of its manifest, so that no other model takes its place unnoticed.
        source: the partition.
        out: the Parquet file to write.
        scores: the file of scores to write beside it, of a backtest.
        asked: what is asked.
    """

    run: str
    seal: str
    source: str
    out: str
    scores: str
    asked: Asked


class Finished(NamedTuple):
    """What became of a piece: rows read, rows of forecasts written, and the hashes of the names of its series."""

    rows: int
    forecasts: int
    names: bytes


def seal_of(run: Path) -> str:
    """The seal of a run's or a model's manifest: the sha256 of everything that it says."""
    return read_manifest(model_folder(run)).seal


@lru_cache(maxsize=1)
def loaded(run: str, seal: str) -> Model:
    """The model, loaded once in each process.

    Raises:
        ArtifactError: it is another one than the work began with.
    """
    if seal_of(Path(run)) != seal:
        raise ArtifactError(f"the model in {run} has changed since the work began. Begin again, with another --out.")
    return load_without_table(run)


@contextmanager
def told_where(piece: Piece) -> Iterator[None]:
    """What a partition is refused for, with its name; what the disk says no with as a refusal too.

    Raises:
        InputError: of the same kind, with the name.
        WorkerError: a file cannot be written, or the partition cannot be read.
    """
    source = Path(piece.source)
    try:
        yield
    except InputError as error:
        raise type(error)(f"partition {source.name}: {error} What is finished is kept.") from error
    except DiskError as error:
        raise WorkerError(f"{error} What is finished is kept: run the same command again to go on.") from error
    except OSError as error:
        raise WorkerError(
            f"partition {source.name} cannot be read: {error.strerror or error}. What is finished is kept: see to "
            f"{error.filename or source}, and run the same command again to go on."
        ) from error
