"""Training that is stopped at any steps, any number of times, in any mode, ends as one that was never stopped."""

import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import small_config, waves
from gatecast.data.splits import split_by_time
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.ensemble import Network
from gatecast.nn import LayerConfig
from gatecast.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from gatecast.training.courses import Course
from gatecast.training.loop import StepRecord, TrainingState, train
from how_many import examples

STEPS = 12
DROPOUT = LayerConfig(hidden_size=4, num_layers=2, dropout=0.3, zoneout=0.1)
MANY = NetworkConfig(layer=LayerConfig(cell="lstm", hidden_size=4), ensemble=6)  # carries more than ten states
KINDS: dict[str, ForecasterConfig] = {
    "windows": small_config(),
    "windows, dropout": small_config(layer=DROPOUT),
    "windows, fed back": small_config(network=NetworkConfig(loss="mae", decode="recursive"), free_running=4),
    "sequences": small_config(mode="sequences"),
    "sequences, dropout": small_config(mode="sequences", layer=DROPOUT, optimiser="adam"),
    "sequences, many nets": small_config(mode="sequences", network=MANY),
}


class Training(NamedTuple):
    """A net at some point of its training."""

    network: Network
    course: Course
    state: TrainingState


class Ended(NamedTuple):
    """What came of a training."""

    records: list[StepRecord]
    tensors: dict[str, torch.Tensor]
    numbers: tuple[float, ...]


def begun(kind: str) -> Training:
    panel = waves()
    return Training(*RecurrentForecaster(KINDS[kind]).prepare(panel, split_by_time(panel, 6)))


def until(kind: str, at: Training, step: int) -> list[StepRecord]:
    """Train up to a step."""
    records = []
    for record in train(at.network, at.course, KINDS[kind].training, at.state):
        records.append(record)
        if record.step == step:
            break
    return records


def ended(at: Training, records: list[StepRecord]) -> Ended:
    state = at.state
    tensors = {**at.network.state_dict(), "first": state.optimiser.first, "second": state.optimiser.second}
    tensors |= {f"best {name}": tensor for name, tensor in state.best_weights.items()}
    tensors |= {f"carried {place}": tensor for place, tensor in enumerate(state.carried)}
    return Ended(records, tensors, (state.step, state.best_step, state.best_validation, state.stale))


@cache
def unbroken(kind: str) -> Ended:
    at = begun(kind)
    return ended(at, until(kind, at, STEPS))


@settings(max_examples=examples(12), deadline=None)
@given(kind=st.sampled_from(sorted(KINDS)), stops=st.lists(st.integers(1, STEPS), min_size=1, max_size=3).map(sorted))
def test_training_stopped_at_any_steps_ends_with_the_bits_of_an_unbroken_one(kind: str, stops: list[int]) -> None:
    at, records = begun(kind), list[StepRecord]()
    with tempfile.TemporaryDirectory() as folder:
        for stop in stops:
            if stop > at.state.step:
                records += until(kind, at, stop)
            save_checkpoint(Path(folder), at.network, at.state)
            at = begun(kind)
            load_checkpoint(checkpoints(Path(folder))[-1], at.network, at.state)
    found, expected = ended(at, records + until(kind, at, STEPS)), unbroken(kind)
    assert found.records == expected.records
    assert found.numbers == expected.numbers
    assert found.tensors.keys() == expected.tensors.keys()
    assert all(torch.equal(tensor, expected.tensors[name]) for name, tensor in found.tensors.items())
