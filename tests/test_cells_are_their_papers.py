"""Every cell against torch.nn with the same weights, and against the paper's equations written a second time."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

import paper_equations as paper
from gatecast import cells, nn
from gatecast.cells import ElmanCell, GRUCell, LSTMCell, Weights, unroll
from gatecast.cells.cell import weights_of
from gatecast.cells.scanning import ScanEquations, linear_scan
from gatecast.cells.unrolling import unroll_by_scan, unroll_by_steps

FORWARD = {"rtol": 1e-12, "atol": 1e-14}


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


PAIRS: list[tuple[type, type, dict[str, Any]]] = [
    (ElmanCell, torch.nn.RNNCell, {"nonlinearity": "tanh"}),
    (ElmanCell, torch.nn.RNNCell, {"nonlinearity": "relu"}),
    (LSTMCell, torch.nn.LSTMCell, {}),
    (GRUCell, torch.nn.GRUCell, {}),
]


@pytest.mark.parametrize(("own", "theirs", "choice"), PAIRS)
@pytest.mark.parametrize("bias", [True, False])
def test_cell_equals_torch_nn_in_values_gradients_and_first_weights(
    own: type, theirs: type, choice: dict[str, Any], *, bias: bool
) -> None:
    made = []
    for kind in (own, theirs):
        torch.manual_seed(3)
        made.append(kind(3, 5, bias=bias, dtype=torch.float64, **choice))
    assert [*made[0].state_dict()] == [*made[1].state_dict()]
    assert all(torch.equal(a, b) for a, b in zip(made[0].parameters(), made[1].parameters(), strict=True))
    x, h, c = draw(4, 3), draw(4, 5), draw(4, 5)
    gradients = []
    for cell in made:
        given = [each.clone().requires_grad_() for each in ((x, h, c) if own is LSTMCell else (x, h))]
        after = cell(given[0], tuple(given[1:]) if own is LSTMCell else given[1])
        after = torch.cat(after) if own is LSTMCell else after
        gradients.append([after, *torch.autograd.grad((after**2).sum(), [*given, *cell.parameters()])])
    for ours, torchs in zip(*gradients, strict=True):
        assert_close(ours, torchs, **FORWARD)


def by_gate(cell: cells.Cell, name: str) -> dict[str, np.ndarray]:
    blocks = cell.equations.blocks
    parts = getattr(cell, name).detach().chunk(len(blocks))
    return {gate: part.numpy() for gate, part in zip(blocks, parts, strict=True)}


def run(cell: cells.Cell, x: Tensor) -> np.ndarray:
    state, out = None, []
    for step in x:
        state = cell(step, state)
        out.append(state if isinstance(state, Tensor) else state[0])
    return torch.stack(out).detach().numpy()


def far_from_zero(cell: cells.Cell) -> cells.Cell:
    with torch.no_grad():
        for weight in cell.parameters():
            weight.copy_(torch.randn_like(weight) * 0.8)
    return cell.double()


def test_gru_with_reset_before_is_version_3_of_the_paper() -> None:
    cell, x = far_from_zero(GRUCell(3, 4, reset_after=False)), draw(12, 3)
    first, second = by_gate(cell, "bias_ih"), by_gate(cell, "bias_hh")
    biases = {gate: first[gate] + second[gate] for gate in first}
    expected = paper.gru_before(x.numpy(), by_gate(cell, "weight_ih"), by_gate(cell, "weight_hh"), biases)
    np.testing.assert_allclose(run(cell, x), expected, rtol=1e-12, atol=1e-14)


def test_the_two_forms_of_the_gru_are_different_functions_of_the_same_weights() -> None:
    before, after = GRUCell(3, 4, reset_after=False).double(), GRUCell(3, 4).double()
    after.load_state_dict(before.state_dict())
    x, h = draw(5, 3), draw(5, 4)
    assert (before(x, h) - after(x, h)).abs().max() > 1e-3
    torch.nn.init.zeros_(before.bias_hh)
    torch.nn.init.zeros_(after.bias_hh)
    assert torch.equal(before(x), after(x)), "from a state of zeros, r has nothing to act on but a bias"


@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_slstm_is_the_paper_without_its_stabiliser(scale: float) -> None:
    cell, x = far_from_zero(cells.SLSTMCell(3, 4)), draw(15, 3) * scale
    expected = paper.slstm(x.numpy(), by_gate(cell, "weight_ih"), by_gate(cell, "weight_hh"), by_gate(cell, "bias_ih"))
    np.testing.assert_allclose(run(cell, x), expected, rtol=1e-11, atol=1e-13)


def test_slstm_stays_finite_where_the_printed_exponential_overflows() -> None:
    cell, x = far_from_zero(cells.SLSTMCell(3, 4)), draw(15, 3) * 2000
    with pytest.raises(OverflowError):
        paper.slstm(x.numpy(), by_gate(cell, "weight_ih"), by_gate(cell, "weight_hh"), by_gate(cell, "bias_ih"))
    assert np.isfinite(run(cell, x)).all()
    assert np.abs(run(cell, x)).max() <= 1


def test_slstm_gradients_flow_from_its_first_step_at_any_size() -> None:
    cell = far_from_zero(cells.SLSTMCell(3, 4))
    for scale in (1.0, 1e3, 1e6):
        h = cell(draw(5, 3) * scale, cell(draw(5, 3) * scale))[0]
        gradients = torch.autograd.grad(h.sum(), list(cell.parameters()))
        assert all(gradient.isfinite().all() for gradient in gradients)


def test_grud_is_the_paper_where_each_gate_reads_only_its_own_part_of_the_input() -> None:
    rng = np.random.default_rng(0)
    x, m, delta = rng.normal(size=(12, 3)), rng.integers(0, 2, (12, 3)).astype(float), rng.random((12, 3)) * 5
    W = {gate: rng.normal(size=(4, 3)) for gate in ("r", "z", "n", "gamma")}
    V = {gate: rng.normal(size=(4, 3)) for gate in "rzn"}
    U = {gate: rng.normal(size=(4, 4)) for gate in "rzn"}
    b = {gate: rng.normal(size=4) for gate in W}
    cell, nothing = cells.GRUDCell(9, 4).double(), np.zeros((4, 3))
    turned = {"r": 1, "z": -1, "n": 1}  # our z keeps the past, theirs writes the new
    rows = [np.concatenate([W[gate], V[gate], nothing], axis=1) * sign for gate, sign in turned.items()]
    rows.append(np.concatenate([nothing, nothing, W["gamma"]], axis=1))
    with torch.no_grad():
        cell.weight_ih.copy_(torch.from_numpy(np.concatenate(rows)))
        cell.weight_hh.copy_(torch.from_numpy(np.concatenate([U[gate] * sign for gate, sign in turned.items()])))
        biases = [b[gate] * sign for gate, sign in turned.items()]
        cell.bias_ih.copy_(torch.from_numpy(np.concatenate([*biases, b["gamma"]])))
    found = run(cell, torch.from_numpy(np.concatenate([x, m, delta], axis=1)))
    expected = paper.grud(x, m, delta, {"W": W, "V": V, "U": U, "b": b})
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_grud_forgets_what_was_long_ago() -> None:
    cell = far_from_zero(cells.GRUDCell(3, 4))
    with torch.no_grad():
        cell.weight_ih[12:] = torch.tensor([0.0, 0.0, 1.0])
        cell.weight_ih[:12, 2] = 0
    now, later = torch.tensor([[1.0, 1.0, 0.0]]).double(), torch.tensor([[1.0, 1.0, 1e4]]).double()
    one, other = draw(1, 4), draw(1, 4)
    assert (cell(now, one) - cell(now, other)).abs().max() > 1e-3
    assert torch.equal(cell(later, one), cell(later, other))


def test_grud_gradients_are_those_of_finite_differences() -> None:
    cell = far_from_zero(cells.GRUDCell(2, 3))

    def output(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
        return unroll(cell.equations, Weights(W=W, U=U, b=b), x, (h,)).output

    given = (draw(5, 2, 2), draw(2, 3), *(weight.detach() for weight in cell.parameters()))
    assert torch.autograd.gradcheck(output, tuple(each.requires_grad_() for each in given))


def test_indrnn_is_the_paper() -> None:
    cell, x = far_from_zero(cells.IndRNNCell(3, 4)), draw(12, 3)
    weights = (weight.detach().numpy() for weight in (cell.weight_ih, cell.weight_hh, cell.bias_ih))
    np.testing.assert_allclose(run(cell, x), paper.indrnn(x.numpy(), *weights), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("kind", "truth"), [(cells.MinGRUCell, paper.mingru), (cells.MinLSTMCell, paper.minlstm)])
def test_minimal_cells_are_the_paper(kind: type[cells.Cell], truth: Any) -> None:
    cell, x = far_from_zero(kind(3, 4)), draw(12, 3)
    expected = truth(x.numpy(), by_gate(cell, "weight_ih"), by_gate(cell, "bias_ih"))
    np.testing.assert_allclose(run(cell, x), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", [cells.MinGRUCell, cells.MinLSTMCell])
@pytest.mark.parametrize("length", [1, 2, 3, 64, 1000])
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_parallel_scan_equals_steps(kind: type[cells.Cell], length: int, scale: float) -> None:
    cell = far_from_zero(kind(3, 4))
    x, h = (draw(length, 2, 3) * scale).requires_grad_(), draw(2, 4).requires_grad_()
    assert isinstance(cell.equations, ScanEquations)
    ways = [over(cell.equations, cell.weights, x, (h,)) for over in (unroll_by_scan, unroll_by_steps)]
    assert_close(ways[0].output, ways[1].output, rtol=1e-10, atol=1e-10 * scale)
    assert_close(ways[0].states, ways[1].states, rtol=1e-10, atol=1e-10 * scale)
    given = [x, h, *cell.parameters()]
    scan, steps = (torch.autograd.grad(way.output.square().mean(), given) for way in ways)
    for a, b in zip(scan, steps, strict=True):
        assert_close(a, b, rtol=1e-9, atol=1e-10 * scale**2)


def test_the_scan_survives_gates_that_are_shut_for_long() -> None:
    a, u = torch.full((5000, 1, 1), 1e-3, dtype=torch.float64), torch.ones(5000, 1, 1, dtype=torch.float64)
    states = linear_scan(a, u, torch.full((1, 1), 1e300, dtype=torch.float64))
    assert_close(states[-1], torch.full((1, 1), 1 / (1 - 1e-3), dtype=torch.float64), rtol=1e-12, atol=0)


@pytest.mark.parametrize("kind", [cells.MinGRUCell, cells.MinLSTMCell])
def test_scan_gradients_are_those_of_finite_differences(kind: type[cells.Cell]) -> None:
    cell = far_from_zero(kind(2, 3))

    def output(x: Tensor, h: Tensor, W: Tensor, b: Tensor) -> Tensor:
        return unroll(cell.equations, Weights(W=W, b=b), x, (h,)).output

    given = (draw(5, 2, 2), draw(2, 3), cell.weight_ih.detach(), cell.bias_ih.detach())
    assert torch.autograd.gradcheck(output, tuple(each.requires_grad_() for each in given))


def test_minlstm_divides_also_where_both_gates_vanish() -> None:
    cell = cells.MinLSTMCell(1, 1).double()
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor([[-1.0], [-1.0], [1.0]]))
        cell.bias_ih.zero_()
    gates = cell.gates(torch.tensor([[2000.0]], dtype=torch.float64))
    assert float(gates["f"].detach()) == float(gates["i"].detach()) == 0.5


def test_equations_are_found_for_torch_and_refused_for_others() -> None:
    assert cells.equations_of(torch.nn.LSTM(1, 4, proj_size=2)) == cells.LSTMEquations(2)
    assert cells.equations_of(torch.nn.RNNCell(1, 4, nonlinearity="relu")) == cells.ElmanEquations("relu")
    assert cells.equations_of(nn.GRU(1, 4, reset_after=False)) == cells.GRUEquations(reset_after=False)
    with pytest.raises(ValueError, match="Linear is not a recurrent cell or layer"):
        cells.equations_of(torch.nn.Linear(1, 1))
    assert weights_of(torch.nn.GRUCell(1, 4, bias=False)).b is None
