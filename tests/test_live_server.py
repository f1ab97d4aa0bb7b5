"""`gatecast serve` as a process: over HTTP, stopped, killed, beside another one, and on a disk that is full."""

import shutil
import signal
import subprocess
from pathlib import Path

import httpx
import numpy as np

import gatecast
from gatecast.server.store.sqlite import SqliteStore
from live_drill import SNAPSHOT_ROUNDS, drill
from live_process import ROWS, serving, value, written
from live_server import NAMES, asked, observe, refused, run, small_disk
from store_rows import everything

__all__ = ["run", "small_disk"]  # fixtures


def test_a_run_is_served_over_http(run: Path, tmp_path: Path) -> None:
    with serving(run, tmp_path / "data") as server:
        assert asked(server.url, "/v2/health/ready") is not None
        assert asked(server.url, "/v1/series")["total"] == len(NAMES), "the log began with the table"
        assert observe(server.url, "s0", ROWS, ROWS + 1).json() == {"accepted": 2, "repeated": False}
        assert observe(server.url, "s0", ROWS + 1).status_code == 422
        assert observe(server.url, "n7", 0, key="k").json() == {"accepted": 1, "repeated": False}
        assert observe(server.url, "n7", 0, key="k").json() == {"accepted": 1, "repeated": True}
        assert observe(server.url, "n7", 1, key="k").status_code == 409
        assert httpx.get(f"{server.url}/v1/forecast?series=nobody").status_code == 404

        live = gatecast.load(run).live()
        live.observe_panel(gatecast.load(run).panel)
        for hour in (ROWS, ROWS + 1):
            live.observe("s0", written(hour), value("s0", hour))
        expected = live.forecast("s0")
        (found,) = asked(server.url, "/v1/forecast", series="s0")["forecasts"]
        assert found["cutoff"] == written(ROWS + 1)
        assert found["mean"] == expected.mean[0, :, 0].tolist()
        assert [*found["quantiles"].values()] == expected.quantiles[0, :, 0].T.tolist()

        (card,) = asked(server.url, "/v1/models")["models"]
        assert (card["name"], card["horizon"], card["frequency"]) == ("gru", 4, "1h")
        assert card["version"] == live.fingerprint[:12]
        assert asked(server.url, "/v1/series/s0", rows=2)["y"] == [value("s0", hour) for hour in (ROWS, ROWS + 1)]
        assert "gatecast_observations_total 3" in httpx.get(f"{server.url}/metrics").text


def test_a_server_that_is_asked_to_stop_writes_a_snapshot_and_goes_on_from_it(run: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(run, data) as server:
        observe(server.url, "s1", ROWS)
        before = asked(server.url, "/v1/forecast", series="s1")
        assert server.end() == 0
    fingerprint = gatecast.load(run).live().fingerprint
    with SqliteStore(data) as store:
        snapshot = store.latest(fingerprint)
        assert snapshot is not None
        assert snapshot.position == len(everything(store)) == len(NAMES) * ROWS + 1
        store._database._writer.execute("DELETE FROM observations")  # only the snapshot knows
    with serving(run, data) as server:
        assert asked(server.url, "/v1/forecast", series="s1") == before
        assert asked(server.url, "/v1/series", match="s1")["series"][0]["rows"] == ROWS + 1
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=30) == 0


def test_a_second_server_on_the_same_data_is_refused_in_one_line(run: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(run, data) as server:
        line = refused(run, data)
        assert f"another process (pid {server.process.pid}) already writes to {data}" in line
        assert observe(server.url, "s0", ROWS).status_code == 200


def test_a_port_in_use_is_refused_in_one_line(run: Path, tmp_path: Path) -> None:
    with serving(run, tmp_path / "data") as server:
        line = refused(run, tmp_path / "other", "--port", str(server.port))
        assert f"Cannot listen on 127.0.0.1 port {server.port}: Address already in use" in line
        assert "Name another --port" in line


def test_a_log_that_the_model_cannot_read_is_refused_in_one_line(run: Path, tmp_path: Path) -> None:
    with serving(run, tmp_path / "data") as server:
        assert server.end() == 0
    for path in (tmp_path / "data").glob("snapshot-*"):
        path.unlink()
    with SqliteStore(tmp_path / "data") as store:
        store._database._writer.execute("UPDATE observations SET time = time + 1 WHERE position = 7")
    assert "the log of observations does not fit this model" in refused(run, tmp_path / "data")


def test_what_was_acknowledged_survives_kills_once_and_forecasts_have_the_bits_of_a_twin(tmp_path: Path) -> None:
    made, compared = drill(tmp_path, rounds=4, seed=3)
    assert made.tally.kills == 4
    assert SNAPSHOT_ROUNDS > 4, "all of the log is read again"
    assert sum(writer.acknowledged for writer in made.writers) > 100
    assert compared == 4 * 4 * len(made.logged)


def test_a_full_disk_is_told_and_what_came_before_is_kept(run: Path, small_disk: Path) -> None:
    data, big = small_disk / "data", small_disk / "big"
    with serving(run, data, errors=subprocess.PIPE) as server:
        assert observe(server.url, "s0", ROWS).status_code == 200
        _fill(big)
        hour, refusal = ROWS + 1, None
        while refusal is None:
            answer = observe(server.url, "s0", *range(hour, hour + 500), key=f"from-{hour}")
            refusal = answer if answer.status_code != 200 else None
            hour += 500 * (refusal is None)
        assert refusal.status_code == 507
        assert refusal.headers["content-type"] == "application/problem+json"
        assert "is full; nothing of this was kept" in refusal.json()["detail"]
        last = asked(server.url, "/v1/series", match="s0")["series"][0]
        assert last["rows"] == hour, "no state has moved"
        assert asked(server.url, "/v1/forecast", series="s0")["forecasts"][0]["cutoff"] == written(hour - 1)
        big.unlink()
        again = observe(server.url, "s0", *range(hour, hour + 500), key=f"from-{hour}")
        assert again.json() == {"accepted": 500, "repeated": False}
        assert server.end() == 0
    with SqliteStore(data) as store:
        kept = [row for _, row in everything(store) if row.series == "s0"]
    assert [row.y for row in kept] == [(value("s0", number),) for number in range(hour + 500)]
    assert (np.diff([row.time for row in kept]) == 3_600_000_000).all()


def _fill(path: Path) -> None:
    """Leave a quarter of a megabyte."""
    path.write_bytes(bytes(shutil.disk_usage(path.parent).free - 250_000))
