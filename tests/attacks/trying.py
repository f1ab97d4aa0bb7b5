"""One abuse is tried: what came of it, how long it took, and what memory it took at most."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatecast.errors import GatecastError

SECONDS = 10.0
MEBIBYTES = 1024.0
TRACED = 3  # times as long, while coverage is measured
STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Outcome:
    """What came of an abuse: a result, or a refusal with its message; never both."""

    result: Any
    refusal: GatecastError | None
    message: str

    def refused(self) -> str:
        """The message, in one line.

        Raises:
            AssertionError: there was no refusal.
        """
        assert self.refusal is not None, f"it was accepted: {self.result!r:.300}"
        return self.message

    def accepted(self) -> Any:
        """The result.

        Raises:
            AssertionError: there was a refusal.
        """
        assert self.refusal is None, f"it was refused: {self.message}"
        return self.result


def tried(abuse: Callable[[], Any], place: Path | None = None, most: float = MEBIBYTES) -> Outcome:
    """Do it, and hold it to ten seconds and `most` mebibytes beyond what the process had.

    Paths within `place` are written without it in the message, so that it reads alike everywhere.  Whatever is no
    `GatecastError` goes through: it is a crash.
    """
    with within(SECONDS, most):
        try:
            return Outcome(abuse(), None, "")
        except GatecastError as refusal:
            said = " ".join(str(refusal).split())
            return Outcome(None, refusal, said.replace(f"{place}/", "") if place else said)


@contextmanager
def within(seconds: float, mebibytes: float) -> Iterator[None]:
    """Fails when what happens within took longer, or its peak of memory was higher above what the process had.

    Seconds are those of the processor, which others on the machine do not lengthen; tracing for coverage does.
    """
    before, begun = _memory("VmRSS"), time.process_time()
    if FORGET.exists():
        FORGET.write_text("5")  # the peak is counted anew from here
    yield
    took, peak = time.process_time() - begun, _memory("VmHWM") - before
    assert took < seconds * (1 if sys.gettrace() is None else TRACED), f"it took {took:.1f} s"
    assert peak < mebibytes, f"it took {peak:.0f} MiB"


def _memory(name: str) -> float:
    """Mebibytes of this process; none where the system does not tell."""
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)
