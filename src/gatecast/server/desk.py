"""Where every request signs in and out: the deadline it has, how it went, how long it took.

One look at all running requests now and then replaces a timer for each, which costs more than all else that is done
for a small request.
"""

import asyncio
import math
import time

from gatecast.server.logs import Log
from gatecast.server.metrics import Metrics
from gatecast.server.visits import Visit

LOOK = 0.05  # seconds between two looks; a deadline is late by no more


class Desk:
    """The requests that run.

    Args:
        metrics: where requests are counted.
        log: where they are written.
    """

    def __init__(self, metrics: Metrics, log: Log) -> None:
        self._metrics = metrics
        self.log = log
        self._running: dict[Visit, asyncio.Task[None] | None] = {}
        self._looking = False

    def __len__(self) -> int:
        return len(self._running)

    def sign_in(self, visit: Visit) -> None:
        """A request begins, and is run by the current task."""
        self._running[visit] = asyncio.current_task()
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(LOOK, self._look)

    def sign_out(self, visit: Visit) -> None:
        """A request is over."""
        del self._running[visit]
        seconds = time.perf_counter() - visit.started
        self._metrics.count(visit.route, visit.status, seconds)
        self.log.request(visit, seconds)

    def _look(self) -> None:
        """Cancel what is late."""
        now = time.perf_counter()
        for visit, task in self._running.items():
            if now > visit.deadline and task is not None:
                visit.late, visit.deadline = True, math.inf
                task.cancel()
        self._looking = bool(self._running)
        if self._looking:
            asyncio.get_running_loop().call_later(LOOK, self._look)
