"""Packed sequences by the kernels against the cells in float64 and torch.nn; what does not fit is never read."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence
from torch.testing import assert_close

from cell_catalogue import as_tuple
from gatecast import nn
from gatecast.cells.cell import weights_of
from gatecast.kernels import run_kernel
from gatecast.nn.stacking import run_stack, state_shapes
from kernel_kinds import (
    KINDS,
    MANY,
    as_state,
    close,
    close_gradients,
    doubled,
    every_kind,
    kernel_of,
    on_every_build,
    packed,
    torch_twin,
)

# The last three have more rows than run together.
LENGTHS = [(5,), (3, 7, 1), (4,) * 40, tuple(range(1, 50)), (9, 2, 2, 2, 9, 8, 7, 6, 5, 13, 20) * 4]
BOTH = "two layers, both directions"
FORMS: dict[str, dict[str, Any]] = {
    BOTH: {"num_layers": 2, "bidirectional": True, "dropout": 0.0},
    "without biases": {"bias": False},
}


def states_of(layer: Any, x: PackedSequence) -> list[Tensor]:
    return [torch.randn(shape) for shape in state_shapes(layer, x)]


Results = tuple[list[Tensor], tuple[Tensor, ...]]


def values_and_gradients(layer: Any, run: Any, x: PackedSequence, states: Sequence[Tensor]) -> Results:
    """The output and last states, and the gradients to data, states and weights of a sum of them all."""
    x = x._replace(data=x.data.detach().requires_grad_())
    states = [each.detach().requires_grad_() for each in states]
    output, after = run(x, as_state(tuple(states)) if states else None)
    values = [output.data, *as_tuple(after)]
    torch.manual_seed(1)
    pulled = sum((each * torch.randn(each.shape)).sum() for each in values)
    return values, torch.autograd.grad(pulled, [x.data, *states, *layer.parameters()])


def by_the_cells(layer: Any) -> tuple[Any, Any]:
    """The layer in float64, and a call of its cells."""
    exact = doubled(layer)
    return exact, lambda x, state: run_stack(exact, x, state)[:2]


def exactly(exact: Any, run: Any, x: PackedSequence, states: Sequence[Tensor]) -> Results:
    """As `values_and_gradients`, in float64."""
    return values_and_gradients(exact, run, x.double(), [each.double() for each in states])


def hold_together(layer: Any, x: PackedSequence, states: Sequence[Tensor], wanted: Results) -> None:
    """A kernel runs, and its values and gradients are these."""
    assert "kernel" in nn.explain_backend(layer, x, as_state(tuple(states)) if states else None)
    values, gradients = values_and_gradients(layer, layer, x, states)
    for a, b in zip(values, wanted[0], strict=True):
        close(a, b, 1e-6)
    close_gradients(gradients, wanted[1])


@cache  # the slower part, and the same for every build
def case(kind: str, lengths: tuple[int, ...], form: str, *, with_state: bool) -> tuple[Any, ...]:
    """A layer, packed sequences, states, and what comes of them by the cells."""
    torch.manual_seed(0)  # at the kink of relu float32 may be on the other side
    layer, x = KINDS[kind](3, 21, **FORMS[form]), packed(lengths, 3)
    states = states_of(layer, x) if with_state else []
    return layer, x, states, exactly(*by_the_cells(layer), x, states)


@every_kind
@on_every_build
@pytest.mark.parametrize("lengths", LENGTHS, ids=lambda lengths: f"{len(lengths)} of up to {max(lengths)}")
@pytest.mark.parametrize(("form", "with_state"), [(BOTH, True), (BOTH, False), ("without biases", True)])
def test_packed_sequences_equal_the_cells_in_float64(
    kind: str, lengths: tuple[int, ...], form: str, *, with_state: bool
) -> None:
    hold_together(*case(kind, lengths, form, with_state=with_state))


@every_kind
@on_every_build
@settings(max_examples=10, deadline=None)
@given(
    lengths=some.lists(some.integers(1, 9), min_size=1, max_size=45),
    sizes=some.tuples(some.integers(1, 9) | some.integers(MANY, MANY + 8), some.integers(1, 41)),
    form=some.fixed_dictionaries({"bidirectional": some.booleans(), "bias": some.booleans()}),
    with_state=some.booleans(),
    seed=some.integers(0, 1000),
)
def test_packed_data_of_any_sizes_and_strides_equal_the_cells_in_float64(
    kind: str, lengths: list[int], sizes: tuple[int, int], form: dict[str, bool], *, with_state: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    layer, x = KINDS[kind](*sizes, **form), packed(lengths, sizes[0])
    x = x._replace(data=torch.randn(sizes[0], 2 * len(x.data)).T[::2].mul_(sizes[0] ** -0.5))
    states = states_of(layer, x) if with_state else []
    wanted = exactly(*by_the_cells(layer), x, states)
    if kind.endswith("relu"):  # on the other side of the kink the gradient is another
        output, _ = layer(x, as_state(tuple(states)) if states else None)
        assume(torch.equal(output.data > 0, wanted[0][0] > 0))
    hold_together(layer, x, states, wanted)


@pytest.mark.parametrize("kind", ["gru", "lstm", "elman_tanh", "elman_relu"])
@on_every_build
@pytest.mark.parametrize("lengths", [[3, 7, 1], list(range(1, 50))])
@pytest.mark.parametrize("form", FORMS)
def test_packed_sequences_equal_torch_nn(kind: str, lengths: list[int], form: str) -> None:
    torch.manual_seed(0)
    layer, x = KINDS[kind](3, 21, **FORMS[form]), packed(lengths, 3)
    theirs = torch_twin(kind, layer)
    states = states_of(layer, x)
    hold_together(layer, x, states, exactly(theirs, theirs, x, states))


@every_kind
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_gradient_of_a_gradient_of_packed_sequences_is_that_of_the_cell(kind: str, *, bidirectional: bool) -> None:
    torch.manual_seed(0)
    layer, x = KINDS[kind](3, 6, bidirectional=bidirectional), packed([3, 7, 1], 3)
    exact, run = by_the_cells(layer)
    states, seconds = states_of(layer, x), []
    for each, call, dtype in ((layer, layer, torch.float32), (exact, run, torch.float64)):
        data = x.data.to(dtype).requires_grad_()
        first = [state.to(dtype).requires_grad_() for state in states]
        output, _ = call(x._replace(data=data), as_state(tuple(first)))
        slopes = torch.autograd.grad(output.data.tanh().sum(), [data, *first], create_graph=True)
        pulled = sum(slope.square().sum() for slope in slopes)
        seconds.append(torch.autograd.grad(pulled, [data, *first, *each.parameters()], allow_unused=True))
    for a, b in zip(*seconds, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert_close(a, b.float(), rtol=1e-4, atol=1e-5)


@every_kind
@on_every_build
def test_two_threads_give_packed_sequences_the_outputs_of_one_and_repeat_themselves(kind: str) -> None:
    torch.manual_seed(0)
    before = torch.get_num_threads()
    layer, x = KINDS[kind](8, 64), packed(range(1, 40), 8)
    states = states_of(layer, x)
    single, _ = values_and_gradients(layer, layer, x, states)
    try:
        torch.set_num_threads(2)
        results = [values_and_gradients(layer, layer, x, states) for _ in range(2)]
    finally:
        torch.set_num_threads(before)
    (values, gradients), (again, gradients_again) = results
    assert all(torch.equal(a, b) for a, b in zip(values, single, strict=True))
    assert all(torch.equal(a, b) for a, b in zip((*values, *gradients), (*again, *gradients_again), strict=True))
    close_gradients(gradients, exactly(*by_the_cells(layer), x, states)[1])


@every_kind
@on_every_build
def test_what_is_no_number_stays_in_its_packed_sequence(kind: str) -> None:
    lengths = [5, 9, 2, 7, 9]
    layer, sequences = KINDS[kind](3, 20, num_layers=2), [torch.randn(length, 3) for length in lengths]
    clean, dirty = (
        torch.nn.utils.rnn.unpack_sequence(layer(torch.nn.utils.rnn.pack_sequence(each, enforce_sorted=False))[0])
        for each in (sequences, [each if row != 3 else each * float("nan") for row, each in enumerate(sequences)])
    )
    assert dirty[3].isnan().all()
    assert all(torch.equal(clean[row], dirty[row]) for row in (0, 1, 2, 4))


@pytest.mark.parametrize("sizes", [torch.empty(0, dtype=torch.int64), torch.tensor([[3], [3]]), torch.tensor([6.0])])
def test_batch_sizes_that_are_no_list_of_counts_are_refused(sizes: Tensor) -> None:
    layer = nn.GRU(3, 5)
    with pytest.raises(ValueError, match="of 6 packed rows count down to 1 or more and sum to 6, got"):
        run_kernel(kernel_of(layer), weights_of(layer, "_l0"), torch.randn(6, 3), (), sizes)


@every_kind
@pytest.mark.parametrize(
    "sizes", [[2, 3, 1], [3, 0, 3], [3, 3, 0], [7, -1], [-1, 7], [3, 2], [3, 2, 2], [6, 2**62, -(2**62)]]
)
@pytest.mark.parametrize("with_state", [False, True])
def test_batch_sizes_that_do_not_fit_are_refused_before_compiled_code_reads_them(
    kind: str, sizes: list[int], *, with_state: bool
) -> None:
    layer, x = KINDS[kind](3, 5), PackedSequence(torch.randn(6, 3), torch.tensor(sizes))
    states = states_of(layer, x) if with_state and sizes[0] > 0 else []
    refused = pytest.raises(ValueError, match="of 6 packed rows count down to 1 or more and sum to 6, got")
    with refused:
        layer(x, as_state(tuple(states)) if states else None)
    with refused:
        run_kernel(kernel_of(layer), weights_of(layer, "_l0"), x.data, (), x.batch_sizes, reverse=True)
    with refused:
        run_kernel(kernel_of(layer), weights_of(layer, "_l0"), x.data, (), torch.tensor([3, 2, 1], dtype=torch.int32))


@every_kind
@pytest.mark.parametrize("order", [[0], [0, 1, 2, 0]])
def test_an_order_of_another_number_of_sequences_is_refused_before_compiled_code_reads_states(
    kind: str, order: list[int]
) -> None:
    layer = KINDS[kind](3, 5)
    x = PackedSequence(torch.randn(6, 3), torch.tensor([3, 2, 1]), torch.tensor(order), torch.tensor([0, 1, 2]))
    with pytest.raises((ValueError, RuntimeError)):
        layer(x, as_state(tuple(states_of(layer, x))))


@every_kind
def test_batch_sizes_changed_after_the_call_leave_its_gradients_alone(kind: str) -> None:
    layer, x = KINDS[kind](3, 5), packed([3, 2, 1], 3)
    loss = layer(x)[0].data.square().sum()
    wanted = torch.autograd.grad(loss, list(layer.parameters()), retain_graph=True)
    x.batch_sizes.copy_(torch.tensor([1, 2, 3]))
    found = torch.autograd.grad(loss, list(layer.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
