"""Processes are killed, disks fill up and break, and the power goes, at every call that writes: nothing is lost.

`make test` tries some of the calls; GATECAST_EVERY_FAULT=1 tries them all, and -s shows how many.
"""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import power_cut
import pytest
from fault_points import Act, Call, Ended, Fault, Forge, calls_of, shim
from fault_things import Thing, prepare, things
from ledger import Ledger

EVERY = bool(os.environ.get("GATECAST_EVERY_FAULT"))
SOME = 2  # trials of each kind, where not all are made
NAMES = [thing.name for thing in things(Path())]
KILLS = (Fault.KILL_BEFORE, Fault.KILL_HALF, Fault.KILL_AFTER)
FULL = (Fault.FULL, Fault.FULL_HALF)


class Undisturbed(NamedTuple):
    """What an act does when nothing happens to it: its calls, what they come to, and what a reader finds."""

    calls: list[Call]
    whole: dict[str, object]
    seen: str


class Bench:
    """The things, and the folder in which they are made again and again."""

    def __init__(self, forge: Forge, place: Path) -> None:
        self.forge, self.place, self.work, self.book = forge, place, place / "work", place / "book"
        self.things = {thing.name: thing for thing in things(place)}
        self._known = dict[str, Undisturbed]()

    def reset(self, thing: Thing) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        if thing.before is None:
            self.work.mkdir()
        else:
            shutil.copytree(thing.before, self.work)

    def do(self, thing: Thing, fault: tuple[int, Fault] = (0, Fault.NONE)) -> Ended:
        self.reset(thing)
        return self.forge.do(thing.act, self.work, fault, self.book)

    def undisturbed(self, thing: Thing) -> Undisturbed:
        if thing.name not in self._known:
            ended, calls = self.do(thing), calls_of(self.book)
            assert (ended.code, ended.count) == (0, len(writes(calls))), ended.said
            self._known[thing.name] = Undisturbed(calls, thing.result(self.work), thing.seen(self.work))
        return self._known[thing.name]

    def told(self) -> list[str]:
        """What was acknowledged."""
        return marks(calls_of(self.book))

    def assert_nothing_is_lost(self, thing: Thing, told: Sequence[str], whole: dict[str, object]) -> str:
        """A reader finds something whole, and the next run comes to the same result, with nothing left over."""
        seen = thing.seen(self.work)
        if thing.acknowledges and told:
            assert int(seen) >= int(told[-1]), "what was acknowledged is gone"
        again = thing.again(self.work) if thing.again else thing.act
        ended = self.forge.do(again, self.place / "nowhere") if again else None
        assert ended is None or ended.code == 0, ended.said
        assert thing.result(self.work) == whole
        left = [path for path in self.work.rglob("*") if path.name.endswith((".tmp", ".lock"))]
        assert thing.leaves or not left
        return seen


def writes(calls: Sequence[Call]) -> list[Call]:
    return [call for call in calls if call.kind != "m"]


def marks(calls: Sequence[Call]) -> list[str]:
    return [call.path.name for call in calls if call.kind == "m"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    place = tmp_path_factory.mktemp("faults").resolve()
    compiled = shim(place)
    if compiled is None:
        pytest.skip("faults are made by a library that g++ compiles, on Linux")
    with Forge(compiled, place) as forge:
        prepare(forge, place)
        yield Bench(forge, place)


def some(trials: Sequence[Any]) -> list[Any]:
    """All of them, or a few from one end to the other."""
    return list(trials) if EVERY else list(trials[:: max(1, len(trials) // SOME)][: SOME + 1])


def trials(calls: Sequence[Call], kinds: Sequence[Fault]) -> list[tuple[int, Fault]]:
    """The number of each call with each of the faults that can strike it."""
    numbered = enumerate(writes(calls), 1)
    count = len(writes(calls))
    return [(at, fault) for at, call in numbered for fault in call.faults(last=at == count) if fault in kinds]


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_process_leaves_something_whole_and_the_next_run_ends_as_an_undisturbed_one(
    bench: Bench, name: str
) -> None:
    thing = bench.things[name]
    calls, whole, _ = bench.undisturbed(thing)
    chosen = some(trials(calls, KILLS))
    for fault in chosen:
        assert bench.do(thing, fault).code == -9
        bench.assert_nothing_is_lost(thing, bench.told(), whole)
    print(f"\n{name}: {len(writes(calls))} calls, {len(chosen)} kills")  # noqa: T201 - with -s
    Ledger("Faults: kill -9").enter(name, outcome(thing))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("disk", "kinds", "remedy"), [("full", FULL, "ake room"), ("broken", (Fault.BROKEN,), "ee to")]
)
def test_a_disk_that_says_no_is_told_in_one_line_with_the_remedy_and_nothing_is_lost(
    bench: Bench, name: str, disk: str, kinds: Sequence[Fault], remedy: str
) -> None:
    thing = bench.things[name]
    calls, whole, _ = bench.undisturbed(thing)
    chosen = some(trials(calls, kinds))
    for fault in chosen:
        ended = bench.do(thing, fault)
        lines = ended.said.splitlines()
        if ended.code or thing.acknowledges:
            assert ended.code in (0, 1), ended.said
            assert all(line.startswith("gatecast: ") for line in lines), ended.said
            assert all(remedy in line and str(bench.work) in line and ".tmp" not in line for line in lines), ended.said
        bench.assert_nothing_is_lost(thing, bench.told(), whole)
    print(f"\n{name}: {len(chosen)} on a {disk} disk")  # noqa: T201
    first = next(at for at, call in enumerate(writes(calls), 1) if call.kind == "w")
    said = bench.do(thing, (first, kinds[0])).said.replace(f"{bench.work}/", "").strip()
    said = re.sub(r"weights\.[0-9a-f]{16}", "weights.HASH", said.removeprefix("gatecast: "))
    Ledger(f"Faults: a {disk} disk").enter(name, f"at its first write, refused: {said}")


@pytest.mark.parametrize("name", NAMES)
def test_a_power_cut_leaves_something_whole_whatever_had_not_been_flushed(bench: Bench, name: str) -> None:
    thing = bench.things[name]
    calls, whole, done = bench.undisturbed(thing)
    bench.reset(thing)
    disk = power_cut.Disk(bench.work, power_cut.read(bench.work), calls)
    states = list(disk.states())
    chosen = some(states)
    if not EVERY:  # what is finished must last
        chosen.append(next(found for found in states if found[0] == len(disk.calls)))
    for cut, state in chosen:
        shutil.rmtree(bench.work)
        bench.work.mkdir()
        power_cut.write(state)
        seen = bench.assert_nothing_is_lost(thing, marks(disk.calls[:cut]), whole)
        assert cut < len(disk.calls) or seen == done, "it was done, and is gone"
    print(f"\n{name}: {len(states)} disks after a power cut, {len(chosen)} tried")  # noqa: T201
    Ledger("Faults: power cut").enter(name, outcome(thing))


def outcome(thing: Thing) -> str:
    """In words, what the assertions say."""
    kept = "every acknowledged row once" if thing.acknowledges else "what was there before or what is new, whole"
    left = "; a hidden temporary file may stay beside it, which nothing reads" if thing.leaves else ""
    return f"read: {kept}; the next run ends as an undisturbed one{left}"


def test_faults_and_power_cuts_find_what_is_written_carelessly(bench: Bench) -> None:
    file = bench.work / "file"

    def begin() -> None:
        shutil.rmtree(bench.work, ignore_errors=True)
        bench.work.mkdir()
        file.write_bytes(b"old")

    begin()
    act = Act("carelessly", (str(file),))
    assert bench.forge.do(act, bench.work, book=bench.book).code == 0
    calls = calls_of(bench.book)
    assert [call.kind for call in calls] == ["t", "w"]
    begin()
    found = {state[file] for _, state in power_cut.Disk(bench.work, power_cut.read(bench.work), calls).states()}
    assert {b"old", b"", b"new" * 1000, bytes(3000), b"new" * 341 + b"n"} <= found
    assert bench.forge.do(act, bench.work, (2, Fault.KILL_HALF)).code == -9
    assert file.read_bytes() == b"new" * 500
    begin()
    ended = bench.forge.do(act, bench.work, (2, Fault.FULL_HALF))
    assert "No space left" in ended.said
