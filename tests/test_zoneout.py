"""Zoneout: a share of units that stay as they were, and the expectation of that."""

from math import sqrt
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from cell_catalogue import CELLS, LAYERS, Make, as_tuple, some_state
from gatecast.cells import equations_of, zoned_out
from gatecast.cells.cell import weights_of
from gatecast.cells.scanning import ScanEquations
from gatecast.cells.unrolling import unroll_by_scan, unroll_by_steps
from gatecast.nn.stacking import run_stack
from stack_cases import OPTIONS, build, draw

every_cell = pytest.mark.parametrize("make", CELLS, ids=str)
EXACT = {"rtol": 1e-12, "atol": 1e-13}
STEPS = 9
SCANS = [make for make in LAYERS if isinstance(equations_of(make(1, 1)), ScanEquations)]


def one_step(cell: Any, x: Tensor, states: tuple[Tensor, ...], share: float, *, random: bool) -> tuple[Tensor, ...]:
    equations = zoned_out(cell.equations, share, random=random)
    return equations.step(equations.project(x, cell.weights), states, cell.weights)[0]


@pytest.mark.parametrize("make", LAYERS, ids=str)
@pytest.mark.parametrize("random", [False, True])
def test_a_share_of_zero_is_the_cell(make: Make, *, random: bool) -> None:
    layer, x = make(3, 4, num_layers=2, bidirectional=True), draw(STEPS, 2, 3)
    plain = run_stack(layer, x, None)
    zoned = run_stack(layer, x, None, by=zoned_out(equations_of(layer), 0.0, random=random))
    assert torch.equal(zoned.output, plain.output)
    assert all(torch.equal(a, b) for a, b in zip(as_tuple(zoned.state), as_tuple(plain.state), strict=True))


@every_cell
def test_without_chance_a_step_is_the_mean_of_the_old_state_and_the_cells(make: Make) -> None:
    cell, x = make(3, 4), draw(5, 3)
    states = as_tuple(some_state(cell, 5))
    cells_own = as_tuple(cell(x, states if len(states) > 1 else states[0]))
    mixed = ("h", "c") if "SLSTM" not in str(make) else ("h",)
    found = one_step(cell, x, states, 0.3, random=False)
    for name, got, old, new in zip(cell.equations.states, found, states, cells_own, strict=True):
        assert_close(got, 0.3 * old + 0.7 * new if name in mixed else new, **EXACT)


@every_cell
def test_by_chance_a_unit_keeps_its_state_or_takes_the_cells_and_on_average_is_the_mean(make: Make) -> None:
    cell, rows, share = make(3, 4), 20_000, 0.3
    x, first = draw(1, 3), as_tuple(some_state(cell, 1))
    torch.manual_seed(0)
    many = one_step(cell, x.expand(rows, -1), tuple(each.expand(rows, -1) for each in first), share, random=True)
    new = as_tuple(cell(x, first if len(first) > 1 else first[0]))
    kept = {}
    for name, got, old, other in zip(cell.equations.states, many, first, new, strict=True):
        kept[name] = torch.isclose(got, old.expand_as(got), rtol=1e-12)
        assert (kept[name] | torch.isclose(got, other.expand_as(got), rtol=1e-12)).all()
        if name in cell.equations.mixable:
            off = (kept[name].double().mean(dim=0) - share).abs()
            assert (off < 5 * sqrt(share * (1 - share) / rows)).all(), "five standard errors"
    if "c" in cell.equations.mixable and "c" in kept:
        assert (kept["h"] != kept["c"]).any(), "h and c have masks of their own"


@every_cell
def test_the_states_that_are_kept_are_drawn_anew_at_every_step(make: Make) -> None:
    cell, x = make(3, 50), draw(2, 1, 3)
    equations, states = zoned_out(cell.equations, 0.5, random=True), as_tuple(some_state(cell, 1))
    torch.manual_seed(0)
    kept = []
    for step in x:
        after = equations.step(equations.project(step, cell.weights), states, cell.weights)[0]
        kept.append(after[0] == states[0])
        states = after
    assert not torch.equal(*kept)


@pytest.mark.parametrize("make", SCANS, ids=str)
def test_zoneout_of_a_scan_equals_its_steps(make: Make) -> None:
    layer, x, h = make(3, 4), draw(STEPS, 2, 3), draw(2, 4)
    equations = zoned_out(equations_of(layer), 0.3, random=False)
    assert isinstance(equations, ScanEquations)
    given = (equations, weights_of(layer, "_l0"), x, (h,))
    assert_close(unroll_by_scan(*given).output, unroll_by_steps(*given).output, **EXACT)


def test_a_stack_draws_while_training_and_takes_the_mean_in_evaluation() -> None:
    stack, x = build("LSTM", OPTIONS["zoneout"]), draw(2, STEPS, 3)
    assert torch.equal(stack(x)[0], stack(x)[0])
    stack.train()
    assert not torch.equal(stack(x)[0], stack(x)[0])
    below = x.transpose(0, 1)
    for number in range(3):
        layer = stack.layer(number)
        equations = zoned_out(equations_of(layer), 0.3, random=False)
        below = unroll_by_steps(equations, weights_of(layer, "_l0"), below, (torch.zeros(2, 5).double(),) * 2).output
    assert_close(stack.eval()(x)[0], below.transpose(0, 1), **EXACT)
