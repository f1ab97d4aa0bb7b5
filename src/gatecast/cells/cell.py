"""One step as a module: a cell owns weights, and turns an input and a state into the next state."""

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gatecast.cells.equations import NOTHING, WEIGHT_NAMES, Equations, Gates, States, Weights
from gatecast.errors import OptionError


class Cell(nn.Module):
    """One step in time: `state = cell(x, state)`; the state is a value that goes in and comes out.

    As in torch.nn, the state of a cell with one state (h) is a tensor and that of a cell with several is a tuple that
    starts with h: (h, c) for the LSTM.  Shapes: x is (B, I) or (I,), each state (B, H) or (H,).  Without a state the
    cell starts from zeros.  Weights have torch.nn's names and are drawn in its order from U(-1/sqrt(H), 1/sqrt(H)).

    Args:
        equations: what is computed.
        input_size: features of x.
        hidden_size: units of the state.
        bias: whether the gates have biases.
        device: where the weights lie.
        dtype: of the weights; inputs must have the same.

    Raises:
        OptionError: a size is below 1.
        ValueError: x or a state has another size, or another number of dimensions.
    """

    def __init__(
        self,
        equations: Equations,
        input_size: int,
        hidden_size: int,
        *,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.equations, self.input_size, self.hidden_size, self.bias = equations, input_size, hidden_size, bias
        register_weights(
            self, equations, (input_size, hidden_size), bias=bias, placed={"device": device, "dtype": dtype}
        )
        draw_weights(self, equations, hidden_size)

    @property
    def weights(self) -> Weights:
        """The weights by the letters of the equations."""
        return weights_of(self)

    def forward(self, x: Float[Tensor, "*batch features"], state: Tensor | States | None = None) -> Tensor | States:
        """The state after one step."""
        states, _ = take_step(self, self.equations, x, state)
        return pack_states(states)

    def gates(self, x: Float[Tensor, "*batch features"], state: Tensor | States | None = None) -> Gates:
        """The gates of one step, by their letters, each (B, H)."""
        return take_step(self, self.equations, x, state)[1]

    def extra_repr(self) -> str:
        """Sizes and equations, as they stand in a printed module."""
        bias = "" if self.bias else ", bias=False"
        return f"{self.input_size}, {self.hidden_size}{bias}, {self.equations}"


class PlainCell(Cell):
    """A cell whose equations leave nothing to choose: a subclass names them as its `kind`."""

    kind: ClassVar[type[Equations]]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,  # noqa: FBT001, FBT002 - torch.nn's order
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(self.kind(), input_size, hidden_size, bias=bias, device=device, dtype=dtype)


def take_step(
    cell: Cell | nn.RNNCellBase, equations: Equations, x: Tensor, state: Tensor | States | None
) -> tuple[States, Gates]:
    """The states after one step and the gates that made them, of a cell, ours or torch.nn's, by its equations.

    Args:
        cell: whose sizes and weights are taken.
        equations: of the cell.
        x: (B, I) or (I,).
        state: to start from, each (B, H) or (H,); zeros if None.

    Raises:
        ValueError: x or a state has another size, or another number of dimensions.
    """
    if x.dim() not in (1, 2) or x.shape[-1] != cell.input_size:
        raise ValueError(
            f"x is (batch, {cell.input_size}) or ({cell.input_size},), got {tuple(x.shape)}. "
            f"A cell takes one step; for a sequence use a layer of gatecast.nn."
        )
    shapes = [(*x.shape[:-1], size) for size in equations.state_sizes(cell.hidden_size)]
    states = unpack_states(state, x, shapes)
    weights = weights_of(cell)
    return equations.step(equations.project(x, weights), states, weights)


def register_weights(
    module: nn.Module,
    equations: Equations,
    sizes: tuple[int, int],
    *,
    bias: bool,
    placed: dict[str, Any],
    suffix: str = "",
) -> None:
    """Give a module the parameters of one cell, undrawn; `suffix` tells layers apart (`_l0`, `_l0_reverse`)."""
    for name, shape in equations.shapes(*sizes).items():
        if bias or not name.startswith("bias"):
            module.register_parameter(name + suffix, nn.Parameter(torch.empty(shape, **placed)))


@torch.no_grad()
def draw_weights(module: nn.Module, equations: Equations, hidden_size: int) -> None:
    """Draw every weight of a cell or a stack anew, in the order in which they are registered."""
    for name, weight in module.named_parameters(recurse=False):
        nn.init.uniform_(weight, *equations.bounds(name.split("_l")[0], hidden_size))


def weights_of(module: nn.Module, suffix: str = "") -> Weights:
    """The weights of one cell of a module, by the letters of the equations; also of torch.nn's own modules."""
    given = [_weight(module, name + suffix) for name in WEIGHT_NAMES]
    return Weights(*given) if given[1] is not None else Weights(given[0], NOTHING, *given[2:])


def _weight(module: nn.Module, name: str) -> Any:  # noqa: ANN401 - None where there is none, which only b, c and P may be
    """A parameter, or what stands in its place (parametrize, weight_norm); asked in the order of what costs least.

    `getattr` for a name that a module does not have is a hundred times slower than these questions.
    """
    weight = module._parameters.get(name)  # noqa: SLF001 - torch.nn's own dictionary
    if weight is None and (name in module.__dict__ or hasattr(type(module), name)):
        weight = getattr(module, name)
    return weight


def pack_states(states: States) -> Tensor | States:
    """States as torch.nn hands them out: a lone tensor, or a tuple."""
    return states[0] if len(states) == 1 else states


def unpack_states(state: Tensor | States | None, x: Tensor, shapes: list[tuple[int, ...]]) -> States:
    """States as a tuple, zeros where there are none.

    Raises:
        ValueError: their number or a shape is wrong.
    """
    if state is None:
        return tuple(x.new_zeros(shape) for shape in shapes)
    states = (state,) if isinstance(state, Tensor) else tuple(state)
    got = [tuple(each.shape) for each in states]
    if got != shapes:
        raise ValueError(f"the state has the shape {_shown(shapes)} here, got {_shown(got)}.")
    return states


def _shown(shapes: list[tuple[int, ...]]) -> str:
    return " and ".join(map(str, shapes))


def check_sizes(**sizes: int) -> None:
    """Refuse sizes below 1 by their names."""
    for name, size in sizes.items():
        if size < 1:
            raise OptionError(f"{name} counts from 1 up, got {size}.")
