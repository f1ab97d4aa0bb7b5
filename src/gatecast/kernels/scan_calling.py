"""Calls into the library for cells that go unit by unit (`csrc/scan.h`): tensors in, tensors out."""

from ctypes import addressof, byref, c_int64, c_void_p
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gatecast.cells.equations import WEIGHT_NAMES, Equations, Weights
from gatecast.kernels.calling import Job, Prepared
from gatecast.kernels.library import library
from gatecast.kernels.registry import Kernel
from gatecast.kernels.spare import room
from gatecast.kernels.structs import Gradients, RawWeights, Sequence

Gradient = Tensor | None
FEW_INPUTS = 32  # up to here W x + b is made once more sooner than it comes back from memory


class Pass(NamedTuple):
    """What a forward pass leaves.

    Attributes:
        out: h after every step, (T, B, H), in the order of the input's time.
        saved: W x + b of every step for the backward pass; empty if that makes it once more, or was not asked for.
        pack: the weights in the order of the inner loops.
    """

    out: Tensor
    saved: Tensor
    pack: Tensor


def forward(job: Job, hidden: int, *, keep: bool) -> Pass:
    """Run the kernel with so many units, from zeros where the job has no state; `keep` what `backward` needs."""
    steps, batch, features = job.x.shape
    pack, out = _pack(job.name, job.weights, hidden, keep=keep), room(steps, batch, hidden)
    kept = steps * batch * _function(job.name, "saved_size")(c_int64(hidden)) if features > FEW_INPUTS else 0
    saved = room(kept if keep else 0)
    sequence = job.sequence(out)
    sequence.saved = _pointer(saved)
    _function(job.name, "forward")(byref(sequence), c_void_p(pack.data_ptr()))
    return Pass(out, saved, pack)


def backward(job: Job, done: Pass, grads: tuple[Gradient, ...], wanted: tuple[bool, ...]) -> list[Gradient]:
    """The gradients to x, h, W, u and b, as far as they are wanted (None for the others).

    Args:
        job: what the forward pass read.
        done: what it left.
        grads: the gradients of the output and of the last state; None for zeros.
        wanted: for x, h, W, u and b in turn.
    """
    sequence, gradients = job.sequence(done.out), Gradients()
    sequence.saved = _pointer(done.saved)
    out = None if grads[0] is None else _by_rows(grads[0])
    if out is not None:
        gradients.out, gradients.out_step = job.walk(out)
        gradients.out_row = out.stride(1)
    last = None if grads[1] is None else grads[1].contiguous()
    gradients.last[0] = _pointer(last)
    parts = (job.x, *(job.states or (None,)), job.weights.W, job.weights.U, job.weights.b)
    found = [room(*part.shape) if want and part is not None else None for part, want in zip(parts, wanted, strict=True)]
    if found[0] is not None:
        gradients.x, gradients.x_step = job.walk(found[0])
    gradients.first[0], gradients.W, gradients.U, gradients.b = map(_pointer, found[1:])
    _function(job.name, "backward")(byref(sequence), byref(gradients), c_void_p(done.pack.data_ptr()))
    return found


def _by_rows(grad: Tensor) -> Tensor:
    """The gradient with the units of a row next to each other; steps and rows may lie anywhere, or be one."""
    if grad.stride(-1) == 1:
        return grad
    if not any(grad.stride()):  # one number everywhere, as a sum hands it back
        return grad[0, 0].contiguous().expand_as(grad)
    return room(*grad.shape).copy_(grad)


def prepare(kernel: Kernel, weights: Weights, batch: int) -> Prepared:
    """A step of one layer with its weights as they are now.

    Raises:
        ValueError: a weight does not fit the equations.
    """
    features, hidden = weights.W.shape[1], len(weights.W) // len(kernel.equations.blocks)
    check_weights(kernel.equations, weights, features, hidden)
    pack = _pack(kernel.name, weights, hidden, keep=False)
    sequence = Sequence(1, batch, features, hidden, 1)
    sequence.x_row, sequence.x_feature = features, 1
    sequence.out_row = sequence.first_row[0] = hidden
    return Prepared(_function(kernel.name, "step"), addressof(sequence), pack.data_ptr(), (sequence, pack))


def check_weights(equations: Equations, weights: Weights, features: int, hidden: int) -> None:
    """Refuse weights that do not fit: addresses go to compiled code, so nothing is taken on trust.

    Raises:
        ValueError: a weight, replaced or parametrized, has not the shape or the type of the equations.
    """
    shapes = equations.shapes(features, hidden)
    for name, weight in zip(WEIGHT_NAMES, weights, strict=True):
        if name not in shapes or weight is None:
            continue
        if weight.shape != shapes[name] or weight.dtype != torch.float32 or not weight.is_cpu:
            got = f"{tuple(weight.shape)}, {weight.dtype} on {weight.device}"
            raise ValueError(f"{name} is {shapes[name]}, float32 on the CPU here, got {got}.")


def _pack(name: str, weights: Weights, hidden: int, *, keep: bool) -> Tensor:
    """The weights in the order of the inner loops; those of the backward pass too if they will be needed."""
    features = weights.W.shape[1]
    held = [None if weight is None else weight.detach().contiguous() for weight in weights[:3]]
    raw = RawWeights(*map(_pointer, held), None, features, hidden)
    pack = room(_function(name, "pack_size")(c_int64(features), c_int64(hidden), c_int64(keep)))
    _function(name, "pack")(byref(raw), c_void_p(pack.data_ptr()), c_int64(keep))
    return pack


def _pointer(tensor: Tensor | None) -> int | None:
    return tensor.data_ptr() if tensor is not None and tensor.numel() else None


def _function(name: str, what: str) -> Any:  # noqa: ANN401 - of ctypes
    """A function of a kernel; whoever has a `Kernel` has the library."""
    return getattr(library(), f"{name}_{what}")
