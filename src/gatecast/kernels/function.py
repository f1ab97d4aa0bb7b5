"""A kernel as a differentiable function of x, the states and the weights."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from gatecast.cells.equations import Equations, States, Weights
from gatecast.cells.unrolling import Unrolled, unroll_by_steps
from gatecast.kernels.calling import Job, Pass, backward, forward
from gatecast.kernels.checking import check_weights
from gatecast.kernels.operators import call_operator
from gatecast.kernels.registry import Kernel


class _Call(NamedTuple):
    """What a call is, beside its tensors: x, so many states, W, U, b and c."""

    kernel: Kernel
    reverse: bool
    states: int

    def job(self, parts: tuple[Any, ...]) -> Job:
        """The call with its tensors."""
        states, weights = parts[1 : 1 + self.states], Weights(*parts[1 + self.states :])
        return Job(self.kernel.name, parts[0], states, weights, self.reverse)


def run_kernel(kernel: Kernel, weights: Weights, x: Tensor, states: States, *, reverse: bool = False) -> Unrolled:
    """As `gatecast.cells.unroll` with the equations of the kernel; without gates.

    Args:
        kernel: from `kernel_for`.
        weights: of the cell.
        x: the inputs, (T, B, I).
        states: before the first step, each (B, H), or none of them for zeros.
        reverse: whether to run from the newest step to the oldest.

    Raises:
        ValueError: a weight, replaced or parametrized, has not the shape or the type of the equations.
    """
    check_weights(kernel.equations, weights, x.shape[2])
    if is_watched():
        return call_operator(kernel, weights, x, states, reverse=reverse)
    first: tuple[Tensor | None, ...] = (None,) * len(kernel.equations.states)
    if states:
        first = tuple(state if state.stride(-1) == 1 else state.contiguous() for state in states)
    parts = (x, *first, weights.W, weights.U, weights.b, weights.c)
    if torch.is_grad_enabled() and any(part is not None and part.requires_grad for part in parts):
        out, *last = _Recurrence.apply(_Call(kernel, reverse, len(first)), *parts)  # type: ignore[no-untyped-call]
        return Unrolled(out, tuple(last), {})
    done = forward(Job(kernel.name, x, first, weights, reverse), keep=False)
    return Unrolled(done.out, done.last, {})


def is_watched() -> bool:
    """Whether torch.compile, torch.export or torch.vmap looks on, for whom a call has to be an operator of torch."""
    return torch.compiler.is_compiling() or torch._C._functorch.get_interpreter_stack() is not None  # noqa: SLF001


class _Recurrence(torch.autograd.Function):
    """Forward and backward by the kernel; a gradient of a gradient by the equations."""

    @staticmethod
    def forward(ctx: Any, call: _Call, *parts: Any) -> tuple[Tensor, ...]:  # noqa: ANN401 - torch's own context
        done = forward(call.job(parts), keep=True)
        ctx.save_for_backward(*parts, done.out, done.saved, done.pack)
        ctx.call = call
        ctx.set_materialize_grads(False)
        return (done.out, *done.last)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:  # noqa: ANN401 - torch's own context
        *parts, out, saved, pack = ctx.saved_tensors
        job, wanted = ctx.call.job(tuple(parts)), ctx.needs_input_grad[1:]
        if torch.is_grad_enabled():
            return (None, *_by_equations(ctx.call.kernel.equations, job, grads, wanted))
        return (None, *backward(job, Pass(out, (), saved, pack), grads, wanted))


def _by_equations(
    equations: Equations, job: Job, grads: tuple[Tensor | None, ...], wanted: tuple[bool, ...]
) -> list[Tensor | None]:
    """The gradients as functions that can be differentiated themselves."""
    zeros = job.x.new_zeros(job.x.shape[1], job.weights.U.shape[1])
    states = tuple(zeros if state is None else state for state in job.states)
    run = unroll_by_steps(equations, job.weights, job.x.flip(0) if job.reverse else job.x, states)
    outputs = (run.output.flip(0) if job.reverse else run.output, *run.states)
    given = [(output, grad) for output, grad in zip(outputs, grads, strict=True) if grad is not None]
    parts = (job.x, *job.states, job.weights.W, job.weights.U, job.weights.b, job.weights.c)
    asked = [part for part, want in zip(parts, wanted, strict=True) if want and part is not None]
    ends, weights = zip(*given, strict=True)
    found = iter(torch.autograd.grad(ends, asked, weights, create_graph=True, allow_unused=True))
    return [next(found) if want else None for want in wanted]
