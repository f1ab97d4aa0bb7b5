"""Training over Ray: two machines (of one machine) train the net that one process trains; and one worker is killed."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from builders import waves
from gatecast.engines import EngineOptions
from gatecast.errors import GatecastError, OptionError
from gatecast.training.log import read_steps
from gatecast.workflow import build_options, fit
from gatecast.workflow.listening import Silent

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.ray

SETTINGS = {
    "horizon": 6,
    "lookback": 24,
    "hidden_size": 8,
    "mode": "windows",
    "subtract": "last",
    "baselines": ("naive",),
    "training": {"steps": 200, "evaluate_every": 10, "patience": 99},
    "calibrate": False,
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[EngineOptions]:
    """Two nodes with a processor each."""
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    from gatecast.engines.cluster import load_ray  # noqa: PLC0415

    load_ray()
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes.add_node(num_cpus=1)
    yield EngineOptions("ray", 2, nodes.address)
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    panel = waves(series=4, rows=150, seed=3)
    path = tmp_path_factory.mktemp("table") / "waves.csv"
    names = np.repeat(panel.ids, panel.lengths)
    pl.DataFrame({"unique_id": names, "ds": panel.times, "y": panel.values[:, 0]}).write_csv(path)
    return path


def losses(out: Path) -> list[float]:
    return [step.loss for step in read_steps(out / "steps.jsonl")]


def test_two_machines_train_the_net_that_one_process_trains_and_a_killed_worker_is_replaced(
    cluster: EngineOptions, table: Path, tmp_path: Path
) -> None:
    from gatecast.scale.training import Task, fit_over_ray  # noqa: PLC0415

    options, before = build_options(SETTINGS), signal.getsignal(signal.SIGINT)
    fit(table, out=tmp_path / "one", options=options)
    model = fit_over_ray(Task(table, tmp_path / "two", options), cluster)
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=0, atol=1e-5)
    assert signal.getsignal(signal.SIGINT) is before, "Ctrl-C is our own again"
    assert model.predict().forecast.mean.shape == (4, 6, 1)
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == sorted(
        path.name for path in (tmp_path / "one").iterdir()
    ), "nothing of Ray's own is left in the run folder"

    killer = threading.Thread(
        target=kill_a_worker, args=(lambda: len(read_steps(tmp_path / "hit" / "steps.jsonl")) > 60,)
    )
    killer.start()
    fit_over_ray(Task(table, tmp_path / "hit", options), cluster)
    killer.join()
    assert losses(tmp_path / "hit") == losses(tmp_path / "two")
    weights = [(tmp_path / name / "model" / "weights.safetensors").read_bytes() for name in ("two", "hit")]
    assert weights[0] == weights[1]


def kill_a_worker(ready: Callable[[], bool]) -> None:
    """Kill one of the processes that train, once it is time."""
    until = time.monotonic() + 120
    while not ready() and time.monotonic() < until:
        time.sleep(0.005)
    folders = [folder for folder in Path("/proc").glob("[0-9]*") if "RayTrainWorker" in name_of(folder)]
    os.kill(max(int(folder.name) for folder in folders), signal.SIGKILL)


def name_of(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_text()
    except OSError:  # it has ended
        return ""


def test_what_a_fit_refuses_is_refused_over_ray_in_the_same_words(
    cluster: EngineOptions, table: Path, tmp_path: Path
) -> None:
    from gatecast.scale.training import Task, fit_over_ray  # noqa: PLC0415

    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "run.json").write_text("{}")
    with pytest.raises(OptionError, match="taken holds a run already: go on with it by --resume"):
        fit_over_ray(Task(table, tmp_path / "taken", build_options(SETTINGS)), cluster)
    wrong = build_options(SETTINGS | {"target": ("sales",)})
    with pytest.raises(GatecastError, match=r"sales.*The columns are"):
        fit_over_ray(Task(table, tmp_path / "wrong", wrong), cluster)


def test_a_listener_hears_every_step_once(table: Path, tmp_path: Path) -> None:
    from gatecast.scale.following import follow  # noqa: PLC0415

    heard: list[int] = []
    listener = Silent()
    listener.step = lambda record: heard.append(record.step)  # type: ignore[method-assign]
    fit(table, out=tmp_path / "run", options=build_options(SETTINGS))
    ended = threading.Event()
    (tmp_path / "run" / "steps.jsonl").rename(tmp_path / "steps")
    thread = threading.Thread(target=follow, args=(tmp_path / "run", listener, ended))
    thread.start()
    lines = (tmp_path / "steps").read_bytes().splitlines(keepends=True)
    for count in (3, 60, 40, 200):  # a run that is begun anew has fewer for a while
        (tmp_path / "run" / "steps.jsonl").write_bytes(b"".join(lines[:count]))
        time.sleep(0.7)
    ended.set()
    thread.join()
    assert heard == list(range(heard[0], 201))
    assert heard[0] in {1, 4}, "what was there before it began to follow is not told"
