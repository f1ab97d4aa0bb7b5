"""The folder of results: what is finished in it, and whether it is of the same work.

OUT/
  batch.json              what was asked, of which model and which partitions
  part-00000.parquet ...  the forecasts of each partition, in the order of the partitions' names; whole or not there
  scores/part-00000       of a backtest: what each partition adds to the scores
  metrics.json            of a backtest: every score of the net and of each baseline
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct, structs

from gatecast import __version__
from gatecast.errors import ArtifactError, OptionError
from gatecast.files import is_temporary, write_atomic
from gatecast.folders import make_folder, sweep
from gatecast.saved import read_file
from gatecast.scale.pieces import Asked, Piece

RECORD, SCORES, METRICS = "batch.json", "scores", "metrics.json"
MOST_RECORD_BYTES = 2**30  # a line for each partition
REMEDY = "Name a new folder with --out."


class Input(Struct, frozen=True):
    """A partition as it was when work began: its name, its size in bytes, and when it was changed (ns)."""

    name: str
    bytes: int
    changed: int


class Record(Struct, frozen=True):
    """batch.json: equal records make equal results."""

    model: str
    version: str
    asked: Asked
    inputs: tuple[Input, ...]


class Place(NamedTuple):
    """Where partition `number` is read from, and where its results go."""

    number: int
    source: Path
    out: Path
    scores: Path

    @property
    def finished(self) -> bool:
        """Whether its results are there; forecasts come last."""
        return self.out.exists()


class Results:
    """A folder of results that has been checked to be of this work; those of partitions that changed since are gone.

    Args:
        out: the folder; it is made where there is none.
        sources: the partitions.
        record: of this work.

    Raises:
        OptionError: the folder holds something else, or results of another model, other options or other partitions.
    """

    def __init__(self, out: Path, sources: Sequence[Path], record: Record) -> None:
        self.out, self._sources, self.record = out, tuple(sources), record
        if (out / RECORD).exists():
            self._go_on(self._same(record), record)
        elif out.is_dir() and any(not is_temporary(path) for path in out.iterdir()):
            raise OptionError(f"{out} holds other files than those of such work: name a new folder with --out.")
        else:
            make_folder(out)
            self.write(record)
        if record.asked.kind == "backtest":
            make_folder(out / SCORES)
        self.sweep()

    def sweep(self) -> None:
        """Remove what processes that were killed have left half written."""
        sweep(self.out)
        sweep(self.out / SCORES)

    def _same(self, record: Record) -> Record:
        """The record that is there; all that may differ is the stride, which the work itself settles."""
        there = read_record(self.out)
        told = {
            "another model": there.model != record.model,
            "another version of gatecast": there.version != record.version,
            "other options": structs.replace(there.asked, stride=None) != structs.replace(record.asked, stride=None),
            "other partitions": [each.name for each in there.inputs] != [each.name for each in record.inputs],
        }
        for what, differs in told.items():
            if differs:
                raise OptionError(
                    f"{self.out} holds results of {what}, and they are not mixed: name a new folder with --out, or "
                    f"delete this one."
                )
        return there

    def _go_on(self, there: Record, record: Record) -> None:
        """Keep what is finished, but for partitions that are no longer what they were."""
        changed = [old != new for old, new in zip(there.inputs, record.inputs, strict=True)]
        if any(changed):
            (self.out / METRICS).unlink(missing_ok=True)
        for place, differs in zip(self.places(), changed, strict=True):
            if differs:
                place.out.unlink(missing_ok=True)
        self.write(structs.replace(there, inputs=record.inputs))

    def write(self, record: Record) -> None:
        """Note what the results in the folder are of."""
        self.record = record
        write_atomic(self.out / RECORD, msgspec.json.format(msgspec.json.encode(record), indent=1))

    def places(self) -> list[Place]:
        """Where each partition is read from, and where its results go."""
        names = [f"part-{number:05d}" for number in range(len(self._sources))]
        return [
            Place(number, source, self.out / f"{name}.parquet", self.out / SCORES / name)
            for number, (source, name) in enumerate(zip(self._sources, names, strict=True))
        ]

    def piece(self, place: Place, run: Path) -> Piece:
        """The work on one partition."""
        return Piece(
            run=str(run.absolute()),
            seal=self.record.model,
            source=str(place.source.absolute()),
            out=str(place.out.absolute()),
            scores=str(place.scores.absolute()),
            asked=self.record.asked,
        )

    def begin_again(self, asked: Asked) -> None:
        """Forget what is finished, for it is asked for in another way."""
        for place in self.places():
            place.out.unlink(missing_ok=True)
        self.write(structs.replace(self.record, asked=asked))


def record_of(model: str, asked: Asked, sources: Sequence[Path]) -> Record:
    """The record of work that begins now."""
    stats = [(path.name, path.stat()) for path in sources]
    inputs = tuple(Input(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
    return Record(model, __version__, asked, inputs)


def read_record(out: Path) -> Record:
    """Read batch.json.

    Raises:
        ArtifactError: it is damaged.
    """
    try:
        return msgspec.json.decode(read_file(out / RECORD, MOST_RECORD_BYTES, REMEDY), type=Record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ArtifactError(f"{out / RECORD} is damaged: {str(error).rstrip('.')}. {REMEDY}") from error
