"""`gatecast observe`: a file arrives at a server row by row, in the order of time, once, and says how it went."""

import gzip
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from gatecast.cli import main
from gatecast.client.filerows import read_rows, shortest
from gatecast.client.pacing import Pace, Speed, parse_speed
from gatecast.client.retrying import Retries
from gatecast.data.columns import TableOptions
from gatecast.errors import OptionError
from gatecast.server.wire import ObserveRequest
from server_double import CARD, Double, running
from small_tables import wave_table

SHOPS = ("north", "south")


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Ask = Callable[..., Answer]


@pytest.fixture
def ask(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run the command in this process, without long waits."""
    monkeypatch.setattr("gatecast.client.replaying.PATIENT", Retries(attempts=4, first=0.0))

    def run(*arguments: object) -> Answer:
        code = main(["observe", *map(str, arguments)])
        caught = capfd.readouterr()
        assert "Traceback" not in caught.err
        return Answer(code, caught.out, caught.err)

    return run


@pytest.fixture
def double() -> Iterator[Double]:
    with running(Double()) as one:
        yield one


@pytest.fixture
def waves(tmp_path: Path) -> Path:
    """Two shops, 30 hours each, one after the other in the file."""
    wave_table(30, SHOPS).write_csv(tmp_path / "waves.csv")
    return tmp_path / "waves.csv"


def sent(double: Double) -> list[list[tuple[str, object]]]:
    """Series and time of every row, request by request."""
    bodies = [asked.body for asked in double.asked if asked.path == "/v1/observe"]
    decoded = [msgspec.json.decode(body, type=ObserveRequest) for body in bodies]
    return [[(row.series, row.ds) for row in request.observations] for request in decoded]


# Sent


def test_every_row_of_the_file_arrives_with_its_values(double: Double, waves: Path, ask: Ask) -> None:
    done = ask(double.url, waves)
    assert done.code == 0
    assert re.fullmatch(r"60 of 60 rows sent in .* rows/s\), 0 of them there already, 0 refused.\n", done.out)
    table = pl.read_csv(waves)
    for shop in SHOPS:
        own = table.filter(pl.col("shop") == shop)
        rows = double.rows[shop]
        assert [row.ds for row in rows] == [text.removesuffix(".000000") for text in own["ds"]]
        assert [np.float32(row.y) for row in rows] == [np.float32(value) for value in own["y"]]
        assert [np.float32(row.x["x"]) for row in rows] == [np.float32(value) for value in own["x"]]


def test_rows_go_in_the_order_of_time_across_series(double: Double, waves: Path, ask: Ask) -> None:
    assert ask(double.url, waves, "--batch", 7).code == 0
    requests = sent(double)
    assert [len(request) for request in requests] == [7] * 8 + [4]
    flat = [row for request in requests for row in request]
    assert flat == sorted(flat, key=lambda row: (row[1], row[0]))


def test_guesses_are_printed_and_the_target_is_the_models(double: Double, tmp_path: Path, ask: Ask) -> None:
    wave_table(30).rename({"y": "load", "x": "y"}).write_csv(tmp_path / "renamed.csv")
    double.card = msgspec.structs.replace(CARD, past=[], targets=["y"])
    done = ask(double.url, tmp_path / "renamed.csv")
    assert "Decided for you" in done.err
    assert "time = ds" in done.err
    assert np.float32(double.rows["series"][3].y) == np.float32(wave_table(30)["x"][3]), "not the last column, load"
    assert double.rows["series"][3].x == {}, "the model reads no covariates"
    assert ask(double.url, tmp_path / "renamed.csv", "--quiet").err == ""


def test_columns_may_be_named(double: Double, tmp_path: Path, ask: Ask) -> None:
    table = wave_table(30, SHOPS).rename({"shop": "a", "ds": "b", "x": "x", "y": "c"}).with_columns(d=pl.lit(1.5))
    table.with_columns(d=pl.int_range(60) % 7).write_csv(tmp_path / "odd.csv")
    done = ask(double.url, tmp_path / "odd.csv", "--series", "a", "--time", "b", "--target", "d")
    assert done.code == 0
    assert [row.y for row in double.rows["north"][:9]] == [0, 1, 2, 3, 4, 5, 6, 0, 1]


def test_gaps_and_empty_rows_are_not_sent_and_missing_values_are_null(double: Double, tmp_path: Path, ask: Ask) -> None:
    lines = ["ds,x,y", *(f"2024-01-{day:02},{day},{day * day}" for day in range(1, 29) if day != 9)]
    lines[5], lines[6] = "2024-01-05,,", "2024-01-06,6,"
    (tmp_path / "gaps.csv").write_text("\n".join(lines) + "\n")
    assert ask(double.url, tmp_path / "gaps.csv").code == 0
    rows = {str(row.ds)[8:10]: row for row in double.rows["series"]}
    assert rows.keys() == {f"{day:02}" for day in range(1, 29)} - {"05", "09"}
    assert (rows["06"].y, rows["06"].x) == (None, {"x": 6.0})
    assert rows["07"].y == 49.0


def test_words_go_as_words(double: Double, tmp_path: Path, ask: Ask) -> None:
    table = wave_table(30).with_columns(sky=pl.Series(["wet", "dry", "dry"] * 10))
    table.write_csv(tmp_path / "words.csv")
    double.card = msgspec.structs.replace(CARD, past=["x"], future=["sky"])
    assert ask(double.url, tmp_path / "words.csv").code == 0
    assert [row.x["sky"] for row in double.rows["series"][:4]] == ["wet", "dry", "dry", "wet"]


def test_rows_without_times_are_numbered(double: Double, tmp_path: Path, ask: Ask) -> None:
    wave_table(30, dated=False).write_csv(tmp_path / "numbered.csv")
    assert ask(double.url, tmp_path / "numbered.csv").code == 0
    assert [row.ds for row in double.rows["series"]] == list(range(30))


def test_several_targets_go_by_name(double: Double, waves: Path, ask: Ask) -> None:
    double.card = msgspec.structs.replace(CARD, targets=["y", "x"], past=[])
    assert ask(double.url, waves).code == 0
    assert isinstance(double.rows["north"][0].y, dict)
    assert double.rows["north"][0].y.keys() == {"y", "x"}


@pytest.mark.parametrize("ending", ["csv.gz", "parquet"])
def test_other_files_are_read_too(double: Double, waves: Path, tmp_path: Path, ask: Ask, ending: str) -> None:
    path = tmp_path / f"waves.{ending}"
    if ending == "parquet":
        wave_table(30, SHOPS).write_parquet(path)
    else:
        path.write_bytes(gzip.compress(waves.read_bytes()))
    assert ask(double.url, path).code == 0
    assert double.count() == 60


def test_a_value_of_32_bits_goes_in_its_shortest_digits_and_comes_back_bit_by_bit() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 20_000, dtype=np.uint32)
    values = bits.view(np.float32)[np.isfinite(bits.view(np.float32))]
    assert np.array_equal(np.array(shortest(values), dtype=np.float64).astype(np.float32), values)
    assert shortest(np.array([0.1, np.nan, 1e-45, 16_777_216], dtype=np.float32)) == [0.1, None, 1e-45, 16_777_216.0]


def test_forecasts_after_the_last_row_are_printed(double: Double, waves: Path, ask: Ask) -> None:
    done = ask(double.url, waves, "--forecast")
    last = double.rows["south"][-1]
    assert f"{last.y:,.6g}" in done.out
    assert all(word in done.out for word in ("north", "south", "0.1", "0.9", f"{last.ds}+1"))


def test_a_key_in_a_file_opens_the_server_and_is_not_shown(
    double: Double, waves: Path, tmp_path: Path, ask: Ask
) -> None:
    double.token = "gc_of-the-double"  # noqa: S105 - of a double
    refused = ask(double.url, waves)
    assert (refused.code, refused.err) == (1, "gatecast: a key is wanted: send Authorization: Bearer KEY.\n")
    (tmp_path / "key").write_text(f"{double.token}\n")
    done = ask(double.url, waves, "--key-file", tmp_path / "key")
    assert (done.code, double.count()) == (0, 60)
    assert double.token not in done.out + done.err


# Once


def test_a_file_that_is_sent_twice_counts_once(double: Double, waves: Path, tmp_path: Path, ask: Ask) -> None:
    assert ask(double.url, waves).code == 0
    shutil.copy(waves, tmp_path / "copy.csv")
    done = ask(double.url, tmp_path / "copy.csv")
    assert done.code == 0
    assert "60 of them there already, 0 refused" in done.out
    assert double.count() == 60


def test_blocks_whose_answer_was_lost_count_once(double: Double, waves: Path, ask: Ask) -> None:
    double.troubles = deque(["fine", "lose", "503", "fine", "half", "cut", "fine", "lose"])
    assert ask(double.url, waves, "--batch", 9).code == 0
    assert double.count() == 60


def test_rows_of_one_series_keep_its_name(waves: Path, tmp_path: Path) -> None:
    """In a file of one shop no two rows share a time, so nothing in it tells that its names are those of series."""
    path = tmp_path / "south.csv"
    path.write_text("".join(line for line in waves.read_text().splitlines(keepends=True) if "north" not in line))
    rows, _ = read_rows(path, TableOptions(), msgspec.structs.replace(CARD, id="shop"))
    assert rows.names == ("south",)


def test_a_file_with_other_content_has_other_keys(waves: Path, tmp_path: Path) -> None:
    blocks = (range(10), range(10, 20), range(5))
    rows, _ = read_rows(waves, TableOptions(), CARD)
    keys = {rows.key(block) for block in blocks}
    other = tmp_path / "other.csv"
    other.write_text(waves.read_text() + "north,2024-03-01T00:00:00.000000,1.0,1.0\n")
    keys |= {read_rows(other, TableOptions(), CARD)[0].key(block) for block in blocks}
    swapped, _ = read_rows(waves, TableOptions(target=("x",)), msgspec.structs.replace(CARD, past=[]))
    keys |= {swapped.key(block) for block in blocks}
    assert len(keys) == 9
    assert all(re.fullmatch(r"[0-9a-f]{32}-\d+-\d+", key) for key in keys)


def test_what_fails_says_where_and_the_same_command_goes_on(double: Double, waves: Path, ask: Ask) -> None:
    double.troubles = deque(["fine", "fine", "fine", "403"])
    done = ask(double.url, waves, "--batch", 10)
    assert done.code == 1
    assert done.err.endswith('403. It stopped before row 21 of 60 (series "north" at 2024-01-01 10:00:00).\n')
    assert double.count() == 20
    done = ask(double.url, waves, "--batch", 10)
    assert (done.code, double.count()) == (0, 60)
    assert "20 of them there already" in done.out


COMMAND = (sys.executable, "-c", "from gatecast.cli import main; raise SystemExit(main())", "observe")


def test_ctrl_c_stops_and_says_where_and_the_same_command_goes_on(double: Double, waves: Path, ask: Ask) -> None:
    slow = [*COMMAND, double.url, str(waves), "--speed", "10"]
    with subprocess.Popen(slow, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while double.count() < 3 and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert re.search(r"stopped before row \d+ of 60 \(series .*; the same command goes on", out)
    before = double.count()
    assert 3 <= before < 60
    assert ask(double.url, waves, "--speed", 0, "--batch", 1).code == 0, "another speed has the same blocks"
    assert double.count() == 60


def test_a_terminal_shows_a_bar_with_rate_and_refusals(double: Double, waves: Path) -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    double.troubles = deque(["fine", "422"])
    command = [*COMMAND, double.url, str(waves), "--speed", "100"]
    with subprocess.Popen(command, stderr=theirs, stdout=subprocess.DEVNULL, env=environment) as process:
        os.close(theirs)
        shown = read_all(ours)
    assert process.returncode == 1
    assert re.search(rb"observing.*/60.*\d rows/s.*1 refused", shown)
    assert shown.rstrip().endswith(b"mend the file, or its columns.")


def read_all(handle: int) -> bytes:
    """What comes from a pseudo-terminal until its last writer has gone."""
    shown = b""
    while True:
        try:
            shown += os.read(handle, 65_536)
        except OSError:
            return shown


def test_rows_that_are_refused_are_counted_and_the_rest_arrives(double: Double, waves: Path, ask: Ask) -> None:
    double.troubles = deque(["fine", "fine", "422"])
    done = ask(double.url, waves, "--batch", 10)
    assert done.code == 1
    assert "60 of 60 rows sent" in done.out
    assert "10 refused.\nthe first refusal: the double was told to answer 422.\n" in done.out
    assert "gatecast: 10 of 60 rows were refused" in done.err
    assert double.count() == 50


# Speed


def test_a_speed_is_rows_a_second_or_a_factor_of_real_time() -> None:
    assert [parse_speed(text) for text in ("0", "500", "2.5", " 60x ")] == [
        Speed(),
        Speed(500.0),
        Speed(2.5),
        Speed(60.0, real=True),
    ]
    for text in ("fast", "-1", "0x", "1e3", "nan", "x", ""):
        with pytest.raises(OptionError, match="speed is rows a second such as 500, a factor of real time such as 60x"):
            parse_speed(text)


def test_blocks_are_due_by_their_place_or_by_when_their_last_row_happened(waves: Path) -> None:
    rows, _ = read_rows(waves, TableOptions(), CARD)
    assert Speed(20.0).due(rows, range(40, 50)) == 2.0
    assert Speed(3600.0, real=True).due(rows, range(40, 50)) == 24.0, "row 50 of two shops is hour 24"
    assert Speed().due(rows, range(40, 50)) == 0.0


def test_no_row_is_sent_before_it_is_due(double: Double, waves: Path, ask: Ask) -> None:
    began = time.monotonic()
    assert ask(double.url, waves, "--speed", 100).code == 0
    assert time.monotonic() - began >= 0.59, "row 60 is due 590 ms after the first"
    assert [len(request) for request in sent(double)] == [1] * 60, "a speed sends row by row"


def test_what_is_there_already_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, waves: Path) -> None:
    rows, _ = read_rows(waves, TableOptions(), CARD)
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    pace = Pace(Speed(1.0), rows)
    for start, new in ((0, False), (10, False), (20, True), (30, False)):
        pace.wait(range(start, start + 10))
        pace.sent(range(start, start + 10), new=new)
    assert len(slept) == 1, "only the block after the first new one is waited for"
    assert 9 < slept[0] <= 10


# Refused


REFUSALS = (
    ("URL absent.csv", r"there is no file absent.csv"),
    ("URL WAVES --speed fast", "speed is rows a second"),
    ("URL WAVES --batch 0", "a request holds 1 to 10,000 observations, got batch=0"),
    ("URL WAVES --target z", r'there is no column "z" \(target=\)'),
    ("URL WAVES --key-file absent", "the key file absent cannot be read: FileNotFoundError"),
    ("URL WAVES --key-file WAVES", "the key file .* holds 61 words, and a key is one"),
    ("URL NUMBERED --speed 60x", "speed with an x is a factor of real time, and the file has no times"),
    ("ftp://a WAVES", "the address of a server looks like"),
    ("http://127.0.0.1:9 WAVES", r"http://127.0.0.1:9 does not answer: .* \(tried 4 times\)"),
)


@pytest.mark.parametrize(("line", "lesson"), REFUSALS, ids=[line for line, _ in REFUSALS])
def test_a_refusal_is_one_message_and_exit_code_1(
    double: Double, waves: Path, ask: Ask, line: str, lesson: str
) -> None:
    numbered = waves.with_name("numbered.csv")
    wave_table(30, dated=False).write_csv(numbered)
    places = {"URL": double.url, "WAVES": str(waves), "NUMBERED": str(numbered)}
    done = ask(*(places.get(word, word) for word in line.split()))
    assert (done.code, done.out) == (1, "")
    assert re.search(lesson, done.err.splitlines()[-1])
    assert done.err.splitlines()[-1].startswith("gatecast: ")


def test_a_file_without_what_the_model_reads_is_refused_before_anything_is_sent(
    double: Double, waves: Path, ask: Ask
) -> None:
    double.card = msgspec.structs.replace(CARD, past=["wind"])
    done = ask(double.url, waves)
    assert done.code == 1
    assert 'there is no column "wind" (past=)' in done.err
    double.card = msgspec.structs.replace(CARD, past=[], targets=["sun", "rain"])
    done = ask(double.url, waves)
    assert "the model forecasts several targets together, sun, rain, and the file has y." in done.err
    assert double.count() == 0


def test_the_command_explains_itself_and_loads_no_torch(double: Double, waves: Path, ask: Ask) -> None:
    told = ask("--help").out
    assert "Usage: gatecast observe" in told
    assert all(f"--{flag}" in told for flag in ("series", "time", "target", "speed", "batch", "key-file", "forecast"))
    code = f"from gatecast.cli import main; main(['observe', {double.url!r}, {str(waves)!r}]); import sys"
    script = f"{code}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.splitlines()[-1] == "False"
