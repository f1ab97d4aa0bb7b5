"""Processes are killed, and machines are lost, in the middle of a backtest: what comes out is the same."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatecast.engines import EngineOptions
from gatecast.files import is_temporary
from gatecast.scale import backtest_partitions
from scale_makers import assert_same_bits, cut, frames_of, many_table, saved_model

PARTS = 24
DRIVER = """
    import sys
    from gatecast.engines import EngineOptions
    from gatecast.scale import backtest_partitions
    if __name__ == "__main__":
        backtest_partitions(*sys.argv[1:4], EngineOptions(workers=2))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, 24 partitions that take a while, and the results of a quiet afternoon."""
    folder = tmp_path_factory.mktemp("drills")
    saved_model(folder)
    table = many_table(tuple(f"t{number}" for number in range(240)), 600, first=100)
    cut(folder, table, PARTS)
    (folder / "driver.py").write_text(textwrap.dedent(DRIVER))
    backtest_partitions(folder / "model", folder / f"in_{PARTS}", folder / "quiet", EngineOptions(workers=1))
    return folder


@pytest.fixture
def driver(place: Path, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A backtest with two workers, in a process of its own, which has finished something and not everything."""
    if not Path("/proc/self/task").exists():
        pytest.skip("processes are looked for in /proc")
    command = [sys.executable, place / "driver.py", place / "model", place / f"in_{PARTS}", tmp_path / "out"]
    begun = subprocess.Popen(list(map(str, command)))
    try:
        wait_for(lambda: finished(tmp_path / "out") >= 2, begun)
        assert finished(tmp_path / "out") < PARTS
        yield begun
    finally:
        begun.kill()
        begun.wait()


def wait_for(seen: Callable[[], bool], begun: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 100
    while not seen():
        assert begun.poll() is None, "the driver ended too soon"
        assert time.monotonic() < until
        time.sleep(0.01)


def finished(out: Path) -> int:
    return len(list(out.glob("part-*.parquet")))


def workers_of(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def is_alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def assert_as_quiet(place: Path, out: Path) -> None:
    assert_same_bits(frames_of(out), frames_of(place / "quiet"))
    assert (out / "metrics.json").read_bytes() == (place / "quiet" / "metrics.json").read_bytes()
    assert not [path for path in out.rglob("*") if is_temporary(path)]


def test_a_worker_that_is_killed_changes_nothing(
    place: Path, driver: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    os.kill(workers_of(driver.pid)[0], signal.SIGKILL)
    assert finished(tmp_path / "out") < PARTS
    assert driver.wait(timeout=200) == 0
    assert_as_quiet(place, tmp_path / "out")


def test_a_driver_that_is_killed_is_gone_on_with_by_the_same_call(
    place: Path, driver: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    workers = workers_of(driver.pid)
    driver.kill()
    driver.wait()
    until = time.monotonic() + 20
    while any(map(is_alive, workers)):
        assert time.monotonic() < until, "workers outlive their driver"
        time.sleep(0.05)
    out = tmp_path / "out"
    kept = {path: path.stat().st_mtime_ns for path in out.glob("part-*.parquet")}
    assert 2 <= len(kept) < PARTS
    assert not (out / "metrics.json").exists()
    (out / f".{'ab' * 8}.tmp").write_text("half of a partition")
    done = backtest_partitions(place / "model", place / f"in_{PARTS}", out, EngineOptions(workers=1))
    assert done.kept == len(kept)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "what is finished is not done again"
    assert_as_quiet(place, out)


@pytest.mark.ray
def test_ray_loses_a_machine_and_finishes_with_the_same_results(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - an extra

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        lost = cluster.add_node(num_cpus=1)
        script = DRIVER.replace("workers=2", f"engine='ray', workers=2, address={cluster.address!r}")
        (tmp_path / "driver.py").write_text(textwrap.dedent(script))
        paths = [place / "model", place / f"in_{PARTS}", tmp_path / "out"]
        with subprocess.Popen([sys.executable, str(tmp_path / "driver.py"), *map(str, paths)]) as begun:
            wait_for(lambda: finished(tmp_path / "out") >= 2, begun)
            cluster.remove_node(lost, allow_graceful=False)
            assert finished(tmp_path / "out") < PARTS
            assert begun.wait(timeout=200) == 0
    finally:
        cluster.shutdown()
    assert_as_quiet(place, tmp_path / "out")
