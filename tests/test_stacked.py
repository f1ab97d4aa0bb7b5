"""Stacks with residuals, dilations and norms: the same as plain loops, and whole in any pieces."""

import copy
from typing import Any

import pytest
import torch
from torch.nn.utils.rnn import pack_sequence
from torch.testing import assert_close

from cell_catalogue import as_tuple
from gatecast import nn
from gatecast.errors import OptionError
from stack_cases import CASES, CONFIGS, DEPTH, OPTIONS, STILL, build, cell_of, draw, in_pieces, random_cuts, slowly

EXACT = {"rtol": 1e-11, "atol": 1e-12}
every_kind = pytest.mark.parametrize("kind", CONFIGS)
every_case = pytest.mark.parametrize(("kind", "option"), CASES)


@every_kind
@pytest.mark.parametrize("option", STILL)
@pytest.mark.parametrize("steps", [1, 3, 11])
def test_a_stack_equals_loops_over_its_cells(kind: str, option: str, steps: int) -> None:
    stack, x = build(kind, STILL[option]), draw(2, steps, 3)
    output, state = stack(x)
    expected, states = slowly(stack, x)
    assert_close(output, torch.stack(expected, dim=1), **EXACT)
    for place, of_all in enumerate(as_tuple(state)):
        rows = []
        for number, skip in enumerate(stack.config.skips):
            newest = states[number][-skip:]
            rows += [torch.zeros_like(of_all[0])] * (skip - len(newest))
            rows += [as_tuple(each)[place] for each in newest]
        assert_close(of_all, torch.stack(rows), **EXACT)


@every_kind
@pytest.mark.parametrize("option", ["residual", "layer_norm"])
def test_a_stack_in_both_directions_equals_loops_over_its_cells(kind: str, option: str) -> None:
    stack, x = build(kind, STILL[option], bidirectional=True), draw(2, 7, 3)
    output, state = stack(x)
    assert_close(output, torch.stack(slowly(stack, x)[0], dim=1), **EXACT)
    assert as_tuple(state)[0].shape == (2 * DEPTH, 2, 5)


@every_case
def test_pieces_with_the_state_carried_equal_the_whole(kind: str, option: str) -> None:
    stack, x = build(kind, OPTIONS[option]), draw(2, 17, 3)
    whole, end = stack(x)
    for _ in range(3):
        output, state = in_pieces(stack, x, random_cuts(17))
        assert_close(output, whole, **EXACT)
        for a, b in zip(as_tuple(state), as_tuple(end), strict=True):
            assert_close(a, b, **EXACT)


@every_case
def test_gradients_are_those_of_finite_differences(kind: str, option: str) -> None:
    stack, x = build(kind, OPTIONS[option], features=2, hidden=2).train(), draw(2, 4, 2).requires_grad_()
    shapes = stack.state_shapes(2)
    states = tuple(torch.rand(shape, dtype=torch.float64).add(0.2).requires_grad_() for shape in shapes)

    def call(x: torch.Tensor, *others: torch.Tensor) -> tuple[torch.Tensor, ...]:
        torch.manual_seed(3)  # the same masks at every point
        given = others[: len(shapes)]
        output, state = stack(x, given[0] if len(given) == 1 else given)
        return (output, *as_tuple(state))

    assert torch.autograd.gradcheck(call, (x, *states, *stack.parameters()), fast_mode=True)


@every_case
def test_no_output_reads_a_later_step(kind: str, option: str) -> None:
    stack, x = build(kind, OPTIONS[option]), draw(2, 9, 3)
    before, _ = stack(x)
    x[:, 6:] = float("nan")
    assert torch.equal(stack(x)[0][:, :6], before[:, :6])


@every_case
def test_a_stack_comes_back_from_its_state_dict_and_can_be_copied_after_training(kind: str, option: str) -> None:
    stack, x = build(kind, OPTIONS[option]), draw(2, 9, 3)
    stack.train()(x)[0].sum().backward()
    output, _ = stack.eval()(x)
    other = nn.RecurrentStack(stack.config, 3).double().eval()
    other.load_state_dict(stack.state_dict())
    assert torch.equal(other(x)[0], output)
    assert torch.equal(copy.deepcopy(stack)(x)[0], output)
    far = nn.RecurrentStack(stack.config, 3).to("meta")
    assert far(torch.empty(2, 9, 3, device="meta"))[0].shape == (2, 9, 5)


@every_kind
def test_the_options_leave_the_first_weights_as_they_are_in_a_plain_stack(kind: str) -> None:
    config = nn.LayerConfig(**CONFIGS[kind], hidden_size=4, num_layers=2)
    torch.manual_seed(1)
    plain = nn.recurrent_layer(config, 3, 20)
    torch.manual_seed(1)
    stack = nn.recurrent_layer(nn.LayerConfig(**CONFIGS[kind], hidden_size=4, num_layers=2, residual=True), 3, 20)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), stack.parameters(), strict=True))
    assert not isinstance(plain, nn.RecurrentStack)


@pytest.mark.parametrize("option", ["variational_dropout", "weight_dropout"])
def test_in_evaluation_a_stack_with_dropout_is_the_plain_stack(option: str) -> None:
    settings = {"cell": "lstm", "hidden_size": 5, "num_layers": DEPTH}
    torch.manual_seed(1)
    plain = nn.recurrent_layer(nn.LayerConfig(**settings), 3, 20).eval()
    torch.manual_seed(1)
    stack, x = nn.recurrent_layer(nn.LayerConfig(**settings, **OPTIONS[option]), 3, 20).eval(), torch.randn(2, 9, 3)
    for a, b in zip(plain(x), stack(x), strict=True):
        assert all(torch.equal(one, other) for one, other in zip(as_tuple(a), as_tuple(b), strict=True))


@every_kind
@pytest.mark.parametrize("option", STILL)
def test_a_trace_has_the_gates_of_the_cells_at_every_step(kind: str, option: str) -> None:
    stack, x = build(kind, STILL[option]), draw(2, 11, 3)
    traced = nn.trace(stack, x)
    assert_close(traced.output, stack(x)[0], **EXACT)
    assert list(traced.gates) == ["l0", "l1", "l2"]
    _, states = slowly(stack, x)
    cell, skip = cell_of(stack, 0), stack.config.skips[0]
    for time in range(11):
        for letter, gate in cell.gates(x[:, time], states[0][time - skip] if time >= skip else None).items():
            assert_close(traced.gates["l0"][letter][time], gate, **EXACT)
    assert all(gate.shape == (11, 2, 5) for of_layer in traced.gates.values() for gate in of_layer.values())


def test_one_input_survives_layer_norm() -> None:
    stack, x = build("GRU-True", OPTIONS["layer_norm"], features=1), draw(2, 9, 1)
    assert (stack(x)[0] - stack(3 * x)[0]).abs().max() > 0.01, "its size is not normalised away"


@every_kind
@pytest.mark.parametrize("options", [STILL["dilations"], STILL["these three"], {"residual": True, "zoneout": 0.2}])
def test_a_learnt_first_state_is_one_for_each_layer_and_gets_a_gradient(kind: str, options: dict[str, Any]) -> None:
    stack, x = build(kind, options), draw(2, 9, 3)
    wrapped = nn.LearnedInitialState(stack)
    assert torch.equal(wrapped(x)[0], stack(x)[0])
    learnt = tuple(wrapped.parameters(recurse=False))
    assert all(each.shape == (DEPTH, 5) for each in learnt)
    with torch.no_grad():
        for each in learnt:
            each.copy_(draw(DEPTH, 5))
    rows = [number for number, skip in enumerate(stack.config.skips) for _ in range(skip)]
    state = tuple(torch.zeros(shape, dtype=torch.float64) for shape in stack.state_shapes(2))
    state = tuple(each[rows][:, None].expand(-1, 2, -1) for each in learnt) + state[len(learnt) :]
    assert torch.equal(wrapped(x)[0], stack(x, state[0] if len(state) == 1 else state)[0])
    gradients = torch.autograd.grad(wrapped(x)[0].square().sum(), learnt)
    assert all((gradient != 0).any(dim=-1).all() for gradient in gradients)


def test_chrono_counts_the_steps_that_a_dilated_layer_takes() -> None:
    config = nn.LayerConfig(hidden_size=200, num_layers=2, dilations=(1, 8), initialization="chrono")
    for layer, longest in zip(nn.recurrent_layer(config, 3, 168).layers, (168, 21), strict=True):
        memory = layer.bias_ih_l0[200:400].exp() + 1
        assert 0.9 * longest < memory.max() < longest


def test_a_stack_says_what_it_cannot_take() -> None:
    stack = build("LSTM", STILL["dilations"])
    for wrong in (draw(2, 9, 4), draw(9, 3), draw(2, 0, 3)):
        with pytest.raises(ValueError, match=r"the input of this stack is \(batch, time, 3\), with a step; got \("):
            stack(wrong)
    with pytest.raises(ValueError, match="got packed sequences"):
        stack(pack_sequence([draw(4, 3)]))
    with pytest.raises(ValueError, match=r"the state has the shape \(7, 2, 5\) and \(7, 2, 5\) here, got \(3, 2, 5\)"):
        stack(draw(2, 9, 3), (draw(3, 2, 5), draw(3, 2, 5)))
    with pytest.raises(OptionError, match="input_size counts from 1 up, got 0"):
        nn.RecurrentStack(stack.config, 0)
    with pytest.raises(OptionError, match="dilations=1 2 4 reach back 4 steps, and with lookback=4 that layer"):
        nn.recurrent_layer(stack.config, 3, 4)
    with pytest.raises(OptionError, match="RecurrentStack is not a recurrent cell or layer"):
        nn.orthogonal_(stack)
    with pytest.raises(OptionError, match="a RecurrentStack has no prepared step: call the RecurrentStack itself"):
        nn.stepper(stack)


def test_a_printed_stack_shows_its_options() -> None:
    shown = repr(build("GRU-True", OPTIONS["dilations"], weight_dropout=0.1))
    assert shown.startswith("RecurrentStack(\n  3, 5, dilations=(1, 2, 4), weight_dropout=0.1\n")
