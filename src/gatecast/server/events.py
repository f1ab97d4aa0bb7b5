"""Who listens to what comes, each with a bounded queue of their own."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import final

from gatecast.server.wire import Event

MOST_WAITING = 1000  # events of one listener; a slower one loses the oldest


@final
class Listeners:
    """Hands events to everybody who wants them."""

    def __init__(self) -> None:
        self._all: dict[int, _Listener] = {}
        self._number = 0

    def __len__(self) -> int:
        return len(self._all)

    def wanted(self, names: Iterable[str]) -> set[str]:
        """Those of some series that anybody listens to."""
        if any(not listener.series for listener in self._all.values()):
            return set(names)
        return set(names) & self.named()

    def named(self) -> frozenset[str]:
        """The series that somebody listens to by name."""
        return frozenset().union(*(listener.series for listener in self._all.values()))

    def publish(self, events: Iterable[Event]) -> None:
        """Hand out events."""
        told = list(events)
        for listener in self._all.values():
            listener.put([event for event in told if not listener.series or event.series in listener.series])

    def close(self) -> None:
        """Tell everybody that nothing more comes."""
        for listener in self._all.values():
            listener.close()

    async def listen(self, series: frozenset[str]) -> AsyncIterator[Event]:
        """What comes from now on, until it is closed."""
        self._number += 1
        number, own = self._number, _Listener(series)
        self._all[number] = own
        try:
            while (event := await own.next()) is not None:
                yield event
        finally:
            del self._all[number]


@final
class _Listener:
    """Events that one listener has not taken yet."""

    def __init__(self, series: frozenset[str]) -> None:
        self.series = series
        self._waiting: deque[Event] = deque(maxlen=MOST_WAITING)
        self._arrived, self._closed = asyncio.Event(), False

    def put(self, events: list[Event]) -> None:
        self._waiting.extend(events)
        if events:
            self._arrived.set()

    def close(self) -> None:
        self._closed = True
        self._arrived.set()

    async def next(self) -> Event | None:
        """The next event; None once there are no more."""
        while not self._waiting:
            if self._closed:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()
