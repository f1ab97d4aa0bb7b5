"""Ctrl-C as a wish, not an accident: the running step is finished, then training stops and keeps what was learnt."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopFlag:
    """Set once somebody has asked training to stop."""

    def __init__(self) -> None:
        self.stopped = False


@contextmanager
def stop_on_interrupt() -> Iterator[StopFlag]:
    """While inside, the first Ctrl-C sets the flag and the second one interrupts as usual.

    Signals reach the main thread only; elsewhere the flag simply stays unset.
    """
    flag = StopFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return

    def ask(_number: int, _frame: FrameType | None) -> None:
        flag.stopped = True
        signal.signal(signal.SIGINT, previous)

    previous = signal.signal(signal.SIGINT, ask)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, previous)
