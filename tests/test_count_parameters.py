"""Parameters counted by formula, against modules that exist."""

import re
from pathlib import Path
from typing import Any

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


TABLE = {
    "Elman": nn.RNN,
    "LSTM": nn.LSTM,
    "GRU, both forms": nn.GRU,
    "minGRU": nn.MinGRU,
    "minLSTM": nn.MinLSTM,
    "IndRNN": nn.IndRNN,
    "sLSTM": nn.SLSTM,
    "GRU-D": nn.GRUD,
}


def formulas() -> dict[str, tuple[str, str]]:
    """The table of docs/cells.md, as Python: `4h(i + h)` is `4*h*(i + h)`."""
    page = Path(__file__).parents[1].joinpath("docs/cells.md").read_text(encoding="utf-8")
    rows = page.split("| cell | first layer | each layer above |")[1].split("\n\n")[0].splitlines()[2:]
    parts = [[part.strip() for part in row.strip("|").split("|")] for row in rows]
    return {name: (multiplied(first), multiplied(above)) for name, first, above in parts}


def multiplied(formula: str) -> str:
    return re.sub(r"(?<=[0-9a-z)])(?=[a-z(])", "*", formula)


@pytest.mark.parametrize(("name", "kind"), [*TABLE.items(), ("LSTM, projected to p", nn.LSTM)])
def test_the_formulas_of_the_docs_count_what_a_layer_holds(name: str, kind: Any) -> None:
    projection = {"proj_size": 3} if "projected" in name else {}
    layer = kind(5, 7, 3, **projection)
    first, above = (eval(formula, {"i": 5, "h": 7, "p": 3}) for formula in formulas()[name])  # noqa: S307
    assert sum(weight.numel() for weight in layer.parameters()) == first + 2 * above
