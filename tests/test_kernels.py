"""The kernels against the cells in float64 and against torch.nn: values, gradients, and gradients of gradients."""

import itertools
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from torch import Tensor
from torch.testing import assert_close

from cell_catalogue import as_tuple
from gatecast import nn
from gatecast.cells.cell import weights_of
from gatecast.kernels import run_kernel
from gatecast.nn.stacking import run_stack
from kernel_kinds import (
    KINDS,
    MANY,
    as_state,
    close,
    close_gradients,
    doubled,
    every_kind,
    exactly,
    kernel_of,
    on_every_build,
    states_for,
    strided,
    torch_twin,
)

BATCHES, FEATURES = some.integers(1, 45), some.integers(1, 9) | some.integers(MANY, MANY + 8)
NAN_WITH_PAYLOAD = torch.tensor(0x7FC00001, dtype=torch.int32).view(torch.float32).item()


@every_kind
@on_every_build
@settings(max_examples=25, deadline=None)
@given(
    sizes=some.tuples(some.integers(1, 9), BATCHES, FEATURES, some.integers(1, 41)),
    order=some.sampled_from(list(itertools.permutations(range(3)))),
    reverse=some.booleans(),
    bias=some.booleans(),
    seed=some.integers(0, 1000),
)
def test_kernel_equals_the_cell_in_float64_in_values_and_gradients(
    kind: str,
    sizes: tuple[int, ...],
    order: tuple[int, ...],
    *,
    reverse: bool,
    bias: bool,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    steps, batch, features, hidden = sizes
    layer = KINDS[kind](features, hidden, bias=bias)
    x = strided((steps, batch, features), order).mul_(features**-0.5)  # so that sums of many inputs stay near 1
    states = tuple(each.requires_grad_() for each in states_for(layer, batch))
    x.requires_grad_()
    ours = run_kernel(kernel_of(layer), weights_of(layer, "_l0"), x, states, reverse=reverse)
    parts, output, last = exactly(layer, x, states, reverse=reverse)
    for a, b in zip((ours.output, *ours.states), (output, *last), strict=True):
        close(a, b, 1e-6)
    if kind.endswith("relu"):  # on the other side of the kink the gradient is another
        assume(torch.equal(ours.output > 0, output > 0))
    pull = strided((steps, batch, hidden), order)
    loss = (ours.output * pull).sum() + sum(state.square().sum() for state in ours.states)
    found = torch.autograd.grad(loss, [x, *states, *layer.parameters()])
    exact_loss = (output * pull).sum() + sum(state.square().sum() for state in last)
    close_gradients(found, torch.autograd.grad(exact_loss, parts))


@every_kind
@pytest.mark.parametrize("end", ["output", "sum", "last"])
def test_gradients_from_any_end_alone_are_right(kind: str, end: str) -> None:
    layer, x = KINDS[kind](3, 21), torch.randn(6, 5, 3)
    states = states_for(layer, 5)

    def loss(output: Tensor, last: Tensor) -> Tensor:
        return {"output": output[2].square().sum(), "sum": output.sum(), "last": last.square().sum()}[end]

    ours = run_kernel(kernel_of(layer), weights_of(layer, "_l0"), x, states)
    parts, output, last = exactly(layer, x, states)
    for a, b in zip(ours.states, last, strict=True):
        found = torch.autograd.grad(loss(ours.output, a), list(layer.parameters()), retain_graph=True)
        wanted = torch.autograd.grad(loss(output, b), parts[1 + len(states) :], retain_graph=True)
        close_gradients(found, wanted)


@every_kind
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_gradient_of_a_gradient_is_that_of_the_cell(kind: str, *, bidirectional: bool) -> None:
    layer, x = KINDS[kind](3, 6, bidirectional=bidirectional), torch.randn(5, 2, 3, requires_grad=True)
    exact, exact_x = doubled(layer), x.detach().double().requires_grad_()
    seconds = []
    for output, start, weights in (
        (layer(x)[0], x, layer.parameters()),
        (nn.trace(exact, exact_x).output, exact_x, exact.parameters()),
    ):
        (first,) = torch.autograd.grad(output.tanh().sum(), start, create_graph=True)
        seconds.append(torch.autograd.grad(first.square().sum(), [start, *weights], allow_unused=True))
    for a, b in zip(*seconds, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert_close(a, b.float(), rtol=1e-4, atol=1e-5)


@cache  # the slowest part, and the same for every build
def long_sums(kind: str) -> tuple[Any, Tensor, list[Tensor]]:
    """A layer, an input of many rows and steps, and the exact gradients of the mean of squares to the weights."""
    torch.manual_seed(0)
    layer, x = KINDS[kind](4, 64), torch.randn(96, 256, 4)
    exact = doubled(layer)
    wanted = torch.autograd.grad(exact(x.double())[0].square().mean(), list(exact.parameters()))
    return layer, x, list(wanted)


@every_kind
@on_every_build
def test_weight_gradients_over_many_rows_and_steps_keep_their_digits(kind: str) -> None:
    layer, x, wanted = long_sums(kind)
    found = torch.autograd.grad(layer(x)[0].square().mean(), list(layer.parameters()))
    for a, b in zip(found, wanted, strict=True):
        assert float((a - b).abs().max()) <= 1e-6 * float(b.abs().max())


@every_kind
@on_every_build
@pytest.mark.parametrize("bad", [float("nan"), NAN_WITH_PAYLOAD, float("inf"), -float("inf"), 1e30])
def test_what_is_no_finite_number_stays_in_its_row_from_its_step_on(kind: str, bad: float) -> None:
    layer, x = KINDS[kind](3, 20), torch.randn(5, 9, 3)
    clean, _ = layer(x)
    x[2, 4] = bad
    dirty, exact, theirs = layer(x)[0], run_stack(layer, x, None).output, torch_twin(kind, layer)
    assert torch.equal(dirty.isfinite(), exact.isfinite())
    if kind not in (
        "mingru",
        "minlstm",
    ):  # theirs, h + z * (g - h), takes inf - inf where the cell does not
        assert torch.equal(dirty.isnan(), exact.isnan())
    assert theirs is None or torch.equal(dirty.isnan(), theirs.float()(x)[0].isnan())
    others = [row for row in range(9) if row != 4]
    assert torch.equal(dirty[:, others], clean[:, others])
    assert torch.equal(dirty[:2, 4], clean[:2, 4])


FORMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "batch first": {"batch_first": True},
    "three layers": {"num_layers": 3},
    "both directions": {"num_layers": 2, "bidirectional": True},
    "without biases": {"bias": False},
}


@every_kind
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(7, 5, 3), (7, 3)])
def test_a_layer_in_every_form_equals_its_reference(kind: str, form: str, shape: tuple[int, ...]) -> None:
    layer, x = KINDS[kind](3, 10, **FORMS[form]), torch.randn(shape)
    exact = torch_twin(kind, layer) or doubled(layer)
    assert nn.explain_backend(layer, x).endswith(f": kernel {kind}")
    output, state = layer(x)
    exact_output, exact_state = exact(x.double())
    close(output, exact_output, 1e-6)
    for a, b in zip(as_tuple(state), as_tuple(exact_state), strict=True):
        close(a, b, 1e-6)
    carried = tuple(torch.randn_like(each) for each in as_tuple(state))
    wide = as_state(tuple(each.double() for each in carried))
    close(layer(x, as_state(carried))[0], exact(x.double(), wide)[0], 1e-6)
