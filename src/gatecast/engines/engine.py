"""What every engine does: run one function on many items, each on its own, and hand out results as they come."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

TRIES = 3  # an item whose process died is begun anew so many times in all: then it is the item that kills processes


class Done(NamedTuple):
    """The result of item `number`."""

    number: int
    result: Any


@runtime_checkable
class Engine(Protocol):
    """Runs work; a context, at whose end no process is left behind."""

    @property
    def workers(self) -> int:
        """How many items run side by side."""
        ...

    def run(self, work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Done]:
        """Results in the order in which they come; what is asked of `work` and of items is that they can be pickled.

        An item whose process dies is begun anew, so work must bear to be done twice.

        Raises:
            WorkerError: a process died `TRIES` times over the same item.
            GatecastError: as `work` raised it; what else runs is stopped.
        """
        ...

    def __enter__(self) -> "Engine":  # noqa: PYI034 - the shape checks know no Self
        """Begin."""
        ...

    def __exit__(self, *error: object) -> None:
        """End every process that was begun."""
        ...
