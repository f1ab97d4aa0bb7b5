"""What a disk may hold after a power cut: of what was not flushed nothing, or all, or any part.

After Pillai et al. 2014, "All File Systems Are Not Created Equal" (ALICE), and Mohan et al. 2018, "Finding
Crash-Consistency Bugs with Bounded Black-Box Testing" (CrashMonkey).  The model promises no more than POSIX does: a
flush of a file makes its bytes lasting, a flush of a folder its names; nothing else lasts, and of the rest any part may
have reached the disk in any order.  A rename is done or not done.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fault_points import Call

SECTOR = 512
State = dict[Path, bytes | None]
"""A disk: the bytes of each file; None for a folder."""


@dataclass(eq=False)
class Node:
    """A file with its bytes, or a folder with its names."""

    data: bytes | None
    names: dict[str, "Node"] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Change:
    """A call as a change of nodes: bytes of one, or names of folders (None takes a name away)."""

    call: Call
    node: Node | None = None
    names: tuple[tuple[Node, str, Node | None], ...] = ()

    def of(self) -> set[Node]:
        """The nodes whose flush makes it last."""
        return {self.node} if self.node is not None else {folder for folder, _, _ in self.names}


class Disk:
    """The calls of an act on one folder, and the disks that a power cut during them may leave.

    Args:
        root: the folder.
        before: what it holds when the act begins, all of it lasting.
        calls: in their order.
    """

    def __init__(self, root: Path, before: State, calls: Sequence[Call]) -> None:
        self._root, self._top = root, Node(None)
        for path, data in sorted(before.items()):
            self._folder(path)[path.name] = Node(data)
        self._before = [(node, node.data, dict(node.names)) for node in _all(self._top)]
        self.calls = [call for call in calls if not call.path.name.endswith("-shm")]  # made anew from the log
        self._lasts: list[int] = []  # of each change the call that made it last
        self._changes = self._resolved()

    def states(self) -> Iterator[tuple[int, State]]:
        """Each different disk with the number of calls before the cut; those after the last call stand at the end.

        Disks are different too where different marks had been made, for more is promised then, and after the last call.
        """
        seen = set[tuple[int, bool, int]]()
        for cut in range(len(self.calls) + 1):
            marks = sum(call.kind == "m" for call in self.calls[:cut])
            for kept, torn in self._kept(cut):
                state = self._disk(kept, torn)
                known = (marks, cut == len(self.calls), hash(frozenset(state.items())))
                if known not in seen:
                    seen.add(known)
                    yield cut, state

    def _kept(self, cut: int) -> Iterator[tuple[list[Change], dict[Change, str]]]:
        """Changes that reached the disk, and how the others of them are torn."""
        made = self._changes[: sum(call.kind not in "ms" for call in self.calls[:cut])]
        loose = [change for change, last in zip(made, self._lasts, strict=False) if last >= cut]
        for part in _parts(loose):
            yield [change for change in made if change not in loose or change in part], {}
        for change in loose:
            if change.call.kind == "w":
                yield made, {change: "torn"}
        yield made, {change: "zeros" for change in loose if change.call.kind == "w"}

    def _disk(self, kept: Sequence[Change], torn: dict[Change, str]) -> State:
        for node, data, names in self._before:
            node.data, node.names = data, dict(names)
        for change in self._changes:
            if change.call.kind in "cd" and change.names[0][2] is not None:
                node = change.names[0][2]
                node.data, node.names = (b"" if change.call.kind == "c" else None), {}
        for change in kept:
            _apply(change, torn.get(change, ""))
        return dict(_listed(self._top, self._root))

    def _resolved(self) -> list[Change]:
        changes: list[Change] = []
        for number, call in enumerate(self.calls):
            if call.kind == "s":
                for place, change in enumerate(changes):
                    if self._lasts[place] > number and change.of() == {self._node(call.path)}:
                        self._lasts[place] = number
            elif call.kind != "m":
                changes.append(self._change(call))
                self._lasts.append(len(self.calls) + 1)
                _apply(changes[-1], "")
        return changes

    def _change(self, call: Call) -> Change:
        if call.kind in "wt":
            return Change(call, self._node(call.path))
        folder, name = self._node(call.path.parent), call.path.name
        if call.kind in "cd":
            return Change(call, names=((folder, name, Node(b"" if call.kind == "c" else None)),))
        gone = (folder, name, None)
        if call.kind == "u":
            return Change(call, names=(gone,))
        return Change(call, names=(gone, (self._node(call.other.parent), call.other.name, folder.names[name])))

    def _node(self, path: Path) -> Node:
        node = self._top
        for name in path.relative_to(self._root).parts:
            node = node.names[name]
        return node

    def _folder(self, path: Path) -> dict[str, Node]:
        return self._node(path.parent).names


def _parts(loose: Sequence[Change]) -> Iterator[set[Change]]:
    """None, all, each first part, all but one; bytes without names, and names without bytes."""
    yield from (set(loose[:end]) for end in range(len(loose) + 1))
    yield from (set(loose) - {change} for change in loose)
    yield {change for change in loose if change.names}
    yield {change for change in loose if not change.names}


def _apply(change: Change, torn: str) -> None:
    for folder, name, node in change.names:
        folder.names.pop(name, None)
        if node is not None:
            folder.names[name] = node
    if change.node is None:
        return
    data, call = change.node.data or b"", change.call
    if call.kind == "t":
        change.node.data = data[: call.place].ljust(call.place, b"\0")
        return
    new = bytes(len(call.data)) if torn == "zeros" else call.data
    new = new[: len(new) // 2 // SECTOR * SECTOR] if torn == "torn" else new
    change.node.data = data[: call.place].ljust(call.place, b"\0") + new + data[call.place + len(new) :]


def _all(node: Node) -> Iterator[Node]:
    yield node
    yield from itertools.chain.from_iterable(map(_all, node.names.values()))


def _listed(node: Node, path: Path) -> Iterator[tuple[Path, bytes | None]]:
    for name, below in sorted(node.names.items()):
        yield path / name, below.data
        yield from _listed(below, path / name)


def read(root: Path) -> State:
    """What a folder holds."""
    return {path: None if path.is_dir() else path.read_bytes() for path in root.rglob("*")}


def write(state: State) -> None:
    """Make a folder that is there and empty hold it."""
    for path, data in sorted(state.items()):
        if data is None:
            path.mkdir()
        else:
            path.write_bytes(data)
