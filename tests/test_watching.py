"""`nn.watch` hands out the gates of a call by its kernel; `nn.trace` by the cell, with every state."""

import pytest
import torch
from torch import Tensor

from cell_catalogue import LAYERS, Make, as_tuple, some_state
from gatecast import nn
from gatecast.cells import equations_of
from gatecast.nn.stacked import RecurrentStack

ROUNDING = 2e-5


def assert_same_gates(one: nn.Trace, other: nn.Trace) -> None:
    assert list(one.gates) == list(other.gates)
    for name, gates in one.gates.items():
        assert list(gates) == list(other.gates[name])
        for letter, gate in gates.items():
            torch.testing.assert_close(other.gates[name][letter], gate, rtol=ROUNDING, atol=ROUNDING)


def assert_same_pass(one: nn.Trace, other: nn.Trace) -> None:
    assert_same_gates(one, other)
    for mine, others in zip((one.output, *as_tuple(one.state)), (other.output, *as_tuple(other.state)), strict=True):
        assert isinstance(mine, Tensor)
        torch.testing.assert_close(others, mine.detach(), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("make", LAYERS, ids=str)
@pytest.mark.parametrize("settings", [{}, {"num_layers": 2, "bidirectional": True}, {"batch_first": True}], ids=str)
def test_watching_a_layer_shows_the_gates_that_tracing_it_shows(make: Make, settings: dict[str, object]) -> None:
    layer = make(3, 20, **settings).float()  # 20 units fill no whole number of vectors
    x = torch.randn(7, 4, 3)
    assert_same_pass(nn.trace(layer, x), nn.watch(layer, x))


@pytest.mark.parametrize("make", LAYERS, ids=str)
def test_watching_starts_from_the_state_it_is_given(make: Make) -> None:
    layer = make(3, 5).float()
    state = some_state(layer, 1, 2)
    given = state.float() if isinstance(state, Tensor) else tuple(part.float() for part in state)
    assert_same_pass(nn.trace(layer, torch.ones(4, 2, 3), given), nn.watch(layer, torch.ones(4, 2, 3), given))


@pytest.mark.parametrize("make", LAYERS, ids=str)
def test_watching_takes_float64_one_sequence_and_packed_ones_too(make: Make) -> None:
    layer = make(3, 5)
    x = torch.randn(6, 3, dtype=torch.float64)
    assert_same_pass(nn.trace(layer, x), nn.watch(layer, x))
    packed = torch.nn.utils.rnn.pack_sequence([x, x[:2]])
    assert_same_gates(nn.trace(layer, packed), nn.watch(layer, packed))


@pytest.mark.parametrize("dilations", [(), (1, 3)])
def test_watching_a_stack_with_options_shows_the_gates_that_tracing_it_shows(dilations: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    stack = RecurrentStack(nn.LayerConfig(hidden_size=6, num_layers=2, residual=True, dilations=dilations), 3)
    x = torch.randn(4, 11, 3)
    assert_same_pass(nn.trace(stack, x), nn.watch(stack, x))


def test_watching_a_net_with_zoneout_shows_the_gates_of_its_mixed_states() -> None:
    torch.manual_seed(0)
    stack = RecurrentStack(nn.LayerConfig(hidden_size=6, zoneout=0.3), 3).eval()
    x = torch.randn(4, 11, 3)
    assert_same_pass(nn.trace(stack, x), nn.watch(stack, x))


@pytest.mark.parametrize("make", LAYERS, ids=str)
def test_the_history_of_a_trace_holds_the_states_that_lead_on(make: Make) -> None:
    layer = make(3, 5)
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    traced = nn.trace(layer, x)
    states = traced.history["l0"]
    assert len(states) == len(x)
    for step, after in enumerate(states):
        _, expected = layer(x[: step + 1])
        for mine, theirs in zip(after, as_tuple(expected), strict=True):
            torch.testing.assert_close(mine, theirs[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("make", LAYERS, ids=str)
def test_what_a_unit_keeps_is_a_share_named_by_its_gates(make: Make) -> None:
    layer = make(3, 5)
    equations = equations_of(layer)
    gates = nn.trace(layer, torch.randn(6, 2, 3, dtype=torch.float64)).gates["l0"]
    kept = equations.kept(gates)
    assert (kept is None) == (not equations.keeps), "a cell with a keeping gate says what is kept, others do not"
    assert kept is None or bool(((kept >= 0) & (kept <= 1)).all())
