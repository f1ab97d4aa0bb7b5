"""A pass that hands out its gates: the kernel leaves them for its backward pass, which then is never run."""

import torch
from torch import Tensor

from gatecast.cells.equations import Gates, States, Weights
from gatecast.cells.scanning import ScanEquations
from gatecast.cells.unrolling import Unrolled
from gatecast.kernels.calling import Pass, forward, saved_size
from gatecast.kernels.job import Job
from gatecast.kernels.registry import Kernel

# What a kernel saves of each unit and step (`csrc/NAME.cpp`, `save`), in its order; what is no gate has no letter.
SAVED: dict[str, tuple[str, ...]] = {
    "gru": ("r", "z", "n", ""),
    "gru_reset_before": ("r", "z", "n"),
    "lstm": ("i", "f", "g", "o", ""),
}


@torch.no_grad()
def watch_kernel(kernel: Kernel, weights: Weights, x: Tensor, states: States, *, reverse: bool = False) -> Unrolled:
    """As `run_kernel`, with the gates and without gradients.

    Args:
        kernel: from `kernel_for`.
        weights: of the cell.
        x: the inputs, (T, B, I).
        states: before the first step, each (B, H), or none of them for zeros.
        reverse: whether to run from the newest step to the oldest.
    """
    first: tuple[Tensor | None, ...] = states or (None,) * len(kernel.equations.states)
    job = Job(kernel, x, first, weights, reverse, None)
    if isinstance(kernel.equations, ScanEquations):  # whose gates need nothing but the input
        done = forward(job, keep=False)
        return Unrolled(done.out, done.last, kernel.equations.gates_of(kernel.equations.project(x, weights)))
    done = forward(job, keep=kernel.name in SAVED)
    return Unrolled(done.out, done.last, _gates(job, done))


def _gates(job: Job, done: Pass) -> Gates:
    """The gates among what a pass has saved: (T, B, blocks of units, numbers, units of a block)."""
    names = SAVED.get(job.kernel.name, ())
    if not names:
        return {}
    block = saved_size(job.kernel, 1, 1) // len(names)  # one unit takes a whole block
    numbers = done.saved.view(*done.out.shape[:-1], -1, len(names), block)  # in the order of the steps
    if job.reverse:
        numbers = numbers.flip(0)
    return {name: numbers[..., k, :].flatten(-2)[..., : job.hidden] for k, name in enumerate(names) if name}
