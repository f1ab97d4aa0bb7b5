"""A recurrence over time: the step of a cell, once for each observation."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import pad

from gatecast.cells.equations import Equations, Gates, States, Weights
from gatecast.cells.scanning import ScanEquations, linear_scan

ROWS = 32  # matrix libraries take other roads, with other rounding, for fewer rows


class Keep(NamedTuple):
    """What a pass hands out beside its output: the gates, and the states after each step."""

    gates: bool = False
    history: bool = False


NOTHING_MORE = Keep()
"""The outputs and the last states alone."""


class Unrolled(NamedTuple):
    """What one pass over a sequence leaves.

    Attributes:
        output: h after every step, (T, B, H).
        states: the states after the last step, each (B, H).
        gates: each gate at every step, (T, B, H), by its letter; empty where they were not asked for.
        history: the states after each step, each (B, H); empty where they were not asked for.
    """

    output: Tensor
    states: States
    gates: Gates
    history: tuple[States, ...] = ()


def unroll(
    equations: Equations,
    weights: Weights,
    x: Float[Tensor, "time batch features"],
    states: States,
    real: Bool[Tensor, "time batch one"] | None = None,
    keep: Keep = NOTHING_MORE,
) -> Unrolled:
    """Run over a sequence, oldest step first, by parallel scan where the equations allow it.

    Args:
        equations: of the cell.
        weights: of the cell.
        x: the inputs.
        states: the states before the first step.
        real: which steps are observations; at the others (padding) the states stay as they are.
        keep: what to hand out beside the output, which a long sequence need not hold.  The states after each step are
            those through which gradients flow on, so they come about step by step.
    """
    if isinstance(equations, ScanEquations) and not keep.history:
        return unroll_by_scan(equations, weights, x, states, real)
    return unroll_by_steps(equations, weights, x, states, real, keep)


def unroll_by_steps(
    equations: Equations,
    weights: Weights,
    x: Float[Tensor, "time batch features"],
    states: States,
    real: Bool[Tensor, "time batch one"] | None = None,
    keep: Keep = NOTHING_MORE,
) -> Unrolled:
    """One step after the other: the definition.

    Where no gradients are wanted, the bits of a row do not depend on what else is in the batch.
    """
    if -x.shape[1] % ROWS and not torch.is_grad_enabled() and keep == NOTHING_MORE:
        return _unroll_filled(equations, weights, x, states, real)
    wx = equations.project(x, weights)  # (T, B, gates * H)
    outputs, gates, history = list[Tensor](), list[Gates](), list[States]()
    for time in range(len(wx)):
        after, step_gates = equations.step(wx[time], states, weights)
        states = after if real is None else _hold(real[time], after, states)
        outputs.append(states[0])
        if keep.gates:
            gates.append(step_gates)
        if keep.history:
            history.append(states)
    kept = {name: torch.stack([step[name] for step in gates]) for name in equations.gates} if keep.gates else {}
    return Unrolled(torch.stack(outputs), states, kept, tuple(history))


def _unroll_filled(
    equations: Equations,
    weights: Weights,
    x: Float[Tensor, "time batch features"],
    states: States,
    real: Bool[Tensor, "time batch one"] | None,
) -> Unrolled:
    """The batch filled up with zeros to a multiple of 32 rows, and cut again."""
    rows, more = x.shape[1], (0, 0, 0, -x.shape[1] % ROWS)
    held = None if real is None else pad(real, more, value=True)
    done = unroll_by_steps(equations, weights, pad(x, more), tuple(pad(state, more) for state in states), held)
    return Unrolled(done.output[:, :rows], tuple(state[:rows] for state in done.states), {})


def unroll_by_scan(
    equations: ScanEquations,
    weights: Weights,
    x: Float[Tensor, "time batch features"],
    states: States,
    real: Bool[Tensor, "time batch one"] | None = None,
) -> Unrolled:
    """All steps in log2(T) passes."""
    gates = equations.gates_of(equations.project(x, weights))
    a, u = equations.coefficients(gates)
    if real is not None:  # h' = 1 * h + 0 holds the state
        a, u = torch.where(real, a, torch.ones_like(a)), torch.where(real, u, torch.zeros_like(u))
    output = linear_scan(a, u, states[0])
    return Unrolled(output, (output[-1],), gates)


def _hold(real: Bool[Tensor, "batch one"], after: States, before: States) -> States:
    return tuple(torch.where(real, new, old) for new, old in zip(after, before, strict=True))
