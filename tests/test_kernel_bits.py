"""What the kernels keep bit for bit: a row in any batch, one pass or many, with or without training, on any threads."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from cell_catalogue import as_tuple
from gatecast.cells.cell import weights_of
from gatecast.kernels import run_kernel
from gatecast.nn.stacking import state_shapes
from kernel_kinds import (
    KINDS,
    MANY,
    as_state,
    close_gradients,
    doubled,
    every_kind,
    kernel_of,
    on_every_build,
    packed,
)


def bits(result: Any) -> list[Tensor]:
    """The output and every state."""
    return [result[0], *as_tuple(result[1])]


@every_kind
@on_every_build
@pytest.mark.parametrize("hidden", [1, 7, 16, 64, 100])
@pytest.mark.parametrize("features", [1, 5, 40])
def test_a_rows_bits_do_not_depend_on_its_batch(kind: str, hidden: int, features: int) -> None:
    layer, x = KINDS[kind](features, hidden), torch.randn(12, 1000, features)
    with torch.inference_mode():
        whole = bits(layer(x))
        for rows in ([0], [999], range(7), range(3, 40), range(500, 501)):
            part = bits(layer(x[:, list(rows)]))
            assert all(torch.equal(a, b[:, list(rows)]) for a, b in zip(part, whole, strict=True))


@every_kind
@on_every_build
@pytest.mark.parametrize(
    ("lengths", "with_state"), [([3, 7, 1], False), ([9, 2, 2, 2, 9, 8, 33, 40], True), (range(1, 50), True)]
)
def test_a_packed_sequence_has_the_bits_it_has_alone(kind: str, lengths: Sequence[int], *, with_state: bool) -> None:
    layer, x = KINDS[kind](4, 21, num_layers=2, bidirectional=True), packed(lengths, 4)
    states = tuple(torch.randn(shape) for shape in state_shapes(layer, x)) if with_state else ()
    with torch.inference_mode():
        output, end = layer(x, as_state(states) if states else None)
        inputs, outputs = (torch.nn.utils.rnn.unpack_sequence(each) for each in (x, output))
        for row, (alone, together) in enumerate(zip(inputs, outputs, strict=True)):
            own = tuple(each[:, row] for each in states)
            single, last = layer(alone, as_state(own) if own else None)
            assert torch.equal(single, together)
            assert all(torch.equal(a, b[:, row]) for a, b in zip(as_tuple(last), as_tuple(end), strict=True))


@every_kind
@on_every_build
@pytest.mark.parametrize(("batch", "hidden"), [(1, 64), (1, 5), (3, 33), (40, 64)])
def test_single_steps_equal_one_pass_bit_for_bit(kind: str, batch: int, hidden: int) -> None:
    layer, x = KINDS[kind](4, hidden, num_layers=2), torch.randn(50, batch, 4)
    with torch.inference_mode():
        whole, end = layer(x)
        state, outputs = None, []
        for step in x:
            output, state = layer(step[None], state)
            outputs.append(output)
    assert torch.equal(torch.cat(outputs), whole)
    assert all(torch.equal(a, b) for a, b in zip(as_tuple(state), as_tuple(end), strict=True))


@every_kind
@on_every_build
@pytest.mark.parametrize("features", [4, MANY])
def test_training_and_inference_have_the_same_bits(kind: str, features: int) -> None:
    layer, x = KINDS[kind](features, 33, num_layers=2, bidirectional=True), torch.randn(9, 21, features)
    lengths = packed(range(1, 22), features)
    with torch.no_grad():
        still, packed_still = layer(x)[0], layer(lengths)[0].data
    assert torch.equal(layer(x)[0], still)
    assert torch.equal(layer(lengths)[0].data, packed_still)


@every_kind
def test_several_backward_passes_give_the_same_gradients(kind: str) -> None:
    layer, x = KINDS[kind](3, 6), torch.randn(5, 2, 3)
    loss = layer(x)[0].square().sum()
    first = torch.autograd.grad(loss, list(layer.parameters()), retain_graph=True)
    second = torch.autograd.grad(loss, list(layer.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@every_kind
@on_every_build
def test_no_state_is_a_state_of_zeros_in_every_derivative(kind: str) -> None:
    layer, x, found = KINDS[kind](3, 21), torch.randn(6, 5, 3, requires_grad=True), []
    zeros = (torch.zeros(5, 21),) * len(kernel_of(layer).equations.states)
    for states in ((), zeros):
        run = run_kernel(kernel_of(layer), weights_of(layer, "_l0"), x, states)
        (first,) = torch.autograd.grad(run.output.tanh().sum(), x, retain_graph=True)
        (again,) = torch.autograd.grad(run.output.tanh().sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(again.square().sum(), layer.weight_ih_l0)
        found.append([run.output, *run.states, first, again, second])
    assert all(torch.equal(without, with_zeros) for without, with_zeros in zip(*found, strict=True))


@cache  # the slower part, and the same for every build and any threads
def exact_gradients(kind: str) -> tuple[Any, Tensor, tuple[Tensor, ...]]:
    """A layer, an input that is work enough for threads, and the gradients of the mean of squares to the weights."""
    layer, x = KINDS[kind](8, 64), torch.randn(60, 70, 8)
    exact = doubled(layer)
    return layer, x, torch.autograd.grad(exact(x.double())[0].square().mean(), list(exact.parameters()))


@every_kind
@on_every_build
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_repeats_itself_and_gives_the_same_outputs(kind: str, threads: int) -> None:
    before = torch.get_num_threads()
    layer, x, wanted = exact_gradients(kind)
    with torch.no_grad():
        single, _ = layer(x)
    try:
        torch.set_num_threads(threads)
        results = []
        for _ in range(2):
            layer.zero_grad()
            output, _ = layer(x)
            output.square().mean().backward()
            results.append([output, *(weight.grad.clone() for weight in layer.parameters())])
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
    assert torch.equal(results[0][0], single)
    close_gradients(results[0][1:], wanted)
