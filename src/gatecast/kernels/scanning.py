"""A kernel that goes unit by unit as a differentiable function of x, h, W, u and b."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from gatecast.cells.equations import States, Weights
from gatecast.cells.unrolling import Unrolled, unroll
from gatecast.kernels.calling import Job
from gatecast.kernels.registry import Kernel
from gatecast.kernels.scan_calling import Gradient, Pass, backward, check_weights, forward


def run_scan(kernel: Kernel, weights: Weights, x: Tensor, states: States, *, reverse: bool = False) -> Unrolled:
    """As `run_kernel`, for a kernel that is `by_unit`.

    Args:
        kernel: from `kernel_for`.
        weights: of the cell.
        x: the inputs, (T, B, I).
        states: h before the first step, (B, H), alone in its tuple; or an empty one for zeros.
        reverse: whether to run from the newest step to the oldest.

    Raises:
        ValueError: a weight, replaced or parametrized, has not the shape or the type of the equations.
    """
    h = next(iter(states), None)
    if h is not None and h.stride(-1) != 1:
        h = h.contiguous()
    hidden = len(weights.W) // len(kernel.equations.blocks) if h is None else h.shape[1]
    check_weights(kernel.equations, weights, x.shape[2], hidden)
    call, parts = _Call(kernel, reverse, hidden), (x, h, weights.W, weights.U, weights.b)
    if torch.is_grad_enabled() and any(part is not None and part.requires_grad for part in parts):
        out, last = _Scan.apply(call, *parts)  # type: ignore[no-untyped-call]
    else:
        job = call.job(parts)
        out = forward(job, hidden, keep=False).out
        last = _last(job, out)
    return Unrolled(out, (last,), {})


class _Call(NamedTuple):
    """What a call is, beside its tensors: x, h, W, u and b."""

    kernel: Kernel
    reverse: bool
    hidden: int

    def job(self, parts: tuple[Any, ...]) -> Job:
        """The call with its tensors."""
        states = () if parts[1] is None else (parts[1],)
        return Job(self.kernel.name, parts[0], states, Weights(*parts[2:]), self.reverse)


class _Scan(torch.autograd.Function):
    """Forward and backward by the kernel; a gradient of a gradient by the equations."""

    @staticmethod
    def forward(ctx: Any, call: _Call, *parts: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401 - torch's own context
        job = call.job(parts)
        done = forward(job, call.hidden, keep=True)
        ctx.save_for_backward(*parts, *done)
        ctx.call = call
        ctx.set_materialize_grads(False)
        return done.out, _last(job, done.out)

    @staticmethod
    def backward(ctx: Any, *grads: Gradient) -> tuple[Any, ...]:  # noqa: ANN401 - torch's own context
        *parts, out, saved, pack = ctx.saved_tensors
        job, wanted = ctx.call.job(tuple(parts)), ctx.needs_input_grad[1:]
        if torch.is_grad_enabled():
            return (None, *_by_equations(ctx.call, job, grads, wanted))
        return (None, *backward(job, Pass(out, saved, pack), grads, wanted))


def _last(job: Job, out: Tensor) -> Tensor:
    """The state after the last step, (B, H), in memory of its own: a caller who keeps it keeps no more."""
    return out[0 if job.reverse else -1].clone()


def _by_equations(call: _Call, job: Job, grads: tuple[Gradient, ...], wanted: tuple[bool, ...]) -> list[Gradient]:
    """The gradients as functions that can be differentiated themselves."""
    h = next(iter(job.states), None)
    first = job.x.new_zeros(job.x.shape[1], call.hidden) if h is None else h
    run = unroll(call.kernel.equations, job.weights, job.x.flip(0) if job.reverse else job.x, (first,))
    outputs = (run.output.flip(0) if job.reverse else run.output, *run.states)
    given = [(output, grad) for output, grad in zip(outputs, grads, strict=True) if grad is not None]
    parts = (job.x, first, job.weights.W, job.weights.U, job.weights.b)
    asked = [part for part, want in zip(parts, wanted, strict=True) if want and part is not None]
    ends, pulls = zip(*given, strict=True)
    found = iter(torch.autograd.grad(ends, asked, pulls, create_graph=True, allow_unused=True))
    return [next(found) if want else None for want in wanted]
