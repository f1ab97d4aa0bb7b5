"""Training with everything around it: log, checkpoints, Ctrl-C, resuming."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from gatecast.data.panel import Panel
from gatecast.data.splits import Split
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.ensemble import Network
from gatecast.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from gatecast.training.group import Group
from gatecast.training.interrupt import stop_on_interrupt
from gatecast.training.log import StepLog, TensorBoardLog, read_steps
from gatecast.training.loop import StepRecord, TrainingState, train
from gatecast.training.pieces import Pieces, in_pieces
from gatecast.training.workers import Workers
from gatecast.workflow import runs
from gatecast.workflow.listening import Listener, Look

EARLY = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class TrainingFiles:
    """The run folder that training writes to, and how."""

    folder: Path
    resume: bool = False
    tensorboard: bool = False

    @property
    def checkpoints(self) -> Path:
        """Where the resumable states lie."""
        return self.folder / runs.CHECKPOINT

    @property
    def steps(self) -> Path:
        """The training log."""
        return self.folder / runs.STEPS


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained forecaster, its log, facts for people, and whether somebody stopped it early."""

    forecaster: RecurrentForecaster
    steps: tuple[StepRecord, ...]
    facts: dict[str, str]
    stopped: bool


def train_forecaster(
    config: ForecasterConfig,
    table: tuple[Panel, Split],
    listener: Listener,
    files: TrainingFiles | None,
    workers: Workers | None = None,
) -> Trained:
    """Train to the end, or until Ctrl-C; keep the weights that did best on the validation part.

    Args:
        config: of the net and its training.
        table: what this worker learns from, and where its parts end.
        listener: told what happens.
        files: the run folder, which the first worker alone writes to.
        workers: who trains, and how they share the table; None for this process alone.
    """
    panel, split = table
    forecaster = RecurrentForecaster(config)
    network, course, state = forecaster.prepare(panel, split, workers)
    pieces = in_pieces(course)
    if files is not None and files.resume:
        for newest in pieces.group.first(checkpoints(files.checkpoints)[-1:]):
            load_checkpoint(newest, network, state)
            state.carried = pieces.own(network, state.step, state.carried)
    started, before = time.perf_counter(), _steps_before(files, state)
    steps: list[StepRecord] = []
    with (
        listener.training(config.training, state.step),
        stop_on_interrupt() as flag,
        _recorder(files, network, pieces, state) as recorder,
    ):
        for record in train(network, pieces, config.training, state):
            steps.append(record)
            recorder.write(record)
            listener.step(record)
            if _is_looked_at(record) and config.training.device == "cpu":
                with _as_judged(network):
                    listener.looked(Look(record, forecaster, panel, split))
            if _anybody(pieces.group, stopped=flag.stopped):
                recorder.save_state()
                flag.stopped = True
                break
    forecaster.keep_best(state)
    facts = {
        "training time": f"{time.perf_counter() - started:.1f} s",
        "training steps": f"{state.step:,}, best at {state.best_step:,}",
    }
    listener.stage(_ending(state, config, facts["training time"], stopped=flag.stopped))
    return Trained(forecaster, (*before, *steps), facts, flag.stopped)


def _is_looked_at(record: StepRecord) -> bool:
    """Whenever the validation part is looked at, and after 1, 2, 4, ... 32 steps, when a net changes most."""
    return record.validation is not None or record.step in EARLY


def _anybody(group: Group, *, stopped: bool) -> bool:
    """Whether somebody was asked to stop: then all do, after the same step."""
    return stopped if group.world == 1 else bool(group.sum(torch.tensor([float(stopped)])) > 0)


@contextmanager
def _as_judged(network: Network) -> Iterator[None]:
    """The net as it forecasts, between two steps of training."""
    network.eval()
    try:
        yield
    finally:
        network.train()


def _steps_before(files: TrainingFiles | None, state: TrainingState) -> list[StepRecord]:
    """The log of the steps that a resumed run need not take again."""
    return [step for step in read_steps(files.steps) if step.step <= state.step] if files is not None else []


class _Recorder:
    """Writes each step to the logs, and a checkpoint at each look at the validation part."""

    def __init__(self, files: TrainingFiles, network: Network, pieces: Pieces, state: TrainingState) -> None:
        self._files, self._network, self._pieces, self._state = files, network, pieces, state
        self._log = StepLog(files.steps, resumed_at=state.step)
        self._board = TensorBoardLog(files.folder) if files.tensorboard else None

    def write(self, record: StepRecord) -> None:
        self._log.write(record)
        if self._board is not None:
            self._board.write(record, self._network)
        if record.validation is not None:
            self.save_state()

    def save_state(self) -> None:
        carried = self._pieces.whole(self._network, self._state.step, self._state.carried)
        self._log.keep()
        save_checkpoint(self._files.checkpoints, self._network, self._state, carried)

    def close(self) -> None:
        self._log.close()
        if self._board is not None:
            self._board.close()


class _NoRecorder:
    """Without a run folder there is nothing to write to; another worker writes."""

    def __init__(self, files: TrainingFiles | None, network: Network, pieces: Pieces, state: TrainingState) -> None:
        self._files, self._network, self._pieces, self._state = files, network, pieces, state

    def write(self, record: StepRecord) -> None:
        if record.validation is not None:
            self.save_state()

    def save_state(self) -> None:
        """Tell the worker that writes the states of this one."""
        if self._files is not None:
            self._pieces.whole(self._network, self._state.step, self._state.carried)


@contextmanager
def _recorder(
    files: TrainingFiles | None, network: Network, pieces: Pieces, state: TrainingState
) -> Iterator[_Recorder | _NoRecorder]:
    if files is None or pieces.group.rank > 0:
        yield _NoRecorder(files, network, pieces, state)
        return
    recorder = _Recorder(files, network, pieces, state)
    try:
        yield recorder
    finally:
        recorder.close()


def _ending(state: TrainingState, config: ForecasterConfig, seconds: str, *, stopped: bool) -> str:
    """How training ended, in words."""
    if stopped:
        how = f"stopped by Ctrl-C after step {state.step:,} (go on with --resume)"
    elif config.training.budget is not None and state.done(config.training) >= 1:
        how = f"took {state.step:,} steps in its budget of {config.training.most_seconds:g} s"
    elif state.done(config.training) < 1:
        looks = config.training.patience
        how = f"stopped early at step {state.step:,}: no better for {looks} looks at the validation part"
    else:
        how = f"took all {state.step:,} steps"
    return f"training {how}, in {seconds}; best weights from step {state.best_step:,}"
