"""The series by number: the database keeps a number in each row, and the names once."""

from collections.abc import Iterable
from typing import final

from gatecast.server.store.protocol import Row


@final
class Names:
    """Numbers 1, 2, 3, ... of names, in the order in which they came.

    Attributes:
        ids: name -> number; like `names` it may be read by any thread, while one thread learns.
        names: by number; at 0 is none.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names: list[str] = ["", *names]
        self.ids = {name: number for number, name in enumerate(self.names) if number}

    def learn(self, rows: Iterable[Row]) -> list[tuple[int, str]]:
        """Number the names that are new; these, with their numbers."""
        unknown = dict.fromkeys(row.series for row in rows if row.series not in self.ids)
        new = list(enumerate(unknown, len(self.names)))
        self.names.extend(unknown)
        self.ids.update((name, number) for number, name in new)
        return new

    def forget(self, new: list[tuple[int, str]]) -> None:
        """Undo `learn`, as long as nothing was learnt since."""
        for _, name in new:
            del self.ids[name]
        del self.names[len(self.names) - len(new) :]
