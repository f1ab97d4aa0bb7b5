"""What a kernel is asked to do: tensors, and the C struct that says where they lie."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gatecast.cells.equations import Weights
from gatecast.kernels.registry import Kernel
from gatecast.kernels.structs import Sequence

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
