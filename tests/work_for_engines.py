"""Work that the tests of engines hand out; a process at work imports it by name."""

import os
import signal
import time
from pathlib import Path

import torch

from gatecast.errors import MissingExtraError, TableError


def squared(number: int) -> int:
    return number * number


def where(_: int) -> tuple[int, int]:
    time.sleep(0.05)
    return os.getpid(), torch.get_num_threads()


def refused(number: int) -> int:
    if number == 3:
        raise TableError("row 3 is no number")
    return number


def lacking(_: int) -> int:
    raise MissingExtraError("optuna", "tune", "gatecast tune")


def killed_once(marks: str) -> str:
    """Ends its own process the first time; `marks` is where it remembers that."""
    mark = Path(marks)
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return mark.name


def killed_always(_: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0
