"""Contracts that every exported cell keeps."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from cell_catalogue import CELL_CLASSES, CELLS, Make, as_tuple, some_state
from gatecast.cells import CELL_TYPES, Cell
from gatecast.errors import OptionError

every_cell = pytest.mark.parametrize("make", CELLS, ids=str)
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def walk(cell: Cell, x: Tensor, state: Any) -> tuple[list[Tensor], Any]:
    """One step after the other; x is (T, B, I)."""
    outputs = []
    for step in x:
        state = cell(step, state)
        outputs.append(as_tuple(state)[0])
    return outputs, state


def test_the_catalogue_holds_every_exported_cell() -> None:
    assert set(CELL_TYPES.values()) == {kind for kind in CELL_CLASSES if kind is not Cell}
    assert len(CELL_TYPES) == 8


@every_cell
def test_a_step_is_pure_and_deterministic(make: Make) -> None:
    cell, x = make(3, 4), draw(5, 3)
    state = some_state(cell, 5)
    kept = [each.clone() for each in (x, *as_tuple(state), *cell.parameters())]
    first, second = cell(x, state), cell(x, state)
    assert all(torch.equal(a, b) for a, b in zip(as_tuple(first), as_tuple(second), strict=True))
    now = (x, *as_tuple(state), *cell.parameters())
    assert all(torch.equal(before, after) for before, after in zip(kept, now, strict=True))
    assert not list(cell.buffers())


@every_cell
@pytest.mark.parametrize("batch", [1, 2, 7])
def test_sequences_of_a_batch_do_not_know_of_each_other(make: Make, batch: int) -> None:
    cell, x = make(3, 4), draw(batch, 3)
    state, order = some_state(cell, batch), torch.randperm(batch)
    after = as_tuple(cell(x, state))
    shuffled = cell(x[order], _map(state, lambda each: each[order]))
    alone = [as_tuple(cell(x[k : k + 1], _map(state, lambda each, k=k: each[k : k + 1]))) for k in range(batch)]
    for place, each in enumerate(after):
        assert_close(as_tuple(shuffled)[place], each[order], **EXACT)
        assert_close(torch.cat([states[place] for states in alone]), each, **EXACT)


@every_cell
def test_a_state_carried_in_two_halves_equals_one_pass(make: Make) -> None:
    cell, x = make(3, 4), draw(9, 2, 3)
    whole, end = walk(cell, x, None)
    first, middle = walk(cell, x[:4], None)
    second, carried = walk(cell, x[4:], middle)
    assert all(torch.equal(a, b) for a, b in zip(whole, first + second, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(as_tuple(end), as_tuple(carried), strict=True))


@every_cell
@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_gates_lie_in_their_ranges(make: Make, scale: float) -> None:
    cell, state = make(3, 4), None
    seen = dict.fromkeys(cell.equations.gates, 0)
    for x in draw(20, 5, 3) * scale:
        for name, gate in cell.gates(x, state).items():
            low, high = cell.equations.gates[name]
            assert gate.shape == (5, 4)
            assert ((gate >= low) & (gate <= high)).all(), name
            seen[name] += 1
        state = cell(x, state)
        assert all(each.isfinite().all() for each in as_tuple(state))
    assert set(seen.values()) <= {20}


@every_cell
def test_a_missing_state_is_zeros(make: Make) -> None:
    cell, x = make(3, 4), draw(5, 3)
    zeros = [torch.zeros(5, size, dtype=torch.float64) for size in cell.equations.state_sizes(4)]
    given = as_tuple(cell(x, zeros[0] if len(zeros) == 1 else tuple(zeros)))
    assert all(torch.equal(a, b) for a, b in zip(as_tuple(cell(x)), given, strict=True))


@every_cell
def test_one_sequence_needs_no_batch(make: Make) -> None:
    cell, x = make(3, 4), draw(3)
    batched = as_tuple(cell(x[None]))
    assert all(torch.equal(a, b[0]) for a, b in zip(as_tuple(cell(x)), batched, strict=True))


@every_cell
@pytest.mark.parametrize("bias", [True, False])
def test_gradients_are_those_of_finite_differences(make: Make, *, bias: bool) -> None:
    cell, x = make(2, 3, bias=bias), draw(2, 2).requires_grad_()
    states = [each.requires_grad_() for each in as_tuple(some_state(cell, 2))]
    names = [name for name, _ in cell.named_parameters()]

    def run(x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        state = rest[: len(states)]
        weights = dict(zip(names, rest[len(states) :], strict=True))
        once = torch.func.functional_call(cell, weights, (x, state[0] if len(state) == 1 else state))
        return as_tuple(torch.func.functional_call(cell, weights, (x * 0.5 + 0.3, once)))

    assert torch.autograd.gradcheck(run, (x, *states, *cell.parameters()))


@every_cell
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_any_precision_in_gives_that_precision_out(make: Make, dtype: torch.dtype) -> None:
    state = make(3, 4).to(dtype)(torch.randn(2, 3, dtype=dtype))
    assert all(each.dtype == dtype and each.isfinite().all() for each in as_tuple(state))


@every_cell
def test_weights_are_drawn_within_their_bounds_and_by_the_seed(make: Make) -> None:
    cell, again = make(3, 400), make(3, 400)
    for name, weight in cell.named_parameters():
        low, high = cell.equations.bounds(name, 400)
        assert low <= weight.min() < low + 0.1 * (high - low), name
        assert high - 0.1 * (high - low) < weight.max() <= high, name
        assert torch.equal(weight, again.get_parameter(name))


@every_cell
def test_a_cell_says_what_it_cannot_take(make: Make) -> None:
    cell = make(3, 4)
    with pytest.raises(ValueError, match=r"x is \(batch, 3\) or \(3,\), got \(5, 2\)"):
        cell(draw(5, 2))
    with pytest.raises(ValueError, match=r"A cell takes one step; for a sequence use a layer of gatecast\.nn"):
        cell(draw(7, 5, 3))
    with pytest.raises(ValueError, match=r"the state has the shape \(5, 4\).* here, got \(4, 4\)"):
        cell(draw(5, 3), some_state(cell, 4))
    with pytest.raises(OptionError, match="hidden_size counts from 1 up, got 0"):
        make(3, 0)


def _map(state: Any, change: Any) -> Any:
    parts = tuple(change(each) for each in as_tuple(state))
    return parts[0] if isinstance(state, Tensor) else parts
