"""Training over Ray: Ray Train begins the workers, watches them and begins them anew; what they do is `workflow.fit`.

Each worker runs the very fit that torchrun would start.  They meet in the run folder, which all of them must reach: the
first worker writes checkpoints there, and after a loss all go on from the newest one.
"""

import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatecast.engines import EngineOptions
from gatecast.engines.cluster import connect, load_ray
from gatecast.errors import GatecastError, OptionError, WorkerError
from gatecast.folders import make_folder
from gatecast.scale.following import follow
from gatecast.workflow import FitOptions, Model, fit, load
from gatecast.workflow.listening import Listener, Silent
from gatecast.workflow.runs import RUN

OWN = "ray"  # what Ray Train keeps of its own in the run folder, while it runs
REFUSED = "refused.txt"
MOST_LOSSES = 10
"""Losses of a worker after which training is given up: something kills them again and again."""


@dataclass(frozen=True)
class Task:
    """What every worker is told.

    Attributes:
        source: the table's file or folder, which every worker can read.
        out: the run folder, which every worker can reach.
        options: everything that was said about the fit.
        tensorboard: whether event files are written too.
    """

    source: Path
    out: Path
    options: FitOptions
    tensorboard: bool = False


def fit_over_ray(task: Task, engine: EngineOptions, *, resume: bool = False, listener: Listener | None = None) -> Model:
    """Train one net by several workers of a Ray cluster, and score it.

    Args:
        task: the table, the run folder and the options.
        engine: how many workers, and which cluster.
        resume: go on with the run in the folder.
        listener: told what happens, as far as the run folder tells it.

    Raises:
        OptionError: the run folder is taken, or the table is no file.
        WorkerError: the cluster cannot be reached, or workers are lost again and again.
        GatecastError: as a fit raises it in a worker.
    """
    task = Task(task.source.resolve(), task.out.resolve(), task.options, task.tensorboard)
    if (task.out / RUN).exists() and not resume:
        raise OptionError(f"{task.out} holds a run already: go on with it by --resume, or give another --out.")
    make_folder(task.out / OWN)
    (task.out / OWN / REFUSED).unlink(missing_ok=True)
    ours = connect(engine.address)
    try:
        with _followed(task.out, listener or Silent()):
            _train(task, engine)
    finally:
        if ours:
            load_ray().shutdown()
    shutil.rmtree(task.out / OWN)
    return load(task.out)


def _train(task: Task, engine: EngineOptions) -> None:
    """Let Ray Train do it, and say in one line what went wrong."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig  # noqa: PLC0415 - an extra, and slow to import
    from ray.train.torch import TorchConfig, TorchTrainer  # noqa: PLC0415

    on_gpus = task.options.training.device != "cpu"
    most = engine.workers or max(1, int(load_ray().cluster_resources().get("GPU" if on_gpus else "CPU", 1)))
    trainer = TorchTrainer(
        _work,
        train_loop_config={"task": task},
        torch_config=TorchConfig(backend="cpu:gloo,cuda:nccl" if on_gpus else "gloo"),
        scaling_config=ScalingConfig(num_workers=most, use_gpu=on_gpus, placement_strategy="SPREAD"),
        run_config=RunConfig(
            name="training", storage_path=str(task.out / OWN), failure_config=FailureConfig(max_failures=MOST_LOSSES)
        ),
    )
    refused = task.out / OWN / REFUSED
    try:
        with _own_interrupt():
            trainer.fit()
    except Exception as error:
        if not refused.exists():
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise WorkerError(
                f"training over Ray failed: {first}. What was learnt is in {task.out}: go on with --resume once the "
                f"cluster is well."
            ) from error
    if refused.exists():
        raise GatecastError(refused.read_text(encoding="utf-8"))


@contextmanager
def _own_interrupt() -> Iterator[None]:
    """Ray Train answers Ctrl-C itself while it trains, and would go on to do so afterwards."""
    here = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if here:
            signal.signal(signal.SIGINT, before)


def _work(told: dict[str, Any]) -> None:
    """One worker's part, in a process that Ray Train began and put into a group."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    task: Task = told["task"]
    refused = task.out / OWN / REFUSED
    if refused.exists():  # another worker, in a start before this one
        return
    try:
        resume = (task.out / RUN).exists()
        fit(task.source, out=task.out, resume=resume, tensorboard=task.tensorboard, options=task.options)
    except GatecastError as refusal:
        refused.write_text(str(refusal), encoding="utf-8")


@contextmanager
def _followed(out: Path, listener: Listener) -> Iterator[None]:
    """While inside, the listener is told what the run folder tells."""
    ended = threading.Event()
    thread = threading.Thread(target=follow, args=(out, listener, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
