"""Calls into the library: tensors in, tensors out; autograd is the business of `function.py`."""

from ctypes import byref, c_int64, c_void_p
from typing import NamedTuple

import torch
from torch import Tensor

from gatecast.cells.equations import States
from gatecast.kernels.job import Job
from gatecast.kernels.packing import function_of, pack_weights, pointer
from gatecast.kernels.registry import Kernel
from gatecast.kernels.spare import room
from gatecast.kernels.structs import Gradients


class Pass(NamedTuple):
    """What a forward pass leaves.

    Attributes:
        out: h after every step, (T, B, H) or (N, H), in the order of the input's time.
        last: the states after the last step, each (B, H).
        saved: what the backward pass wants of every step; empty if it was not asked for.
        pack: the weights in the order of the inner loops.
    """

    out: Tensor
    last: States
    saved: Tensor
    pack: Tensor


def forward(job: Job, *, keep: bool) -> Pass:
    """Run the kernel; `keep` what `backward` needs."""
    kernel, hidden, features = job.kernel, job.hidden, job.x.shape[-1]
    out = room(*job.x.shape[:-1], hidden)
    last = tuple(torch.empty(job.batch, hidden) for _ in job.states)
    saved = room(job.x.numel() // features * saved_size(kernel, features, hidden) if keep else 0)
    done = Pass(out, last, saved, pack_weights(kernel, job.weights, hidden, keep=keep))
    fill(job, done)
    return done


def fill(job: Job, done: Pass) -> None:
    """Run the kernel into tensors that are there already, each without gaps; `saved` is kept if it has a size."""
    sequence = job.sequence(done.out)
    sequence.saved = pointer(done.saved)
    for k, state in enumerate(done.last):
        sequence.last[k] = state.data_ptr()
    function_of(job.kernel, "forward")(byref(sequence), c_void_p(done.pack.data_ptr()))


def saved_size(kernel: Kernel, features: int, hidden: int) -> int:
    """How many floats of each row and step a forward pass leaves for the backward pass."""
    return int(function_of(kernel, "saved_size")(c_int64(features), c_int64(hidden)))


def backward(job: Job, done: Pass, grads: tuple[Tensor | None, ...], wanted: tuple[bool, ...]) -> list[Tensor | None]:
    """The gradients to x, the states, W, U, b and c, as far as they are wanted.

    Args:
        job: what the forward pass read.
        done: what it left, with `saved`.
        grads: the gradients of the output and of the last states; None for zeros.
        wanted: for x, each state, W, U, b and c in turn.
    """
    sequence, gradients = job.sequence(done.out), Gradients()
    sequence.saved = pointer(done.saved)
    out = None if grads[0] is None else _by_rows(grads[0])
    if out is not None:
        gradients.out, gradients.out_step = job.walk(out)
        gradients.out_row = out.stride(-2)
    last = [None if grad is None else grad.contiguous() for grad in grads[1:]]
    for k, grad in enumerate(last):
        gradients.last[k] = pointer(grad)
    found = _space_for(job, wanted)
    count = len(job.states)
    if found[0] is not None:
        gradients.x, gradients.x_step = job.walk(found[0])
    for k, state in enumerate(found[1 : 1 + count]):
        gradients.first[k] = pointer(state)
    gradients.W, gradients.U, gradients.b, gradients.c = map(pointer, found[1 + count :])
    function_of(job.kernel, "backward")(byref(sequence), byref(gradients), c_void_p(done.pack.data_ptr()))
    return found


def _by_rows(grad: Tensor) -> Tensor:
    """The gradient with the units of a row next to each other; steps and rows may lie anywhere, or be one."""
    if grad.stride(-1) == 1:
        return grad
    if not any(grad.stride()):  # one number everywhere, as a sum hands it back
        return grad[(0,) * (grad.dim() - 1)].contiguous().expand_as(grad)
    return room(*grad.shape).copy_(grad)


def _space_for(job: Job, wanted: tuple[bool, ...]) -> list[Tensor | None]:
    """Tensors for the gradients that are wanted."""
    x, weights = job.x, job.weights
    parts = (x, *job.states, weights.W, weights.U, weights.b, weights.c)
    return [room(*like.shape) if want and like is not None else None for like, want in zip(parts, wanted, strict=True)]
