"""A state that is carried on and on: finite, bounded, and as useful as one that was begun anew."""

import numpy as np
import pytest
import torch

from cell_catalogue import LAYER_CLASSES
from million_observations import drift, stream_of, values
from million_steps import LAYERS, by_cell, by_kernel, made, walk

STEPS = 100_000
WITHIN_ONE = {"RNN, tanh", "GRU", "GRU, reset before", "GRUD", "IndRNN, tanh"}
COUNTING = {"LSTM", "SLSTM"}  # a cell state that saturated gates let grow by 1 a step at most


def test_every_layer_is_walked_with() -> None:
    assert {type(made(name)) for name in LAYERS} == set(LAYER_CLASSES)


@pytest.mark.parametrize("name", LAYERS)
def test_a_state_of_100_000_steps_is_finite_bounded_and_has_forgotten_its_beginning(name: str) -> None:
    found = walk(made(name), STEPS, by_kernel)
    most = 1 if name in WITHIN_ONE else STEPS if name in COUNTING else 10_000
    assert found.largest[STEPS] <= most, "inputs are up to a thousand"
    noise, small_jumps, _ = found.apart
    assert max(noise, small_jumps) < 1e-6, "rounding of float32, beside a net that started 5,000 steps before the end"


@pytest.mark.parametrize("name", ["GRU", "LSTM", "RNN, relu", "MinGRU", "MinLSTM", "IndRNN, relu"])
def test_a_kernel_ends_where_the_cell_does_after_6_000_steps(name: str) -> None:
    layer = made(name)
    for kernel, cell in zip(walk(layer, 6000, by_kernel).last, walk(layer, 6000, by_cell).last, strict=True):
        torch.testing.assert_close(kernel[:, :2], cell[:, :2], rtol=1e-5, atol=1e-5)


def test_running_means_of_a_stream_have_not_drifted_after_10_000_observations() -> None:
    y = values(10_000)
    stream = stream_of(y)
    (name,) = stream.series
    for number, value in enumerate(y.tolist()):
        stream.observe(name, number, value)
    assert int(stream.machine.residents["count"][0]) == len(y)
    assert all(away < 1e-9 for away in drift(stream, y).values()), "rounding of float64"
    assert np.isfinite(stream.forecast(name).quantiles).all()
