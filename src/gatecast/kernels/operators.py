"""The kernels as operators of torch: what torch.compile, torch.export and torch.vmap see is one call, not its inside.

Called eagerly, a kernel goes the shorter way of `function.py`; both end in the same compiled code.
"""

from typing import Any

import torch
from torch import Tensor

from gatecast.cells.equations import WEIGHT_NAMES, States, Weights
from gatecast.cells.unrolling import Unrolled
from gatecast.kernels.calling import Pass, backward, forward, saved_size
from gatecast.kernels.checking import check_tensor, check_weights
from gatecast.kernels.job import Job
from gatecast.kernels.packing import pack_size
from gatecast.kernels.registry import EQUATIONS, Kernel

Tensors = list[Tensor]


def call_operator(kernel: Kernel, weights: Weights, x: Tensor, states: States, *, reverse: bool) -> Unrolled:
    """As `run_kernel`, by the operator."""
    names = kernel.equations.shapes(1, 1)
    named = zip(WEIGHT_NAMES, weights, strict=True)
    given = [weight for name, weight in named if weight is not None and name in names]
    keep = torch.is_grad_enabled() and any(part.requires_grad for part in (x, *states, *given))
    out, *last = recurrence(x, list(states), given, kernel.name, reverse, keep)[:-2]
    return Unrolled(out, tuple(last), {})


@torch.library.custom_op("gatecast::recurrence", mutates_args=(), device_types="cpu")
def recurrence(x: Tensor, states: Tensors, weights: Tensors, kernel: str, reverse: bool, keep: bool) -> Tensors:  # noqa: FBT001 - an operator has no keywords
    """A pass over a sequence.

    Args:
        x: the inputs, (T, B, I), float32 on the CPU as everything here.
        states: before the first step, each (B, H); none of them for zeros.
        weights: those that the cell has of W, U, b and c.
        kernel: its name.
        reverse: whether to run from the newest step to the oldest.
        keep: whether a backward pass may follow.

    Returns:
        The output, (T, B, H); the states after the last step; and two that the backward pass needs.
    """
    done = forward(job_of(x, states, weights, kernel, reverse), keep=keep)
    return [done.out, *done.last, done.saved, done.pack]


@recurrence.register_fake
def _shapes(x: Tensor, states: Tensors, weights: Tensors, kernel: str, reverse: bool, keep: bool) -> Tensors:  # noqa: FBT001
    del states, reverse
    (steps, batch, _), run = x.shape, Kernel(kernel, EQUATIONS[kernel])
    # The sizes of a model are fixed, while the steps and the batch may vary.
    features, hidden = int(weights[0].shape[1]), hidden_of(run, weights)
    last = [x.new_empty(batch, hidden) for _ in run.equations.states]
    saved = x.new_empty(steps * batch * saved_size(run, features, hidden) if keep else 0)
    packed = x.new_empty(pack_size(run, features, hidden, keep=keep))
    return [x.new_empty(steps, batch, hidden), *last, saved, packed]


@torch.library.custom_op("gatecast::recurrence_backward", mutates_args=(), device_types="cpu")
def recurrence_backward(  # noqa: PLR0913, PLR0917
    grads: Tensors,
    x: Tensor,
    states: Tensors,
    weights: Tensors,
    done: Tensors,
    kernel: str,
    reverse: bool,  # noqa: FBT001
) -> Tensors:
    """The gradients to x, the states and the weights, in the order of `recurrence`.

    Args:
        grads: of the output and of the last states.
        x: as for `recurrence`, and so `states`, `weights`, `kernel` and `reverse`.
        states: before the first step.
        weights: of the cell.
        done: what `recurrence` returned.
        kernel: its name.
        reverse: whether the newest step came first.
    """
    job = job_of(x, states, weights, kernel, reverse)
    out, *_, saved, pack = done
    if saved.numel() < x.shape[0] * x.shape[1] * saved_size(run := job.kernel, x.shape[2], out.shape[2]):
        raise ValueError(f"{run.name} kept nothing for a backward pass: call gatecast::recurrence with keep=True.")
    found = backward(job, Pass(out, (), saved, pack), tuple(grads), gradients_of(job))
    return [each for each in found if each is not None]


def gradients_of(job: Job) -> tuple[bool, ...]:
    """Which gradients there are: to x, to each state that is given, and to the weights that the cell has."""
    has = (weight is not None and weight.numel() > 0 for weight in job.weights[:4])
    return (True, *(state is not None for state in job.states), *has)


@recurrence_backward.register_fake
def _shapes_of_gradients(  # noqa: PLR0913, PLR0917
    grads: Tensors,
    x: Tensor,
    states: Tensors,
    weights: Tensors,
    done: Tensors,
    kernel: str,
    reverse: bool,  # noqa: FBT001
) -> Tensors:
    del grads, done, kernel, reverse
    return [torch.empty(each.shape) for each in (x, *states, *weights)]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Tensors) -> None:  # noqa: ANN401 - torch's own context
    x, states, weights, ctx.kernel, ctx.reverse, _ = inputs
    ctx.sizes = (len(states), len(weights))
    ctx.save_for_backward(x, *states, *weights, *output)


def _gradients(ctx: Any, grads: Tensors) -> tuple[Any, ...]:  # noqa: ANN401 - torch's own context
    x, *others = ctx.saved_tensors
    states, weights = ctx.sizes
    parts = (others[:states], others[states : states + weights], others[states + weights :])
    found = recurrence_backward(list(grads[:-2]), x, *parts, ctx.kernel, ctx.reverse)
    return found[0], found[1 : 1 + states], found[1 + states :], None, None, None


recurrence.register_autograd(_gradients, setup_context=_remember)


def hidden_of(kernel: Kernel, weights: Tensors) -> int:
    """Units of the state."""
    return int(weights[0].shape[0]) // len(kernel.equations.blocks)


def _held(kernel: Kernel, weights: Tensors) -> Weights:
    """The weights by their letters: those the cell has, without biases if there are fewer."""
    names = [name for name in kernel.equations.shapes(1, 1) if name in WEIGHT_NAMES]
    letters = dict(zip(WEIGHT_NAMES, Weights._fields, strict=True))
    return Weights(**{letters[name]: weight for name, weight in zip(names, weights, strict=False)})


def job_of(x: Tensor, states: Tensors, weights: Tensors, kernel: str, reverse: bool) -> Job:  # noqa: FBT001
    """The call, checked: an operator can be called by anyone."""
    if kernel not in EQUATIONS:
        raise ValueError(f"{kernel} is no kernel; there are {', '.join(EQUATIONS)}.")
    run = Kernel(kernel, EQUATIONS[kernel])
    names, held = run.equations.states, _held(run, weights)
    if len(states) not in (0, len(names)):
        raise ValueError(f"{kernel} has {len(names)} states, got {len(states)}.")
    check_tensor("x", x, (*x.shape[:2], held.W.shape[-1]))
    check_weights(run.equations, held, x.shape[-1], hidden_of(run, weights))
    for name, state in zip(names, states, strict=False):
        check_tensor(name, state, (x.shape[1], hidden_of(run, weights)))
    first = tuple(each if each.stride(-1) == 1 else each.contiguous() for each in states)
    return Job(run, x, first or (None,) * len(names), held, reverse)
