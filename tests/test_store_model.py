"""Any run of calls: the store in a folder holds what a plain list would."""

import shutil
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gatecast.errors import GatecastError
from gatecast.server.store import Entry, Receipt, Row, Snapshot
from gatecast.server.store.sqlite import SqliteStore
from how_many import examples
from store_rows import bits, everything

DAY = 86_400
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
NUMBERS = st.none() | st.floats(allow_nan=False)
ROWS = st.builds(
    Row,
    st.sampled_from(["a", "b", "c"]) | TEXT,
    st.integers(-(2**63), 2**63 - 1),
    st.tuples(NUMBERS) | st.lists(NUMBERS, max_size=3).map(tuple),
    st.dictionaries(TEXT, NUMBERS | TEXT, max_size=3),
)
ENTRIES = st.lists(st.builds(Entry, st.lists(ROWS, max_size=4), st.none() | TEXT, st.binary(max_size=32)), max_size=4)
MODELS = st.sampled_from(["m", "n"])
TOO_LATE = Row("never kept", 2**63, (0.5,), {})


class StoreAsList(RuleBasedStateMachine):
    """`log` is all that was ever appended with its time of day; the first `removed` of it are compacted away."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.log: list[tuple[Row, int]] = []
        self.removed = 0
        self.receipts: dict[str, tuple[Receipt, int]] = {}
        self.states: dict[str, dict[int, bytes]] = {"m": {}, "n": {}}
        self.now = 1_700_000_000
        self.clock = patch.object(time, "time", lambda: float(self.now))
        self.clock.start()

    @initialize(keep_days=st.sampled_from([None, 1.0, 3.0]))
    def begin(self, keep_days: float | None) -> None:
        self.keep_days = keep_days
        self.store = SqliteStore(self.folder, keep_days=keep_days)

    @rule(entries=ENTRIES)
    def append(self, entries: list[Entry]) -> None:
        keys = [entry.key for entry in entries if entry.key is not None]
        if len(set(keys)) < len(keys) or self.receipts.keys() & set(keys):
            with pytest.raises(GatecastError, match="Idempotency-Key"):
                self.store.append(entries)
            return
        self.log += [(row, self.now) for entry in entries for row in entry.rows]
        new = {e.key: (Receipt(e.digest, len(e.rows)), self.now) for e in entries if e.key is not None}
        self.receipts |= new
        assert self.store.append(entries) == len(self.log)

    @rule(entries=ENTRIES)
    def append_what_cannot_be_kept(self, entries: list[Entry]) -> None:
        with pytest.raises(GatecastError):
            self.store.append([*entries, Entry([TOO_LATE])])

    @rule(days=st.integers(1, 2))
    def wait(self, days: int) -> None:
        self.now += days * DAY

    @rule(model=MODELS, share=st.floats(0, 1), state=st.binary(max_size=50))
    def save(self, model: str, share: float, state: bytes) -> None:
        position = round(share * len(self.log))
        self.store.save(Snapshot(model, position, state))
        states = self.states[model] | {position: state}
        self.states[model] = {at: states[at] for at in sorted(states)[-2:]}
        self.receipts = {key: kept for key, kept in self.receipts.items() if kept[1] >= self.now - 7 * DAY}
        if self.keep_days is not None:
            old = (came < self.now - self.keep_days * DAY for _, came in self.log)
            self.removed = max(self.removed, min(sum(old), *self.states[model]))

    @rule()
    def open_again(self) -> None:
        self.store.__exit__(None, None, None)
        self.store = SqliteStore(self.folder, keep_days=self.keep_days)

    @rule(share=st.floats(0, 1))
    def replay(self, share: float) -> None:
        after = round(share * len(self.log))
        rows = list(enumerate((row for row, _ in self.log), 1))
        assert bits(everything(self.store, after)) == bits(rows[max(after, self.removed) :])

    @invariant()
    def agrees(self) -> None:
        assert self.store.append([]) == len(self.log)
        for model, states in self.states.items():
            newest = max(states, default=None)
            assert self.store.latest(model) == (None if newest is None else Snapshot(model, newest, states[newest]))
        for key, (receipt, _) in self.receipts.items():
            assert self.store.receipt(key) == receipt

    def teardown(self) -> None:
        self.replay(0.0)
        self.store.__exit__(None, None, None)
        self.clock.stop()
        shutil.rmtree(self.folder)


class TestStoreAsList(StoreAsList.TestCase):
    settings = settings(max_examples=examples(60), stateful_step_count=20, deadline=None)
