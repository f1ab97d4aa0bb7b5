"""Where a process can be struck as it writes: every call on files under one folder, found from outside by a shim."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import final

HERE = Path(__file__).parent
SECONDS = 60  # after so long an act has hung; cores are shared, so it is far more than any takes


class Fault(IntEnum):
    """What happens at a call; the numbers are those of the shim."""

    NONE, KILL_BEFORE, KILL_AFTER, KILL_HALF, FULL, FULL_HALF, BROKEN = range(7)


ERRORS = {Fault.FULL: errno.ENOSPC, Fault.FULL_HALF: errno.ENOSPC, Fault.BROKEN: errno.EIO}


@dataclass(frozen=True)
class Call:
    """One call on files, as the shim writes it down.

    Attributes:
        kind: c create, w write, t truncate, s flush, r rename, u remove, d make a folder; m is a mark of the act's own.
        path: which file or folder; of a rename the old name.
        other: of a rename the new name.
        place: of a write where it begins; of a truncation the size that is left.
        data: of a write.
    """

    kind: str
    path: Path
    other: Path
    place: int
    data: bytes

    def faults(self, *, last: bool) -> list[Fault]:
        """What can happen to it; a kill after it leaves what one before the next call does, but for the last."""
        found = [Fault.KILL_BEFORE, Fault.BROKEN]
        if self.kind != "u":
            found.append(Fault.FULL)
        if self.kind == "w":
            found += [Fault.KILL_HALF, Fault.FULL_HALF]
        return [*found, Fault.KILL_AFTER] if last else found


def calls_of(book: Path) -> list[Call]:
    """What the shim wrote down."""
    data, found, at = book.read_bytes(), list[Call](), 0
    while at < len(data):
        end = data.index(b"\n", at)
        kind, path, other, place, size = data[at:end].decode().split("\t")
        at = end + 1 + (int(size) if kind == "w" else 0)
        found.append(Call(kind, Path(path), Path(other), int(place), data[end + 1 : at]))
    return found


@dataclass(frozen=True)
class Ended:
    """How an act ended: its exit code (below 0 a signal), what it said, and how many calls it made if it lived."""

    code: int
    said: str
    count: int


@dataclass(frozen=True)
class Act:
    """Something that writes: the name of a function in `fault_acts.py`, and its arguments."""

    name: str
    arguments: tuple[str, ...]


def shim(folder: Path) -> Path | None:
    """The compiled shim; None where there is no compiler, or the system is another."""
    made = folder / "faults_shim.so"
    command = ["g++", "-std=c++17", "-O1", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", made, HERE / "faults_shim.cpp"]
    if not sys.platform.startswith("linux"):
        return None
    try:
        return made if subprocess.run(command, capture_output=True, check=False).returncode == 0 else None
    except FileNotFoundError:
        return None


@final
class Forge:
    """Does acts under faults, each in a fresh copy of a process that has loaded everything.

    Args:
        shim: the compiled shim.
        place: a folder of its own.
    """

    def __init__(self, shim: Path, place: Path) -> None:
        self.place = place
        paths = os.pathsep.join([str(HERE.parent), str(HERE), *sys.path])
        alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        self._process = subprocess.Popen(
            [sys.executable, HERE / "fault_forge.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment | alone | {"LD_PRELOAD": str(shim), "PYTHONPATH": paths},
        )

    def do(self, act: Act, within: Path, fault: tuple[int, Fault] = (0, Fault.NONE), book: Path | None = None) -> Ended:
        """Do it, with a fault at one call on the files of the folder `within`; all are written into the book."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        said, count = self.place / "said", self.place / "count"
        count.unlink(missing_ok=True)
        asked = {"act": act.name, "arguments": act.arguments, "within": str(within), "at": fault[0]}
        asked |= {"fault": int(fault[1]), "book": str(book or ""), "said": str(said), "count": str(count)}
        self._process.stdin.write(json.dumps(asked | {"seconds": SECONDS}) + "\n")
        self._process.stdin.flush()
        ended = json.loads(self._process.stdout.readline())
        return Ended(ended["code"], said.read_text(), ended["count"])

    def __enter__(self) -> "Forge":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
