"""Which road a call takes: a kernel, or another and why; `explaining.py` tells it.

The order is kernel, else torch's own implementation where its equations are the layer's, else the reference cell.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from gatecast.cells import equations_of
from gatecast.cells.equations import States
from gatecast.kernels import Kernel, is_watched, kernel_for
from gatecast.nn.sequences import Given
from gatecast.nn.stacking import Layer, run_stack, state_shapes


def kernel_of_call(layer: Layer, x: Given, state: Tensor | States | None) -> Kernel | str:
    """The kernel that takes this call, or the reason why none does.

    A call that is wrong in its shapes or types is not theirs: the road behind them says what is wrong.
    """
    kernel = kernel_for(equations_of(layer), _data(x).device, torch.float32 if is_cast(x) else _data(x).dtype)
    if not isinstance(kernel, Kernel):
        return kernel
    if not torch.compiler.is_compiling() and _is_recorded():
        return "the call is being traced or differentiated by torch.jit or torch.func"
    if not isinstance(x, Tensor) and is_watched():
        return "packed sequences are no operator of torch, which torch.compile and torch.vmap want to see"
    return kernel if _fits(layer, x, state) else "the input, the state or the weights are not what the kernels take"


def _is_recorded() -> bool:
    """Whether torch.jit records the call, or a transform of torch.func other than vmap looks on."""
    if torch._C._get_tracing_state() is not None:  # noqa: SLF001 - there is no public question
        return True
    return any(level.key() != _VMAP for level in _levels())


def _levels() -> Iterable[Any]:
    """The transforms of torch.func that look on."""
    return torch._C._functorch.get_interpreter_stack() or ()  # noqa: SLF001


def run_by_kernel(layer: Layer, x: Given, state: Tensor | States | None) -> tuple[Given, Tensor | States] | None:
    """A layer's output and state if a kernel takes the call, else None."""
    if is_cast(x):
        return _run_under_autocast(layer, x, state)
    kernel = kernel_of_call(layer, x, state)
    if not isinstance(kernel, Kernel):
        return None
    output, after, *_ = run_stack(layer, x, state, by=kernel)
    return output, after


def run_by_cell(layer: Layer, x: Given, state: Tensor | States | None) -> tuple[Given, Tensor | States] | None:
    """A layer's output and state under torch.vmap, which has no rule for torch's own implementation; else None."""
    if torch.compiler.is_compiling() or not any(level.key() == _VMAP for level in _levels()):
        return None
    output, after, *_ = run_stack(layer, x, state)
    return output, after


def is_cast(x: Given) -> bool:
    """Whether autocast would have torch compute in another type."""
    if not torch.is_autocast_enabled("cpu"):
        return False
    data = _data(x)
    return data.is_cpu and data.dtype in (torch.float32, torch.get_autocast_dtype("cpu"))


def uncast(x: Given, state: Tensor | States | None) -> tuple[Given, Tensor | States | None]:
    """The input and the state in float32, if autocast is on."""
    if not is_cast(x):
        return x, state
    if state is None or isinstance(state, Tensor):
        return x.float(), state if state is None else state.float()
    return x.float(), tuple(each.float() for each in state)


def _run_under_autocast(layer: Layer, x: Given, state: Tensor | States | None) -> tuple[Given, Tensor | States] | None:
    """In float32, because half the numbers' size saves a kernel nothing; handed out in the types of torch.nn."""
    dtype = _data(x).dtype if isinstance(layer, nn.GRU) else torch.get_autocast_dtype("cpu")
    given = uncast(x, state)
    with torch.autocast("cpu", enabled=False):
        done = run_by_kernel(layer, *given)
    if done is None:
        return None
    output, after = done
    return output.to(dtype), after.to(dtype) if isinstance(after, Tensor) else tuple(each.to(dtype) for each in after)


def _fits(layer: Layer, x: Given, state: Tensor | States | None) -> bool:
    """Whether shapes and types are right for the layer, all is float32 on the CPU, and there is something to do."""
    given = _data(x)
    dimensions = (2, 3) if isinstance(x, Tensor) else (2,)
    if given.dim() not in dimensions or given.shape[-1] != layer.input_size or 0 in given.shape or not _plain(given):
        return False
    if state is not None:
        states = (state,) if isinstance(state, Tensor) else tuple(state)
        if [each.shape for each in states] != state_shapes(layer, x) or not all(map(_plain, states)):
            return False
    return all(each.dtype is torch.float32 and each.is_cpu for each in _parameters(layer))


def _data(x: Given) -> Tensor:
    return x if isinstance(x, Tensor) else x.data


def _parameters(layer: Layer) -> Iterable[Tensor]:
    """All parameters; those of the layer itself, which are all but for parametrized ones, by the shortest way."""
    if layer._modules:  # noqa: SLF001 - torch.nn's own dictionary
        return layer.parameters()
    return (each for each in layer._parameters.values() if each is not None)  # noqa: SLF001


def _plain(tensor: Tensor) -> bool:
    """Whether there are float32 numbers in memory, and not something that only behaves so."""
    real = type(tensor) in _PLAIN or torch.compiler.is_compiling()
    return tensor.dtype is torch.float32 and tensor.is_cpu and real


_PLAIN = (Tensor, nn.Parameter)
_VMAP = torch._C._functorch.TransformType.Vmap  # noqa: SLF001
