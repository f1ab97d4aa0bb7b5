"""The page on the live server: its examples run as they stand, beside the double, and its commands are understood."""

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from gatecast.cli import main
from gatecast.server.wire import ForecastRequest, ObserveRequest
from server_double import Double, running

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "live"
PAGE = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")
BODIES = re.findall(r"curl \S+/v1/(observe|forecast) .*?-d '(.*?)'\n", PAGE, re.DOTALL)


def printed(name: str, double: Double) -> str:
    environment = os.environ | {"GATECAST_URL": double.url}
    done = subprocess.run(
        [sys.executable, EXAMPLES / name], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_that_waits_counts_its_rows_once_however_often_it_runs() -> None:
    with running(Double()) as double:
        first, second = (printed("waiting.py", double).splitlines() for _ in range(2))
        assert double.count() == 48
    assert first[:2] == ["gru forecasts y, 2 rows ahead (hourly)", "48 rows on disk "]
    assert second[1] == "48 rows on disk as before"
    assert second[2:] == first[2:]
    assert first[-1].startswith('refused with 422: series "north" stands at 2024-01-02T23:00:00Z')


def test_the_example_that_awaits_hears_of_every_row_it_sends() -> None:
    with running(Double(live=True)) as double:
        told = printed("awaiting.py", double).splitlines()
    assert sorted(line.split()[0] for line in told[:-1]) == [f"sensor-{number:02}" for number in range(10)]
    assert told[-1] == "10 sensors are known"


def test_the_example_in_process_goes_on_from_a_state_with_the_same_bits() -> None:
    command = [sys.executable, EXAMPLES / "in_process.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "the same bits: True" in done.stdout
    assert "rows=962, last=np.datetime64('2024-02-10T01:00:00.000000')" in done.stdout


def test_the_page_posts_both_kinds_of_requests() -> None:
    assert {kind for kind, _ in BODIES} == {"observe", "forecast"}


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_every_body_that_the_page_posts_is_one_that_the_server_reads(kind: str, body: str) -> None:
    told = msgspec.json.decode(body, type=ObserveRequest if kind == "observe" else ForecastRequest)
    assert msgspec.json.decode(body).keys() <= set(told.__struct_fields__)


def test_every_flag_of_observe_on_the_page_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.split("#")[0] for line in PAGE.splitlines() if line.startswith("gatecast observe")]
    flags = {flag for line in lines for flag in re.findall(r"--[a-z-]+", line)}
    assert main(["observe", "--help"]) == 0
    assert {"--forecast", "--speed"} <= flags <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
