"""Engines: every item once, results of the same work the same, refusals whole, nothing left behind."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import work_for_engines as work
from gatecast.engines import Engine, EngineOptions, engine_for
from gatecast.errors import MissingExtraError, OptionError, TableError, WorkerError

ENGINES = (
    EngineOptions(workers=1),
    EngineOptions(workers=2),
    pytest.param(EngineOptions(engine="ray", workers=2), marks=pytest.mark.ray),
)


@pytest.fixture(scope="module", params=ENGINES, ids=lambda options: f"{options.engine}-{options.workers}")
def engine(request: pytest.FixtureRequest, monkeypatch_module: pytest.MonkeyPatch) -> Engine:
    if request.param.engine == "ray":
        pytest.importorskip("ray")
    monkeypatch_module.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    )
    with engine_for(request.param) as begun:
        yield begun


@pytest.fixture(scope="module")
def monkeypatch_module() -> pytest.MonkeyPatch:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_every_item_comes_out_once_with_its_own_result(engine: Engine) -> None:
    done = list(engine.run(work.squared, range(20)))
    assert sorted(done) == [(number, number * number) for number in range(20)]


def test_an_engine_without_items_has_no_results(engine: Engine) -> None:
    assert list(engine.run(work.squared, [])) == []


def test_a_refusal_comes_back_as_what_it_was(engine: Engine) -> None:
    with pytest.raises(TableError, match=r"^row 3 is no number$"):
        list(engine.run(work.refused, range(8)))
    with pytest.raises(MissingExtraError, match="needs optuna"):
        list(engine.run(work.lacking, [0]))
    assert len(list(engine.run(work.squared, range(3)))) == 3, "an engine that refused goes on to work"


def test_workers_share_the_cores(engine: Engine) -> None:
    found = [done.result for done in engine.run(work.where, range(12))]
    if engine.workers == 1:
        assert {process for process, _ in found} == {os.getpid()}, "one worker needs no other process"
        return
    assert os.getpid() not in {process for process, _ in found}
    assert {threads for _, threads in found} == {1}


def test_an_item_whose_process_is_killed_is_begun_anew(engine: Engine, tmp_path: Path) -> None:
    if engine.workers == 1:
        pytest.skip("its one worker is this process")
    marks = [str(tmp_path / name) for name in ("a", "b", "c", "d", "e", "f")]
    for mark in marks[1:]:
        Path(mark).touch()
    assert sorted(done.result for done in engine.run(work.killed_once, marks)) == ["a", "b", "c", "d", "e", "f"]


def test_an_item_that_always_kills_its_process_is_named(engine: Engine) -> None:
    if engine.workers == 1:
        pytest.skip("its one worker is this process")
    with pytest.raises(
        WorkerError, match=r"the process at work on piece 1 of 1 died 3 times.*run the same command again"
    ):
        list(engine.run(work.killed_always, [0]))


def test_options_that_cannot_be_are_refused() -> None:
    with pytest.raises(OptionError, match="workers counts processes from 1 up, got 0"):
        EngineOptions(workers=0)
    with pytest.raises(OptionError, match="that of a Ray cluster: add --engine ray"):
        EngineOptions(address="10.0.0.1:6379")
    with pytest.raises(OptionError, match="engine='slurm' is unknown; the engines are local, ray"):
        EngineOptions(engine="slurm")  # type: ignore[arg-type]


def test_a_cluster_that_is_not_there_is_named() -> None:
    pytest.importorskip("ray")
    lines = "from gatecast.engines import *\nengine_for(EngineOptions(engine='ray', address='127.0.0.1:9')).__enter__()"
    told = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, check=False, timeout=120
    ).stderr
    assert "WorkerError: Ray cannot be reached at 127.0.0.1:9: " in told
    assert "Start a cluster with `ray start --head`" in told


SESSION = """
    import os
    from gatecast.engines import EngineOptions, engine_for
    from work_for_engines import squared
    if __name__ == "__main__":
        with engine_for(EngineOptions(engine={name!r}, workers=2)) as engine:
            assert len(list(engine.run(squared, range(4)))) == 4
"""


@pytest.mark.parametrize("name", ["local", pytest.param("ray", marks=pytest.mark.ray)])
def test_a_session_leaves_no_process_behind(name: str, tmp_path: Path) -> None:
    if name == "ray":
        pytest.importorskip("ray")
    script = tmp_path / "session.py"
    script.write_text(textwrap.dedent(SESSION.format(name=name)))
    mark = f"gatecast-{os.getpid()}-{name}"  # children inherit it, so they can be found
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "GATECAST_TEST_MARK": mark}
    subprocess.run([sys.executable, str(script)], env=env, check=True, timeout=120)
    until = time.monotonic() + 20
    while (left := processes_marked(mark)) and time.monotonic() < until:
        time.sleep(0.2)
    assert left == []


def processes_marked(mark: str) -> list[str]:
    if not Path("/proc/self/environ").exists():
        pytest.skip("processes are looked for in /proc")
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it ended while we looked, or is not ours to read
            continue
    return found


def test_ray_tells_its_makers_nothing() -> None:
    pytest.importorskip("ray")
    from gatecast.engines.cluster import load_ray  # noqa: PLC0415

    load_ray()
    from ray._common.usage.usage_lib import usage_stats_enabled  # noqa: PLC0415

    assert not usage_stats_enabled()
