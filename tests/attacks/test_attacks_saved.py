"""Checkpoints, snapshots, runs, journals and stores, broken and edited: refused in words, and nothing is lost."""

import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from ledger import Ledger
from saved_abuses import CHECKPOINTS, DAMAGE, SNAPSHOTS, STORES, Change, instead
from trying import Outcome, tried

import gatecast
from builders import small_config, waves
from gatecast.data.splits import split_by_time
from gatecast.forecaster import RecurrentForecaster
from gatecast.scale.folder import read_record as read_batch
from gatecast.scale.tally import tally_from_bytes
from gatecast.server.store.sqlite import SqliteStore
from gatecast.streaming import ForecastStream, StreamState
from gatecast.training.checkpoint import load_checkpoint, save_checkpoint
from gatecast.tuning.journal import JOURNAL, check_task, open_study, repair
from gatecast.tuning.proposing import Proposals, Strategy
from small_tables import SMALL, wave_table
from store_rows import entry, everything
from stream_makers import fitted, observe_row, table

BOOK = Ledger("Checkpoints, snapshots, runs, journals and stores")


def enter(abuse: str, outcome: Outcome) -> None:
    BOOK.enter(abuse, f"refused: {outcome.refused()}")


# Checkpoints


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    panel = waves()
    network, _, state = RecurrentForecaster(small_config()).prepare(panel, split_by_time(panel, 6))
    return save_checkpoint(tmp_path_factory.mktemp("checkpoint"), network, state).read_bytes()


@pytest.mark.parametrize("abuse", [*DAMAGE, *CHECKPOINTS])
def test_a_checkpoint_that_cannot_be_gone_on_from_is_refused(checkpoint: bytes, tmp_path: Path, abuse: str) -> None:
    path, panel = tmp_path / "step-00000004.safetensors", waves()
    path.write_bytes((DAMAGE | CHECKPOINTS)[abuse](checkpoint))
    network, _, state = RecurrentForecaster(small_config()).prepare(panel, split_by_time(panel, 6))
    outcome = tried(lambda: load_checkpoint(path, network, state), tmp_path)
    assert state.step == 0
    enter(f"a checkpoint {abuse}", outcome)


# Snapshots of streams


@pytest.fixture(scope="module")
def snapshot() -> bytes:
    stream, panel = ForecastStream(fitted()), table()
    for row in range(3):
        observe_row(stream, panel, 0, row)
    return stream.snapshot().to_bytes()


@pytest.mark.parametrize("abuse", [*DAMAGE, *SNAPSHOTS])
def test_a_snapshot_that_no_stream_comes_to_is_refused(snapshot: bytes, abuse: str) -> None:
    stream, data = ForecastStream(fitted()), (DAMAGE | SNAPSHOTS)[abuse](snapshot)
    enter(f"a snapshot of a stream {abuse}", tried(lambda: stream.restore(StreamState.from_bytes(data))))
    assert not stream.series


# Run folders


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    wave_table().write_csv(folder / "waves.csv")
    gatecast.fit(folder / "waves.csv", out=folder / "run", **SMALL)
    return folder / "run"


def edited(old: bytes, new: bytes) -> Change:
    def change(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, 1)

    return change


RUNS: dict[str, tuple[str, Change]] = {
    "run.json is empty": ("run.json", instead(b"")),
    "run.json is cut off": ("run.json", lambda data: data[:500]),
    "run.json is no text": ("run.json", instead(b"\xff\xfe")),
    "run.json is nested a million deep": ("run.json", instead(b'{"asked":' * 10**6)),
    "run.json says another horizon than the model": ("run.json", edited(b'"horizon": 4', b'"horizon": 2')),
    "run.json says another share for the test part": ("run.json", edited(b'"test": ', b'"test": 0.4, "_": ')),
    "run.json says another season than the model": (
        "run.json",
        edited(b'"season": 12,\n "guesses"', b'"season": 3,\n "guesses"'),
    ),
    "a line of steps.jsonl is edited": ("steps.jsonl", edited(b'"loss":', b'"loss":"low",')),
    "a line of steps.jsonl is nested a million deep": ("steps.jsonl", lambda data: b"[" * 10**6 + b"\n" + data),
}


@pytest.mark.parametrize("abuse", RUNS)
def test_an_edited_run_is_refused(run: Path, tmp_path: Path, abuse: str) -> None:
    name, change = RUNS[abuse]
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / name
    path.write_bytes(change(path.read_bytes()))
    enter(f"of a run, {abuse}", tried(lambda: gatecast.load(tmp_path / "run"), tmp_path))


METRICS: dict[str, Change] = {
    "is empty": instead(b""),
    "is cut off": lambda data: data[:100],
    "is a list": instead(b"[]"),
    "is nested a million deep": instead(b'{"by_step":' * 10**6),
    "has a score in words": edited(b'"mase": ', b'"mase": "low", "was": '),
    "is no text": instead(b'{"by_step": "\xff"}'),
}


@pytest.mark.parametrize("abuse", METRICS)
def test_edited_scores_are_refused(run: Path, tmp_path: Path, abuse: str) -> None:
    from gatecast.workflow.runs import read_metrics  # noqa: PLC0415

    (tmp_path / "metrics.json").write_bytes(METRICS[abuse]((run / "metrics.json").read_bytes()))
    enter(f"metrics.json {abuse}", tried(lambda: read_metrics(tmp_path), tmp_path))


def test_a_log_cut_off_in_its_last_line_is_read_without_it(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "steps.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    assert len(tried(lambda: gatecast.load(tmp_path / "run")).accepted().steps) == SMALL["steps"] - 1
    BOOK.enter("of a run, steps.jsonl is cut off within its last line", "read: the run, without that step")


# Journals of searches

CREATED = b'{"op_code":0,"worker_id":"w","study_name":"search","directions":[1]}\n'
JOURNALS: dict[str, bytes] = {
    "is text": b"no journal\nat all\n",
    "is zeros": bytes(512) + b"\n",
    "is a list": b"[]\n",
    "has an operation that is not known": CREATED + b'{"op_code":99,"worker_id":"w"}\n',
    "has a line without its parts": CREATED + b'{"op_code":4,"worker_id":"w"}\n',
    "is nested a hundred thousand deep": b"[" * 10**5 + b"\n",
    "says in words what is searched": CREATED
    + b'{"op_code":2,"worker_id":"w","study_id":0,"user_attr":{"task":"all"}}\n',
}


@pytest.mark.parametrize("abuse", JOURNALS)
def test_a_journal_that_is_none_is_refused(tmp_path: Path, abuse: str) -> None:
    (tmp_path / JOURNAL).write_bytes(JOURNALS[abuse])

    def begin() -> None:
        repair(tmp_path / JOURNAL)
        study = open_study(tmp_path / JOURNAL, Proposals(Strategy(), 0, (), others=False))
        check_task(study, {"data": {}, "asked": {}, "said": []}, tmp_path)

    enter(f"the journal of a search {abuse}", tried(begin, tmp_path))


# Results of partitions


@pytest.mark.parametrize("abuse", ["is empty", "is nested a million deep", "is no text"])
def test_a_damaged_record_of_partitions_is_refused(tmp_path: Path, abuse: str) -> None:
    (tmp_path / "batch.json").write_bytes({"is empty": b"", "is no text": b"\xff"}.get(abuse, b'{"model":' * 10**6))
    enter(f"batch.json of partitions {abuse}", tried(lambda: read_batch(tmp_path), tmp_path))


@pytest.mark.parametrize("abuse", [name for name in DAMAGE if "bit" not in name])
def test_damaged_scores_of_a_partition_are_refused(snapshot: bytes, abuse: str) -> None:
    enter(f"the scores of a partition: the file {abuse}", tried(lambda: tally_from_bytes(DAMAGE[abuse](snapshot))))


# The store of a server


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with SqliteStore(tmp_path / "store") as begun:
        begun.append([entry(*range(1000))])
    return tmp_path / "store" / "observations.db"


@pytest.mark.parametrize("abuse", STORES)
def test_a_strange_store_is_refused_and_left_as_it_is(store: Path, tmp_path: Path, abuse: str) -> None:
    change: Callable[[Path], object] = STORES[abuse]
    change(store)
    before = store.read_bytes() if store.is_file() else b""

    def read() -> object:
        with SqliteStore(store.parent) as opened:
            return everything(opened)

    enter(f"the store of a server {abuse}", tried(read, tmp_path))
    assert (store.read_bytes() if store.is_file() else b"") == before


def test_a_store_that_another_program_holds_is_refused(store: Path, tmp_path: Path) -> None:
    holder = apsw.Connection(str(store))
    holder.execute("BEGIN EXCLUSIVE")

    def append() -> object:
        with SqliteStore(store.parent) as opened:
            return opened.append([entry(1)])

    enter("the store of a server is held by another program", tried(append, tmp_path))
    holder.close()
    with SqliteStore(store.parent) as opened:
        assert len(everything(opened)) == 1000


def test_a_write_ahead_log_of_garbage_loses_nothing_that_was_folded(store: Path) -> None:
    store.with_name(f"{store.name}-wal").write_bytes(b"\x55" * 100_000)
    store.with_name(f"{store.name}-shm").write_bytes(b"\x55" * 32_768)

    def read() -> int:
        with SqliteStore(store.parent) as opened:
            return len(everything(opened))

    assert tried(read).accepted() == 1000
    BOOK.enter("the store of a server has a write-ahead log of garbage", "read: all rows of the database beside it")
