"""The examples of the page on the live server run as they stand, beside the double."""

import os
import subprocess
import sys
from pathlib import Path

from server_double import Double, running

EXAMPLES = Path(__file__).parents[1] / "examples" / "live"


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
