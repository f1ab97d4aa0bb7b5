"""A kernel as a differentiable function of x, the states and the weights."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from gatecast.cells.equations import States, Weights
from gatecast.cells.unrolling import Unrolled, unroll
from gatecast.kernels.calling import Pass, backward, forward
from gatecast.kernels.checking import check_rows, check_tensor, check_weights
from gatecast.kernels.job import Job
from gatecast.kernels.operators import call_operator
from gatecast.kernels.registry import Kernel


class _Call(NamedTuple):
    """What a call is, beside its tensors: x, so many states, W, U, b and c."""

    kernel: Kernel
    reverse: bool
    states: int
    rows: Tensor | None

    def job(self, parts: tuple[Any, ...]) -> Job:
        """The call with its tensors."""
        states, weights = parts[1 : 1 + self.states], Weights(*parts[1 + self.states :])
        return Job(self.kernel, parts[0], states, weights, self.reverse, self.rows)


def run_kernel(
    kernel: Kernel,
    weights: Weights,
    x: Tensor,
    states: States,
    rows: Tensor | None = None,
    *,
    reverse: bool = False,
) -> Unrolled:
    """As `gatecast.cells.unroll` with the equations of the kernel; without gates.

    Args:
        kernel: from `kernel_for`.
        weights: of the cell.
        x: the inputs, (T, B, I); of packed sequences (N, I).
        states: before the first step, each (B, H), or none of them for zeros.
        rows: of packed sequences, how many have each step (torch's batch_sizes).
        reverse: whether to run from the newest step to the oldest.

    Raises:
        ValueError: a weight, replaced or parametrized, has not the shape or the type of the equations; or `rows` are
            not those of x.
    """
    hidden = states[0].shape[-1] if states else len(weights.W) // len(kernel.equations.blocks)
    check_weights(kernel.equations, weights, x.shape[-1], hidden)
    if rows is not None:
        check_rows(rows, len(x))
        rows = rows.clone()
    elif is_watched():
        return call_operator(kernel, weights, x, states, reverse=reverse)
    batch = x.shape[1] if rows is None else int(rows[0])
    for name, state in zip(kernel.equations.states, states, strict=False):
        check_tensor(name, state, (batch, hidden))
    first: tuple[Tensor | None, ...] = (None,) * len(kernel.equations.states)
    if states:
        first = tuple(state if state.stride(-1) == 1 else state.contiguous() for state in states)
    parts = (x, *first, weights.W, weights.U, weights.b, weights.c)
    call = _Call(kernel, reverse, len(first), rows)
    if torch.is_grad_enabled() and any(part is not None and part.requires_grad for part in parts):
        out, *last = _Recurrence.apply(call, *parts)  # type: ignore[no-untyped-call]
        return Unrolled(out, tuple(last), {})
    done = forward(call.job(parts), keep=False)
    return Unrolled(done.out, done.last, {})


def is_watched() -> bool:
    """Whether torch.compile, torch.export or torch.vmap looks on, for whom a call has to be an operator of torch."""
    return torch.compiler.is_compiling() or is_transformed()


def is_transformed() -> bool:
    """Whether the call stands inside torch.vmap or another transform of torch.func."""
    return torch._C._functorch.get_interpreter_stack() is not None  # noqa: SLF001 - there is no public question


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
            return (None, *_by_equations(job, grads, wanted))
        return (None, *backward(job, Pass(out, (), saved, pack), grads, wanted))


def _by_equations(job: Job, grads: tuple[Tensor | None, ...], wanted: tuple[bool, ...]) -> list[Tensor | None]:
    """The gradients as functions that can be differentiated themselves."""
    outputs = _unrolled(job)
    given = [(output, grad) for output, grad in zip(outputs, grads, strict=True) if grad is not None]
    parts = (job.x, *job.states, job.weights.W, job.weights.U, job.weights.b, job.weights.c)
    asked = [part for part, want in zip(parts, wanted, strict=True) if want and part is not None]
    ends, pulls = zip(*given, strict=True)
    found = iter(torch.autograd.grad(ends, asked, pulls, create_graph=True, allow_unused=True))
    return [next(found) if want else None for want in wanted]


def _unrolled(job: Job) -> States:
    """The output and the last states, by the equations."""
    x, real = job.x, None
    if job.rows is not None:
        x, lengths = pad_packed_sequence(PackedSequence(job.x, job.rows))
        real = (torch.arange(len(x))[:, None] < lengths).unsqueeze(-1)  # (T, B, 1)
    zeros = x.new_zeros(job.batch, job.hidden)
    states = tuple(zeros if state is None else state for state in job.states)
    turned, real = (x.flip(0), None if real is None else real.flip(0)) if job.reverse else (x, real)
    run = unroll(job.kernel.equations, job.weights, turned, states, real)
    output = run.output.flip(0) if job.reverse else run.output
    return (output if job.rows is None else pack_padded_sequence(output, lengths).data), *run.states
