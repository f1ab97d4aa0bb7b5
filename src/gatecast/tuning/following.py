"""Telling a listener of trials while they are made, in this process or in others: the journal knows."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from optuna.study import Study

from gatecast.tuning.gathering import ended
from gatecast.tuning.listening import SearchListener
from gatecast.tuning.records import best_of

EVERY = 0.5  # seconds between two looks


@contextmanager
def followed(study: Study, listener: SearchListener) -> Iterator[None]:
    """Tell of every trial that ends while inside, once, and of those that had ended before."""
    told, over = set[int](), threading.Event()

    def tell() -> None:
        found = ended(study)
        for number in sorted(found.keys() - told):
            told.add(number)
            listener.tried(found[number], best_of(tuple(found.values())))

    def follow() -> None:
        while not over.wait(EVERY):
            tell()

    with _thread(follow, over):
        yield
    tell()


@contextmanager
def _thread(work: Callable[[], None], over: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
