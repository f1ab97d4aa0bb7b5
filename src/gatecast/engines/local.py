"""Work in processes of this machine, one a core."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, final

from gatecast.engines.engine import TRIES, Done
from gatecast.errors import WorkerError

AHEAD = 2  # items handed to each process before it asks, so that none waits


@final
class LocalEngine:
    """Processes of this machine; one worker is this process itself.

    Processes are started anew (spawned), not forked: torch's threads do not survive a fork.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    @property
    def workers(self) -> int:
        """How many items run side by side."""
        return self._workers

    def __enter__(self) -> "LocalEngine":
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()

    def run(self, work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Done]:
        """As every engine does."""
        if self._workers == 1:
            yield from (Done(number, work(item)) for number, item in enumerate(items))
            return
        tries = [0] * len(items)
        waiting = list(range(len(items)))
        while waiting:
            for number in (yield from self._until_broken(work, items, waiting)):
                tries[number] += 1
                if tries[number] == TRIES:
                    raise WorkerError(lost(number, len(items)))

    def _until_broken(
        self, work: Callable[[Any], Any], items: Sequence[Any], waiting: list[int]
    ) -> Generator[Done, None, list[int]]:
        """Take items off `waiting` while they come out; a process that dies puts those at work back, and names them."""
        pool, running = self._begin(), dict[Future[Any], int]()
        try:
            while waiting or running:
                while waiting and len(running) < AHEAD * self._workers:
                    number = waiting.pop(0)
                    running[pool.submit(work, items[number])] = number
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    result = future.result()
                    yield Done(running.pop(future), result)
        except BrokenProcessPool:
            waiting[:0] = sorted(running.values())
            self._stop()
            return list(running.values())
        except BaseException:
            self._stop()
            raise
        return []

    def _begin(self) -> ProcessPoolExecutor:
        if self._pool is None:
            spawned = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, mp_context=spawned, initializer=_begin_work)
        return self._pool

    def _stop(self) -> None:
        """End the processes, whatever they are at."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        processes = list((pool._processes or {}).values())  # noqa: SLF001 - there is no other way to stop one at work
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def lost(number: int, count: int) -> str:
    """What is said when an item ends its process again and again."""
    return (
        f"the process at work on piece {number + 1} of {count} died {TRIES} times, most likely for want of memory: "
        f"give fewer --workers, or cut the data into smaller partitions. What is finished is kept: run the same "
        f"command again to go on."
    )


def _begin_work() -> None:
    """Processes side by side share the cores, so each of them takes one thread; none outlives the one that waits."""
    import torch  # noqa: PLC0415 - in the process at work, not in the one that waits

    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed cannot stop its processes, and they would wait for it for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
