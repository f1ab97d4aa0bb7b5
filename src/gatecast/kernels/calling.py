"""Calls into the library: tensors in, tensors out; autograd is the business of `function.py`."""

from ctypes import CDLL, addressof, byref, c_int64, c_void_p
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gatecast.cells.equations import States, Weights
from gatecast.kernels.checking import check_weights
from gatecast.kernels.library import library, step_function
from gatecast.kernels.registry import Kernel
from gatecast.kernels.spare import room
from gatecast.kernels.structs import Gradients, Prepared, RawWeights, Sequence

FLOAT = 4  # bytes


@dataclass(frozen=True, eq=False)
class Job:
    """What a pass reads.

    Attributes:
        kernel: that runs.
        x: the inputs, (T, B, I), float32 on the CPU, with any strides; of packed sequences (N, I).
        states: before the first step, each (B, H), units next to each other; None for zeros.
        weights: of the cell.
        reverse: whether the newest step comes first.
        rows: of packed sequences, how many have each step, longest sequence first (torch's batch_sizes); else None.
    """

    kernel: Kernel
    x: Tensor
    states: tuple[Tensor | None, ...]
    weights: Weights
    reverse: bool = False
    rows: Tensor | None = None

    @property
    def hidden(self) -> int:
        """Units of the state."""
        return len(self.weights.W) // len(self.kernel.equations.blocks)

    @property
    def batch(self) -> int:
        """Sequences that run together."""
        return int(self.x.shape[1] if self.rows is None else self.rows[0])

    def sequence(self, out: Tensor) -> Sequence:
        """The struct for this job; the tensors must outlive it."""
        steps = len(self.x if self.rows is None else self.rows)
        sequence = Sequence(steps, self.batch, self.x.shape[-1], out.shape[-1], torch.get_num_threads())
        sequence.x, sequence.x_step = self.walk(self.x)
        sequence.x_row, sequence.x_feature = self.x.stride()[-2:]
        sequence.out, sequence.out_step = self.walk(out)
        sequence.out_row = out.stride(-2)
        if self.rows is not None:
            self._say_rows(sequence)
        for k, state in enumerate(self.states):
            if state is not None:
                sequence.first[k], sequence.first_row[k] = state.data_ptr(), state.stride(0)
        return sequence

    def _say_rows(self, sequence: Sequence) -> None:
        """How many sequences have each step, and where its data start, in the order in which steps are taken."""
        rows = self.rows if self.rows is not None else torch.empty(0)
        starts = rows.cumsum(0) - rows
        order = [each.flip(0) if self.reverse else each.contiguous() for each in (rows, starts)]
        sequence.rows, sequence.starts = (each.data_ptr() for each in order)
        sequence.alive = order

    def walk(self, tensor: Tensor) -> tuple[int, int]:
        """Where a tensor over time starts, and how far the next step lies; backwards if `reverse`."""
        step = tensor.stride(0)
        if not self.reverse or self.rows is not None:
            return tensor.data_ptr(), step
        return tensor.data_ptr() + FLOAT * step * (len(tensor) - 1), -step


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
    pack = _pack(kernel, job.weights, hidden, keep=keep)
    out = room(*job.x.shape[:-1], hidden)
    last = tuple(torch.empty(job.batch, hidden) for _ in job.states)
    saved = room(job.x.numel() // features * saved_size(kernel, features, hidden) if keep else 0)
    sequence = job.sequence(out)
    sequence.saved = _pointer(saved)
    for k, state in enumerate(last):
        sequence.last[k] = state.data_ptr()
    _function(kernel, "forward")(byref(sequence), c_void_p(pack.data_ptr()))
    return Pass(out, last, saved, pack)


def saved_size(kernel: Kernel, features: int, hidden: int) -> int:
    """How many floats of each row and step a forward pass leaves for the backward pass."""
    return int(_function(kernel, "saved_size")(c_int64(features), c_int64(hidden)))


def pack_size(kernel: Kernel, features: int, hidden: int, *, keep: bool) -> int:
    """How many floats the weights take in the order of the inner loops."""
    return int(_function(kernel, "pack_size")(c_int64(features), c_int64(hidden), c_int64(keep)))


def backward(job: Job, done: Pass, grads: tuple[Tensor | None, ...], wanted: tuple[bool, ...]) -> list[Tensor | None]:
    """The gradients to x, the states, W, U, b and c, as far as they are wanted.

    Args:
        job: what the forward pass read.
        done: what it left, with `saved`.
        grads: the gradients of the output and of the last states; None for zeros.
        wanted: for x, each state, W, U, b and c in turn.
    """
    sequence, gradients = job.sequence(done.out), Gradients()
    sequence.saved = _pointer(done.saved)
    out = None if grads[0] is None else _by_rows(grads[0])
    if out is not None:
        gradients.out, gradients.out_step = job.walk(out)
        gradients.out_row = out.stride(-2)
    last = [None if grad is None else grad.contiguous() for grad in grads[1:]]
    for k, grad in enumerate(last):
        gradients.last[k] = _pointer(grad)
    found = _space_for(job, wanted)
    count = len(job.states)
    if found[0] is not None:
        gradients.x, gradients.x_step = job.walk(found[0])
    for k, state in enumerate(found[1 : 1 + count]):
        gradients.first[k] = _pointer(state)
    gradients.W, gradients.U, gradients.b, gradients.c = map(_pointer, found[1 + count :])
    _function(job.kernel, "backward")(byref(sequence), byref(gradients), c_void_p(done.pack.data_ptr()))
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


class PreparedStep(NamedTuple):
    """One step of a stack of layers, ready to be called: `run(first, x, h, h_after)`, and c, c_after for a pair.

    Attributes:
        run: the kernel's function, which takes addresses.
        first: the address of what is prepared of the lowest layer; the others follow it.
        alive: what the addresses point to.
    """

    run: Any
    first: int
    alive: tuple[Any, ...]


def prepare(kernel: Kernel, layers: list[Weights], sizes: tuple[int, int, int]) -> PreparedStep:
    """A step of a stack with its weights as they are now.

    Args:
        kernel: from `kernel_for`.
        layers: the weights of each, lowest first.
        sizes: batch, features of x, units of each layer.

    Raises:
        ValueError: a weight, replaced or parametrized, has not the shape or the type of the equations.
    """
    batch, features, hidden = sizes
    prepared, packs = (Prepared * len(layers))(), []
    for k, weights in enumerate(layers):
        check_weights(kernel.equations, weights, features, hidden)
        packs.append(_pack(kernel, weights, hidden, keep=False))
        sequence = Sequence(1, batch, features, hidden, 1)
        sequence.x_row, sequence.x_feature, sequence.out_row = features, 1, hidden
        sequence.first_row[0] = sequence.first_row[1] = hidden
        prepared[k] = Prepared(sequence, packs[k].data_ptr(), len(layers) - k)
        features = hidden
    run = step_function(_loaded(), kernel.name, batch * sum(len(pack) for pack in packs))
    return PreparedStep(run, addressof(prepared), (prepared, *packs))


def _pack(kernel: Kernel, weights: Weights, hidden: int, *, keep: bool) -> Tensor:
    """The weights in the order of the inner loops; those of the backward pass too if they will be needed."""
    features = weights.W.shape[1]
    held = [weight if weight is None or weight.is_contiguous() else weight.detach().contiguous() for weight in weights]
    raw = RawWeights(*(_pointer(weight) for weight in held[:4]), features, hidden)
    pack = room(pack_size(kernel, features, hidden, keep=keep))
    _function(kernel, "pack")(byref(raw), c_void_p(pack.data_ptr()), c_int64(keep))
    return pack


def _pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr() or None


def _function(kernel: Kernel, what: str) -> Any:  # noqa: ANN401 - of ctypes
    """A function of a kernel."""
    return getattr(_loaded(), f"{kernel.name}_{what}")


def _loaded() -> CDLL:
    loaded = library()
    if isinstance(loaded, str):
        raise RuntimeError(loaded)  # noqa: TRY004 - it is a reason, not a wrong type
    return loaded
