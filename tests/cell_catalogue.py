"""Every cell and layer that gatecast exports, found by looking, so that a new one is tested the day it is exported."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gatecast import cells, nn
from gatecast.cells import Cell
from gatecast.nn.stacking import Stack

# A layer for each kernel, by the kernel's name.
KINDS: dict[str, Any] = {
    "gru": nn.GRU,
    "gru_reset_before": lambda *sizes, **settings: nn.GRU(*sizes, reset_after=False, **settings),
    "lstm": nn.LSTM,
    "elman_tanh": nn.RNN,
    "elman_relu": lambda *sizes, **settings: nn.RNN(*sizes, nonlinearity="relu", **settings),
    "mingru": nn.MinGRU,
    "minlstm": nn.MinLSTM,
    "indrnn_tanh": lambda *sizes, **settings: nn.IndRNN(*sizes, nonlinearity="tanh", **settings),
    "indrnn_relu": nn.IndRNN,
}
CELL_CLASSES = [found for found in vars(cells).values() if isinstance(found, type) and issubclass(found, Cell)]
LAYER_CLASSES = [
    found for found in vars(nn).values() if isinstance(found, type) and issubclass(found, Stack | torch.nn.RNNBase)
]
DROP_IN_CLASSES = [
    found for found in vars(nn).values() if isinstance(found, type) and issubclass(found, torch.nn.RNNCellBase)
]
CHOICES: dict[str, list[dict[str, Any]]] = {
    "Elman": [{"nonlinearity": "tanh"}, {"nonlinearity": "relu"}],
    "RNN": [{"nonlinearity": "tanh"}, {"nonlinearity": "relu"}],
    "IndRNN": [{"nonlinearity": "tanh"}, {"nonlinearity": "relu"}],
    "GRU": [{"reset_after": True}, {"reset_after": False}],
}


@dataclass(frozen=True)
class Make:
    """A class with one of its choices; called, it gives a float64 module with weights far from zero."""

    kind: Callable[..., Any]
    choice: dict[str, Any] = field(default_factory=dict)

    def __call__(self, *sizes: int, **settings: Any) -> Any:
        torch.manual_seed(5)
        return self.kind(*sizes, **self.choice, **settings).double()

    def __str__(self) -> str:
        return "-".join([self.kind.__name__, *map(str, self.choice.values())])


def with_choices(classes: list[type]) -> list[Make]:
    """Every class with each of its choices."""
    return [Make(kind, choice) for kind in classes for choice in CHOICES.get(kind.__name__.removesuffix("Cell"), [{}])]


CELLS = with_choices([kind for kind in CELL_CLASSES if kind is not Cell])
LAYERS = with_choices(LAYER_CLASSES)
DROP_INS = with_choices(DROP_IN_CLASSES)


def as_tuple(state: Any) -> tuple[Tensor, ...]:
    """A state's tensors, whatever their number."""
    return (state,) if isinstance(state, Tensor) else tuple(state)


def some_state(module: Any, *lead: int) -> Any:
    """A state that the cell could be in: h within (-1, 1), a normaliser above 0."""
    sizes = module.equations.state_sizes(module.hidden_size) if hasattr(module, "equations") else None
    sizes = sizes or cells.equations_of(module).state_sizes(module.hidden_size)
    made = [torch.rand(*lead, size, dtype=torch.float64) * 0.8 + 0.1 for size in sizes]
    return made[0] if len(made) == 1 else tuple(made)
