"""What every store of observations promises, of the one in a folder and of the one on a PostgreSQL server."""

import math
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gatecast.errors import GatecastError, InputError, OptionError
from gatecast.server.refusals import ConflictError
from gatecast.server.store import Entry, Receipt, Row, Snapshot
from store_places import Place, place, postgres_server, postgres_url
from store_rows import bits, entry, everything, row

__all__ = ["place", "postgres_server", "postgres_url"]  # fixtures

DAY = 86_400
NAMES = ["a", "Zürich 🌧 東京", "x" * 512, "ü" * 512, "'; DROP TABLE series; --", " ", "\t\n\\N", "e\u0301", "é"]
TIMES = [-(2**63), -1, 0, 1_700_000_000_000_000, 2**63 - 1]
NUMBERS = [0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, 0.1, -1 / 3, 2.0**53 + 2, math.inf, -math.inf, None, 3.0]


def test_rows_come_back_bit_by_bit(place: Place) -> None:
    rows = [Row(name, 1, (0.5,), {}) for name in NAMES]
    rows += [Row("a", time, (0.5,), {}) for time in TIMES]
    rows += [Row("a", 1, (y,), {}) for y in NUMBERS]
    rows += [Row("a", 1, tuple(NUMBERS), {}), Row("a", 1, (), {}), Row("a", 1, (None, None), {})]
    rows += [Row("a", 1, (0.5,), {"price": -0.0, "sky": "☁\0", "": None, "inf": math.inf, "whole": 3.0})]
    with place.open() as store:
        assert store.append([Entry(rows)]) == len(rows)
        found = everything(store)
    assert bits(found) == bits(list(enumerate(rows, 1)))
    with place.open() as store:
        assert bits(everything(store)) == bits(found), "so they do after it was opened again"


def test_nan_comes_back_as_none(place: Place) -> None:
    rows = [Row("a", 1, (math.nan,), {}), Row("a", 2, (0.5, math.nan), {}), Row("a", 3, (0.5,), {"price": math.nan})]
    with place.open() as store:
        store.append([Entry(rows)])
        found = [found for _, found in everything(store)]
    assert found == [Row("a", 1, (None,), {}), Row("a", 2, (0.5, None), {}), Row("a", 3, (0.5,), {"price": None})]


def test_a_name_with_a_zero_byte_is_kept_or_refused_by_name(place: Place) -> None:
    rows = [row(1, "a"), row(2, "a\0b"), row(3, "a\0c")]
    with place.open() as store:
        if place.is_folder:
            store.append([Entry(rows)])
            assert everything(store) == list(enumerate(rows, 1))
        else:
            with pytest.raises(InputError, match=r"a row cannot be kept \(series 'a\\x00b', time 2: "):
                store.append([Entry(rows)])
            assert everything(store) == []


def test_positions_go_on_without_holes(place: Place) -> None:
    with place.open() as store:
        assert store.append([]) == 0
        assert store.append([entry(1, 2), Entry([]), entry(3)]) == 3
        assert store.append([Entry([])]) == 3
    with place.open() as store:
        assert store.append([Entry([row(4, "b")])]) == 4
        assert everything(store) == [(1, row(1)), (2, row(2)), (3, row(3)), (4, row(4, "b"))]


def test_replay_starts_after_a_position_and_comes_in_pieces_of_thousands(place: Place) -> None:
    rows = [row(number, f"s{number % 7}") for number in range(1, 20_001)]
    with place.open() as store:
        store.append([Entry(rows)])
        pieces = list(store.replay(5_000))
        assert [found for piece in pieces for found in piece] == list(enumerate(rows, 1))[5_000:]
        assert max(map(len, pieces)) < 10_000
        assert min(map(len, pieces[:-1])) > 1_000
        assert list(store.replay(20_000)) == list(store.replay(99_999)) == []


def test_appends_go_on_while_a_replay_is_half_read(place: Place) -> None:
    with place.open() as store:
        store.append([entry(*range(10_000))])
        pieces = store.replay(0)
        first = next(pieces)
        assert store.append([entry(10_000)]) == 10_001
        store.save(Snapshot("m", 10_001, b"state"))
        rest = [found for piece in pieces for found in piece]
        assert [at for at, _ in first + rest] == list(range(1, 10_001)), "what was there when it began"
        assert everything(store, 10_000) == [(10_001, row(10_000))]


def test_receipts_snapshots_and_rows_are_read_while_another_thread_appends(place: Place) -> None:
    with place.open() as store, ThreadPoolExecutor(1) as pool:
        store.save(Snapshot("m", 0, b"state"))
        writing = pool.submit(lambda: [store.append([Entry([row(n)], f"key {n}")]) for n in range(1, 201)])
        while not writing.done():
            count = len(everything(store))
            assert count == 0 or store.receipt(f"key {count}") == Receipt(b"", 1)
            assert store.latest("m") == Snapshot("m", 0, b"state")
        assert writing.result() == list(range(1, 201))


@pytest.mark.parametrize(
    "bad",
    [Row("a", 2**63, (0.5,), {}), Row("\ud800", 1, (0.5,), {}), Row("a", 1, (0.5,), {"\ud800": 1.0})],
    ids=["time", "name", "covariate"],
)
def test_a_row_that_cannot_be_kept_leaves_nothing_of_its_append(place: Place, bad: Row) -> None:
    with place.open() as store:
        store.append([entry(1)])
        with pytest.raises(InputError, match=r"a row cannot be kept \(series '.*', time \d+: .*\): expected"):
            store.append([Entry([row(2), row(3, "new")], "key", b"d"), Entry([row(4), bad, row(5)])])
        assert store.receipt("key") is None
        assert everything(store) == [(1, row(1))]
        assert store.append([Entry([row(2, "other"), row(3, "new")], "key", b"d")]) == 3
        expected = [(1, row(1)), (2, row(2, "other")), (3, row(3, "new"))]
        assert everything(store) == expected
    with place.open() as store:
        assert everything(store) == expected, "the names on disk are those in memory"


def test_a_receipt_says_what_its_request_came_to(place: Place) -> None:
    with place.open() as store:
        store.append([Entry([row(1), row(2)], "one", b"\0digest"), Entry([], "none"), Entry([row(3)])])
    with place.open() as store:
        assert store.receipt("one") == Receipt(b"\0digest", 2)
        assert store.receipt("none") == Receipt(b"", 0)
        assert store.receipt("One") is None


@pytest.mark.parametrize("keys", [("old",), ("new", "new")])
def test_a_key_that_came_before_is_refused_with_all_that_came_along(place: Place, keys: tuple[str, ...]) -> None:
    with place.open() as store:
        store.append([Entry([row(1)], "old", b"1")])
        with pytest.raises(ConflictError, match="ask for its receipt before"):
            store.append([entry(2), *(Entry([row(3, "b")], key, b"2") for key in keys)])
        assert everything(store) == [(1, row(1))]
        assert store.receipt("old") == Receipt(b"1", 1)
        assert store.receipt("new") is None
        assert store.append([entry(2)]) == 2


def test_the_newest_snapshot_of_each_model_is_kept(place: Place) -> None:
    with place.open() as store:
        store.append([entry(*range(10))])
        assert store.latest("one") is None
        for position in (0, 3, 10, 7):
            store.save(Snapshot("one", position, b"one" * position))
        store.save(Snapshot("two", 4, b"\0\xff"))
        store.save(Snapshot("two", 4, b"again"))
    with place.open() as store:
        assert store.latest("one") == Snapshot("one", 10, b"one" * 10)
        assert store.latest("two") == Snapshot("two", 4, b"again")
        assert store.latest("three") is None


def test_a_snapshot_of_many_megabytes_comes_back(place: Place) -> None:
    state = bytes(range(256)) * 2**17
    with place.open() as store:
        store.save(Snapshot("m", 0, state))
        assert store.latest("m") == Snapshot("m", 0, state)


@pytest.mark.parametrize("position", [-1, 3])
def test_a_snapshot_stands_within_the_log(place: Place, position: int) -> None:
    with place.open() as store:
        store.append([entry(1, 2)])
        with pytest.raises(OptionError, match=f"at 0 to 2, got one at {position}: append the rows before"):
            store.save(Snapshot("m", position, b""))


@pytest.mark.parametrize("model", ["../evil", "a/b", "", ".", "..", "a\0", "a\n", "x" * 129, "ü", "a\\b"])
def test_a_fingerprint_leads_nowhere_else(place: Place, model: str) -> None:
    with place.open() as store:
        with pytest.raises(OptionError, match="expected the fingerprint of a model"):
            store.save(Snapshot(model, 0, b""))
        with pytest.raises(OptionError, match="expected the fingerprint of a model"):
            store.latest(model)


class Clock:
    """What the stores take for the time of day."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 1_700_000_000.0
        patch.setattr(time, "time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_old_rows_go_once_a_snapshot_has_seen_them(place: Place, clock: Clock) -> None:
    with place.open(keep_days=2.0) as store:
        store.append([entry(1, 2, 3)])
        clock.now += 3 * DAY
        store.append([entry(4, 5)])
        assert len(everything(store)) == 5
        store.save(Snapshot("m", 2, b"two"))
        assert [at for at, _ in everything(store)] == [3, 4, 5], "the third is as old, but no snapshot has seen it"
        store.save(Snapshot("m", 5, b"five"))
        store.save(Snapshot("m", 5, b"five"))
        store.save(Snapshot("m", 4, b"four"))
        assert [at for at, _ in everything(store)] == [4, 5], "the others are young"


def test_rows_stay_that_the_older_of_two_snapshots_needs(place: Place, clock: Clock) -> None:
    with place.open(keep_days=2.0) as store:
        store.append([entry(1, 2, 3)])
        store.save(Snapshot("m", 1, b"one"))
        clock.now += 3 * DAY
        store.save(Snapshot("m", 3, b"three"))
        assert [at for at, _ in everything(store)] == [2, 3]


def test_positions_go_on_after_all_rows_are_compacted(place: Place, clock: Clock) -> None:
    with place.open(keep_days=0.0) as store:
        store.append([entry(1, 2, 3)])
        clock.now += 1
        store.save(Snapshot("m", 3, b""))
        assert everything(store) == []
        assert store.append([]) == 3
    with place.open(keep_days=0.0) as store:
        assert store.append([Entry([row(4, "b")])]) == 4
        assert everything(store) == [(4, row(4, "b"))]


def test_a_store_without_a_policy_keeps_all_rows(place: Place, clock: Clock) -> None:
    with place.open() as store:
        store.append([entry(1, 2)])
        clock.now += 10_000 * DAY
        store.save(Snapshot("m", 2, b""))
        assert len(everything(store)) == 2


def test_receipts_are_kept_for_a_week(place: Place, clock: Clock) -> None:
    with place.open() as store:
        store.append([Entry([], "old")])
        clock.now += 2 * DAY
        store.append([Entry([], "young")])
        clock.now += 6 * DAY
        store.save(Snapshot("m", 0, b""))
        assert store.receipt("old") is None
        assert store.receipt("young") == Receipt(b"", 0)
        clock.now += 6 * DAY
        store.save(Snapshot("m", 0, b""))
        assert store.receipt("young") is None
        store.append([Entry([row(1)], "old")])
        assert store.receipt("old") == Receipt(b"", 1), "the key may come again"


@pytest.mark.parametrize("days", [-1.0, math.nan, math.inf])
def test_keep_days_is_a_time(place: Place, days: float) -> None:
    with pytest.raises(OptionError, match="expected keep_days to be None or a number of days from 0, got"):
        place.open(keep_days=days)


def test_a_closed_store_says_so(place: Place) -> None:
    with place.open() as store:
        pass
    with pytest.raises(GatecastError, match="closed: open it again"):
        store.append([entry(1)])
