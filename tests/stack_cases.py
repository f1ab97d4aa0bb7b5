"""Recurrent stacks with options, and the same computed by plain loops over one-step cells."""

from typing import Any

import torch
from torch import Tensor

from cell_catalogue import LAYERS, as_tuple
from gatecast import nn
from gatecast.cells import CELL_TYPES, Cell
from gatecast.nn.config import WITHOUT_MATRIX
from gatecast.nn.plain import LAYERS as LAYERS_BY_NAME

NAMES = {kind: name for name, kind in LAYERS_BY_NAME.items()}
# Every layer that is exported, with each of its choices.
CONFIGS = {str(make): {"cell": NAMES[make.kind], **make.choice} for make in LAYERS}
DEPTH = 3
OPTIONS: dict[str, dict[str, Any]] = {
    "residual": {"residual": True},
    "dilations": {"dilations": (1, 2, 4)},
    "layer_norm": {"layer_norm": True},
    "variational_dropout": {"variational_dropout": 0.4},
    "weight_dropout": {"weight_dropout": 0.4},
    "zoneout": {"zoneout": 0.3},
    "all of them": {
        "residual": True,
        "dilations": (3, 1, 2),
        "layer_norm": True,
        "dropout": 0.2,
        "variational_dropout": 0.2,
        "zoneout": 0.2,
    },
}
STILL = {name: OPTIONS[name] for name in ("residual", "dilations", "layer_norm")} | {
    "these three": {"residual": True, "dilations": (2, 1, 5), "layer_norm": True}
}
CASES = [
    (kind, option)
    for kind, config in CONFIGS.items()
    for option in OPTIONS
    if option != "weight_dropout" or config["cell"] not in WITHOUT_MATRIX
]


def build(kind: str, options: dict[str, Any], *, features: int = 3, hidden: int = 5, **more: Any) -> nn.RecurrentStack:
    """A stack in float64, all of whose weights count."""
    torch.manual_seed(5)
    config = nn.LayerConfig(**CONFIGS[kind], hidden_size=hidden, num_layers=DEPTH, **options, **more)
    stack = nn.RecurrentStack(config, features).double()
    for weight in stack.norms.parameters():
        torch.nn.init.normal_(weight)
    return stack.eval()


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def cell_of(stack: nn.RecurrentStack, number: int, direction: str = "") -> Cell:
    """The one-step cell with the weights of a layer."""
    layer = stack.layer(number)
    choice = {name: getattr(layer, name) for name in ("nonlinearity", "reset_after") if name in vars(layer)}
    if stack.config.cell == "indrnn":
        choice = {"nonlinearity": layer.equations.nonlinearity}
    cell = CELL_TYPES[stack.config.cell](layer.input_size, layer.hidden_size, **choice).double()
    ending = f"_l0{direction}"
    weights = {name: weight for name, weight in layer.state_dict().items() if name.endswith(ending)}
    cell.load_state_dict({name.removesuffix(ending): weight for name, weight in weights.items()})
    return cell


def slowly(stack: nn.RecurrentStack, x: Tensor) -> tuple[list[Tensor], list[list[Any]]]:
    """The output at each step, and the states of each layer at each step, by loops over time in evaluation mode."""
    below, states = list(x.unbind(1)), []
    for number, skip in enumerate(stack.config.skips):
        read = below if number == 0 else [normed(stack, number - 1, each) for each in below]
        said, own = one_layer(cell_of(stack, number), read, skip)
        if stack.config.bidirectional:
            back, _ = one_layer(cell_of(stack, number, "_reverse"), read[::-1], skip)
            said = [torch.cat(pair, dim=-1) for pair in zip(said, back[::-1], strict=True)]
        if stack.config.residual and number:
            said = [own_part + given for own_part, given in zip(said, below, strict=True)]
        below = said
        states.append(own)
    return [normed(stack, DEPTH - 1, each) for each in below], states


def one_layer(cell: Cell, read: list[Tensor], skip: int) -> tuple[list[Tensor], list[Any]]:
    """h and all states at each step, of a layer whose state lies `skip` steps back."""
    states: list[Any] = []
    for time, step in enumerate(read):
        states.append(cell(step, states[time - skip] if time >= skip else None))
    return [as_tuple(state)[0] for state in states], states


def normed(stack: nn.RecurrentStack, number: int, value: Tensor) -> Tensor:
    """What a layer hands up, normalised if the stack does so."""
    if not stack.config.layer_norm:
        return value
    centred = value - value.mean(dim=-1, keepdim=True)
    spread = (centred.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt()
    return centred / spread * stack.norms[number].weight + stack.norms[number].bias


def random_cuts(steps: int) -> list[int]:
    """Where to cut so many steps: up to nine places."""
    return torch.randint(1, steps, (int(torch.randint(1, 10, ())),)).unique().tolist()


def in_pieces(stack: Any, x: Tensor, cuts: list[int]) -> tuple[Tensor, Any]:
    """The output of one call after another, each with the state of the one before, and the last state."""
    state, outputs = None, []
    for piece in x.tensor_split(cuts, dim=1):
        output, state = stack(piece, state)
        outputs.append(output)
    return torch.cat(outputs, dim=1), state
