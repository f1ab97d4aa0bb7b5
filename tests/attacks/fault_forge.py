"""A process that has loaded everything, and does each act in a copy of itself: no trial waits for torch to be loaded.

It reads a line of JSON for each trial, and answers with one: how the copy ended, and how many calls it made on files.
Run with the shim of `fault_points.py` before the C library.
"""

import ctypes
import io
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import fault_acts

SHIM = ctypes.CDLL(os.environ["LD_PRELOAD"])
REFUSED, CRASHED = 1, 70


def main() -> None:
    """Until nobody asks any more."""
    fault_acts.load_all()
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if process == 0:
            _begin(asked)
        _, ended = os.waitpid(process, 0)
        count = Path(asked["count"])
        made = int(count.read_text() or 0) if count.exists() else 0
        sys.stdout.write(json.dumps({"code": os.waitstatus_to_exitcode(ended), "count": made}) + "\n")
        sys.stdout.flush()


def _begin(asked: dict[str, Any]) -> None:
    """In the copy: the act, under its fault, with all that it says in a file; it does not return."""
    signal.alarm(asked["seconds"])
    os.dup2(os.open(asked["said"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC), 1)
    os.dup2(1, 2)
    sys.stdout, sys.stderr = (io.TextIOWrapper(os.fdopen(handle, "wb", 0), write_through=True) for handle in (1, 2))
    book = os.open(asked["book"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC) if asked["book"] else -1
    SHIM.faults_begin(asked["within"].encode(), asked["at"], asked["fault"], book)
    code = _act(asked["act"], asked["arguments"])
    made = SHIM.faults_count()
    SHIM.faults_begin(b"/nowhere", 0, 0, -1)
    Path(asked["count"]).write_text(str(made))
    os._exit(code)


def _act(name: str, arguments: list[Any]) -> int:
    try:
        return int(getattr(fault_acts, name)(SHIM, *arguments))
    except fault_acts.GatecastError as error:
        sys.stderr.write(f"gatecast: {error}\n")
        return REFUSED
    except BaseException:  # noqa: BLE001 - whatever it is, it is what the trial came to
        traceback.print_exc()
        return CRASHED


if __name__ == "__main__":
    main()
