"""Parameters counted by formula, against modules that exist."""

import pytest

from cell_catalogue import LAYERS, Make
from gatecast import nn
from gatecast.cells import GRUEquations, LSTMEquations, count_parameters, equations_of
from gatecast.errors import OptionError


@pytest.mark.parametrize("make", LAYERS, ids=str)
@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_the_formula_counts_what_a_layer_holds(make: Make, num_layers: int, *, bidirectional: bool, bias: bool) -> None:
    layer = make(5, 7, num_layers, bidirectional=bidirectional, bias=bias)
    counted = count_parameters(equations_of(layer), 5, 7, num_layers, bidirectional=bidirectional, bias=bias)
    assert counted == sum(weight.numel() for weight in layer.parameters())


def test_a_projection_is_counted() -> None:
    layer = nn.LSTM(5, 7, 2, proj_size=3, bidirectional=True)
    counted = count_parameters(LSTMEquations(3), 5, 7, 2, bidirectional=True)
    assert counted == sum(weight.numel() for weight in layer.parameters())


@pytest.mark.parametrize(("i", "h", "layers"), [(10, 64, 2), (1, 32, 1), (8, 8, 3)])
def test_the_gru_formula_of_the_docs_holds_and_that_of_tutorials_does_not(i: int, h: int, layers: int) -> None:
    said = 3 * h * (i + h) + 6 * h + (layers - 1) * (3 * h * (2 * h) + 6 * h)
    tutorial = layers * 3 * h * (i + h)
    assert count_parameters(GRUEquations(), i, h, layers) == said
    assert tutorial < said


def test_the_number_in_the_docstring_is_right() -> None:
    assert count_parameters(GRUEquations(), 10, 64, 2) == 39_552
    assert count_parameters(GRUEquations(), 10, 64) == 14_592
    assert 2 * 3 * 64 * (10 + 64) == 28_416


def test_sizes_below_one_are_refused() -> None:
    with pytest.raises(OptionError, match="num_layers counts from 1 up, got 0"):
        count_parameters(GRUEquations(), 1, 1, 0)
