"""Processes of this machine that train one net together over gloo, each started anew, as torchrun would start them."""

import multiprocessing
import pickle
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from builders import waves, with_values
from gatecast.data.panel import Panel, some_series
from gatecast.data.splits import split_by_time
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.training.group import Together
from gatecast.training.loop import StepRecord, train
from gatecast.training.pieces import in_pieces
from gatecast.training.workers import Workers


class Trained(NamedTuple):
    """How a training went in one worker."""

    losses: list[float]
    validation: list[float]
    weights: bytes
    scaling: bytes


class Task(NamedTuple):
    """What all workers are told."""

    config: ForecasterConfig
    apart: bool
    pieces: int = 1
    break_at: int | None = None  # steps after which states go through the form that a checkpoint gives them


def table() -> Panel:
    """Seven series of different levels, with gaps."""
    panel = waves(series=7, rows=150, past=1, seed=3)
    values = panel.values.copy()
    values[np.random.default_rng(0).random(len(values)) < 0.05] = np.nan
    return with_values(panel, values)


def train_alone(task: Task) -> Trained:
    return _train(task, table(), Workers(pieces=task.pieces, held=_held(task, 1)[0]))


def _held(task: Task, world: int) -> list[tuple[int, ...] | None]:
    """How many series each worker holds of each of its pieces."""
    if not task.apart:
        return [None] * world
    pieces = [len(some) for some in np.array_split(np.arange(len(table().ids)), max(task.pieces, world))]
    each = len(pieces) // world
    return [tuple(pieces[rank * each : (rank + 1) * each]) for rank in range(world)]


def train_together(task: Task, world: int, folder: Path) -> list[Trained]:
    """What each of `world` workers came to."""
    spawned = multiprocessing.get_context("spawn")
    workers = [spawned.Process(target=_work, args=(task, rank, world, folder)) for rank in range(world)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * world
    return [pickle.loads((folder / f"{world}-{rank}").read_bytes()) for rank in range(world)]  # noqa: S301 - our own


def _work(task: Task, rank: int, world: int, folder: Path) -> None:
    torch.set_num_threads(1)
    store = f"file://{folder}/store-{world}"
    torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=world)
    panel, held = table(), _held(task, world)
    if task.apart:
        first = sum(sum(of_worker or ()) for of_worker in held[:rank])
        panel = some_series(panel, np.arange(first, first + sum(held[rank] or ())))
    trained = _train(task, panel, Workers(Together(), task.pieces, held[rank]))
    (folder / f"{world}-{rank}").write_bytes(pickle.dumps(trained))
    torch.distributed.destroy_process_group()


def _train(task: Task, panel: Panel, workers: Workers) -> Trained:
    forecaster = RecurrentForecaster(task.config)
    network, course, state = forecaster.prepare(panel, split_by_time(panel, task.config.horizon), workers)
    steps: list[StepRecord] = []
    for record in train(network, course, task.config.training, state):
        steps.append(record)
        if record.step == task.break_at:
            pieces = in_pieces(course)
            state.carried = pieces.own(network, state.step, pieces.whole(network, state.step, state.carried))
    weights = b"".join(np.asarray(part).tobytes() for part in network.state_dict().values())
    fitted = forecaster.fitted_
    return Trained(
        [step.loss for step in steps],
        [step.validation for step in steps if step.validation is not None],
        weights,
        fitted.scaling.centre.tobytes() + fitted.scaling.scale.tobytes(),
    )
