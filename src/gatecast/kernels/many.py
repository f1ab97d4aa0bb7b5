"""Several nets at once, as torch.vmap wants them: one operator, in which each net takes its own pass.

Each net packs its own weights, so there is no product to share.  But what goes around a pass in Python costs more than
the pass itself where nets are small, and here it is paid once for all of them.  The equations under torch.vmap, one
batched product for each step, were slower at every size measured (`benchmarks/many.py`).
"""

from typing import Any

import torch
from torch import Tensor

from gatecast.kernels.calling import Pass, backward, fill, saved_size
from gatecast.kernels.operators import gradients_of, hidden_of, job_of, recurrence
from gatecast.kernels.packing import pack_size, pack_weights
from gatecast.kernels.registry import EQUATIONS, Kernel
from gatecast.kernels.spare import room

Tensors = list[Tensor]


@torch.library.custom_op("gatecast::recurrences", mutates_args=(), device_types="cpu")
def recurrences(x: Tensor, states: Tensors, weights: Tensors, kernel: str, reverse: bool, keep: bool) -> Tensors:  # noqa: FBT001 - an operator has no keywords
    """As `recurrence` for each of K nets: every tensor has a first dimension of K, and so has every one returned."""
    (nets, steps, batch, features), run = x.shape, Kernel(kernel, EQUATIONS[kernel])
    hidden = hidden_of(run, _of(weights, 0))
    out, last = room(nets, steps, batch, hidden), [torch.empty(nets, batch, hidden) for _ in run.equations.states]
    saved = room(nets, steps * batch * saved_size(run, features, hidden) if keep else 0)
    packs: Tensors = []
    for k in range(nets):
        job = job_of(x[k], _of(states, k), _of(weights, k), kernel, reverse)
        packs.append(pack_weights(run, job.weights, hidden, keep=keep))
        fill(job, Pass(out[k], tuple(_of(last, k)), saved[k], packs[k]))
    return [out, *last, saved, torch.stack(packs)]


@recurrences.register_fake
def _shapes(x: Tensor, states: Tensors, weights: Tensors, kernel: str, reverse: bool, keep: bool) -> Tensors:  # noqa: FBT001
    del states, reverse
    (nets, steps, batch, _), run = x.shape, Kernel(kernel, EQUATIONS[kernel])
    features, hidden = int(weights[0].shape[2]), hidden_of(run, _of(weights, 0))
    last = [x.new_empty(nets, batch, hidden) for _ in run.equations.states]
    saved = x.new_empty(nets, steps * batch * saved_size(run, features, hidden) if keep else 0)
    packed = x.new_empty(nets, pack_size(run, features, hidden, keep=keep))
    return [x.new_empty(nets, steps, batch, hidden), *last, saved, packed]


@torch.library.custom_op("gatecast::recurrences_backward", mutates_args=(), device_types="cpu")
def recurrences_backward(  # noqa: PLR0913, PLR0917
    grads: Tensors,
    x: Tensor,
    states: Tensors,
    weights: Tensors,
    done: Tensors,
    kernel: str,
    reverse: bool,  # noqa: FBT001
    to_x: bool,  # noqa: FBT001
) -> Tensors:
    """The gradients to x, the states and the weights of each net; arguments as for `recurrence_backward`.

    Without `to_x` that to x is empty: what a first layer reads is data, and needs none.
    """
    found: list[Tensors] = []
    for k in range(len(x)):
        job = job_of(x[k], _of(states, k), _of(weights, k), kernel, reverse)
        out, *_, saved, pack = _of(done, k)
        wanted = (to_x, *gradients_of(job)[1:])
        parts = backward(job, Pass(out, (), saved, pack), tuple(_of(grads, k)), wanted)
        found.append([part for part in parts if part is not None])
    rows = [torch.stack(parts) for parts in zip(*found, strict=True)]
    return rows if to_x else [x.new_empty(0), *rows]


@recurrences_backward.register_fake
def _shapes_of_gradients(  # noqa: PLR0913, PLR0917
    grads: Tensors,
    x: Tensor,
    states: Tensors,
    weights: Tensors,
    done: Tensors,
    kernel: str,
    reverse: bool,  # noqa: FBT001
    to_x: bool,  # noqa: FBT001
) -> Tensors:
    del grads, done, kernel, reverse
    return [torch.empty(x.shape if to_x else 0), *(torch.empty(each.shape) for each in (*states, *weights))]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Tensors) -> None:  # noqa: ANN401 - torch's own context
    x, states, weights, ctx.kernel, ctx.reverse, _ = inputs
    ctx.sizes = (len(states), len(weights))
    ctx.set_materialize_grads(False)  # none is wanted of what is kept for the way back, which is large
    ctx.save_for_backward(x, *states, *weights, *output)


def _gradients(ctx: Any, grads: list[Tensor | None]) -> tuple[Any, ...]:  # noqa: ANN401 - torch's own context
    x, *others = ctx.saved_tensors
    states, weights = ctx.sizes
    parts = (others[:states], others[states : states + weights], others[states + weights :])
    to_x = bool(ctx.needs_input_grad[0])
    given = [torch.zeros_like(out) if grad is None else grad for grad, out in zip(grads[:-2], parts[2], strict=False)]
    found = recurrences_backward(given, x, *parts, ctx.kernel, ctx.reverse, to_x)
    return found[0] if to_x else None, found[1 : 1 + states], found[1 + states :], None, None, None


recurrences.register_autograd(_gradients, setup_context=_remember)


@recurrence.register_vmap
def _one_by_one(info: Any, in_dims: tuple[Any, ...], *arguments: Any) -> tuple[Tensors, list[int]]:  # noqa: ANN401 - torch's own
    """Several models, or several batches of one."""
    outputs = _run([_in_front(*pair, info.batch_size) for pair in zip(arguments, in_dims, strict=True)])
    return outputs, [0] * len(outputs)


@recurrences.register_vmap
def _all_of_both(info: Any, in_dims: tuple[Any, ...], *arguments: Any) -> tuple[Tensors, list[int]]:  # noqa: ANN401 - torch's own
    """torch.vmap inside torch.vmap: the nets of both, one after another."""
    outputs = _run([_flat(_in_front(*pair, info.batch_size)) for pair in zip(arguments, in_dims, strict=True)])
    return [part.unflatten(0, (info.batch_size, -1)) for part in outputs], [0] * len(outputs)


def _in_front(given: Any, dims: Any, size: int) -> Any:  # noqa: ANN401
    """Tensors with the mapped dimension in front, where one that all share is seen `size` times; the rest as it is."""
    if isinstance(given, list):
        return [_in_front(*pair, size) for pair in zip(given, dims, strict=True)]
    if not isinstance(given, Tensor):
        return given
    return given.expand(size, *given.shape) if dims is None else given.movedim(dims, 0)


def _flat(given: Any) -> Any:  # noqa: ANN401
    """Tensors with the nets of both dimensions in one; the rest as it is."""
    if isinstance(given, list):
        return [_flat(part) for part in given]
    return given.flatten(0, 1) if isinstance(given, Tensor) else given


def _run(arguments: list[Any]) -> Tensors:
    """Inside vmap a tensor does not say that its gradient is wanted, but here, outside of it, it does."""
    x, states, weights, kernel, reverse, keep = arguments
    wanted = torch.is_grad_enabled() and any(part.requires_grad for part in (x, *states, *weights))
    return recurrences(x, states, weights, kernel, reverse, keep or wanted)


def _of(tensors: Tensors, k: int) -> Tensors:
    return [each[k] for each in tensors]
