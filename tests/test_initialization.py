"""First weights, for every cell and layer that is exported and for torch.nn's own."""

import math
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from cell_catalogue import CELLS, LAYERS, Make
from gatecast import cells, nn
from gatecast.errors import OptionError
from gatecast.nn import chrono_, forget_bias_, gaussian_, orthogonal_

every = pytest.mark.parametrize("make", [*CELLS, *LAYERS], ids=str)
TORCH = [Make(torch.nn.GRU), Make(torch.nn.LSTM), Make(torch.nn.LSTMCell), Make(torch.nn.GRUCell)]
GATED = [make for make in [*CELLS, *LAYERS, *TORCH] if cells.equations_of(make(2, 3)).keeps]
gated = pytest.mark.parametrize("make", GATED, ids=str)


def bias_of(module: Any, gate: str, suffix: str) -> torch.Tensor:
    """The sum of a gate's two biases, which is what acts."""
    blocks = cells.equations_of(module).blocks
    both = [getattr(module, name + suffix, None) for name in ("bias_ih", "bias_hh")]
    return sum(bias.detach().chunk(len(blocks))[blocks.index(gate)] for bias in both if bias is not None)


def suffix_of(module: Any) -> str:
    return "_l0" if hasattr(module, "num_layers") else ""


def test_the_gated_cells_are_all_but_the_simple_ones() -> None:
    assert {type(cells.equations_of(make(2, 3))).__name__ for make in GATED} == {
        "GRUDEquations",
        "GRUEquations",
        "LSTMEquations",
        "MinGRUEquations",
        "MinLSTMEquations",
        "SLSTMEquations",
    }


@every
def test_orthogonal_recurrent_blocks_keep_lengths_or_there_are_none(make: Make) -> None:
    module = make(3, 6)
    name = "weight_hh" + suffix_of(module)
    before = {name: weight.detach().clone() for name, weight in module.named_parameters()}
    if getattr(module, name, torch.empty(0)).dim() < 2:
        with pytest.raises(OptionError, match=r"(IndRNN|MinGRU|MinLSTM) has no recurrent matrices to make orthogonal"):
            orthogonal_(module)
        return
    assert orthogonal_(module) is module
    equations = cells.equations_of(module)
    for block in module.get_parameter(name).detach().chunk(len(equations.recurrent_blocks or equations.blocks)):
        assert_close(block @ block.T, torch.eye(6, dtype=torch.float64), rtol=0, atol=1e-12)
    others = [each for each in before if "weight_hh" not in each]
    assert all(torch.equal(before[each], module.get_parameter(each)) for each in others)


@gated
def test_chrono_gives_the_keeping_gate_memories_from_one_step_to_the_longest(make: Make) -> None:
    module = chrono_(make(3, 2000), 168)
    (keep, sign), *others = cells.equations_of(module).keeps.items()
    bias = sign * bias_of(module, keep, suffix_of(module))
    kept = torch.sigmoid(bias)  # the share that a gate keeps at each step where its input is zero
    memory = 1 / (1 - kept)  # steps; log(T - 1) gives T
    assert 2 <= memory.min() < 4
    assert 160 < memory.max() <= 168
    assert abs(memory.mean() - 85) < 3, "uniform between 2 and 168"
    for gate, side in others:
        assert_close(side * bias_of(module, gate, suffix_of(module)), bias, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.MinGRU, torch.nn.LSTM])
def test_chrono_reaches_every_layer_and_direction(kind: Any) -> None:
    layer = chrono_(kind(3, 8, num_layers=2, bidirectional=True), 50)
    keep = next(iter(cells.equations_of(layer).keeps))
    biases = [bias_of(layer, keep, suffix) for suffix in ("_l0", "_l0_reverse", "_l1", "_l1_reverse")]
    sign = cells.equations_of(layer).keeps[keep]
    assert all((sign * bias >= 0).all() and (sign * bias <= math.log(49)).all() for bias in biases)
    assert not torch.equal(biases[0], biases[1])


@pytest.mark.parametrize("make", [make for make in GATED if make in CELLS], ids=str)
def test_a_chrono_cell_forgets_more_slowly(make: Make) -> None:
    module, plain = make(1, 64), make(1, 64)
    for each in (module, plain):
        forget_bias_(each, 0.0)
    chrono_(module, 500)

    def left_after(cell: Any, steps: int) -> float:
        """How much of a nudge of the first state is left."""
        sizes = cells.equations_of(cell).state_sizes(64)
        lost = []
        for nudge in (0.0, 0.5):
            states = [torch.full((1, size), nudge, dtype=torch.float64) for size in sizes]
            if len(states) == 4:
                states[2], states[3] = torch.ones_like(states[2]), torch.zeros_like(states[3])
            state = states[0] if len(states) == 1 else tuple(states)
            for _ in range(steps):
                state = cell(torch.zeros(1, 1, dtype=torch.float64), state)
            lost.append(state if isinstance(state, torch.Tensor) else state[0])
        return float((lost[1] - lost[0]).abs().mean().detach())

    assert left_after(module, 40) > 3 * left_after(plain, 40)


@gated
def test_forget_bias_is_the_value_asked_for_and_nothing_else_moves(make: Make) -> None:
    before, module = make(3, 6), forget_bias_(make(3, 6), 1.5)
    gate, sign = next(iter(cells.equations_of(module).keeps.items()))
    blocks, suffix = cells.equations_of(module).blocks, suffix_of(module)
    assert_close(sign * bias_of(module, gate, suffix), torch.full((6,), 1.5, dtype=torch.float64))
    for other in set(blocks) - {gate}:
        assert torch.equal(bias_of(module, other, suffix), bias_of(before, other, suffix))


@every
def test_gaussian_draws_every_weight_small_and_every_bias_zero(make: Make) -> None:
    module = gaussian_(make(30, 40))
    for name, weight in module.named_parameters():
        if name.startswith("bias"):
            assert not weight.any()
        else:
            assert abs(float(weight.detach().std()) - 0.01) < 0.003


def test_what_cannot_be_is_refused_in_words() -> None:
    with pytest.raises(OptionError, match="Elman has no gate that keeps the past; take a gated cell, or orthogonal_"):
        chrono_(nn.RNN(2, 3), 10)
    with pytest.raises(OptionError, match="IndRNN has no gate that keeps the past"):
        forget_bias_(nn.IndRNN(2, 3))
    with pytest.raises(OptionError, match="longest counts the steps to be remembered, from 3 up, got 2"):
        chrono_(nn.GRU(2, 3), 2)
    with pytest.raises(OptionError, match="this module was made with bias=False"):
        forget_bias_(nn.GRU(2, 3, bias=False))
    with pytest.raises(OptionError, match="Linear is not a recurrent cell or layer"):
        gaussian_(torch.nn.Linear(2, 3))


@pytest.mark.parametrize("how", ["orthogonal", "chrono", "forget_bias", "gaussian"])
def test_a_config_names_its_first_weights(how: Any) -> None:
    configs = [nn.LayerConfig(hidden_size=6, initialization=name) for name in ("uniform", how)]
    layers = [nn.recurrent_layer(config, 3, 20) for config in configs]
    assert any(not torch.equal(a, b) for a, b in zip(layers[0].parameters(), layers[1].parameters(), strict=True))
    if how == "chrono":
        assert bias_of(layers[1], "z", "_l0").max() <= math.log(19)
    wrapped = nn.recurrent_layer(nn.LayerConfig(learn_initial_state=True), 3, 20)
    assert isinstance(wrapped, nn.LearnedInitialState)
