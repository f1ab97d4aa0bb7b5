"""Does a carried state stay finite and useful for a million steps?

Every layer of gatecast.nn as it is first drawn, float32, 16 units, three series: one of noise, one whose level jumps
every 10,000 steps by up to 4 deviations, as normalised values do, and one by up to a thousand, as raw ones may.  An
input is 2 values, whether each was observed, and how long ago (what the GRU-D reads).  States go from chunk to chunk,
as a stream carries them.  "Apart" is what the carried net says of the last 200 inputs beside one that started from
zeros 5,000 steps before, as a share of the largest output.  Layers (kernels where there are some) run a million steps;
the reference cells of the same weights, step by step, `--reference`.

Gates that raw levels a thousand deviations away have saturated hold their state for good: a GRU keeps it, and an LSTM
counts steps in its cell (|c| grows by 1 a step at most, which float32 counts to 16.8 million).  That is their design,
and why values are normalised by their own past before a net reads them.

A ForecastStream of one series, its level jumping likewise, takes a million observations one by one.  Its running means
are held against sums in float64 of the newest 10,000 rows written out from their definition.

    python benchmarks/million_steps.py [--steps 1000000] [--reference 100000]
"""

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gatecast import nn
from gatecast.cells import equations_of, unroll
from gatecast.cells.cell import weights_of
from million_observations import streamed
from report import environment, write_section

LAYERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "RNN, tanh": nn.RNN,
        "RNN, relu": partial(nn.RNN, nonlinearity="relu"),
        "GRU": nn.GRU,
        "GRU, reset before": partial(nn.GRU, reset_after=False),
        "LSTM": nn.LSTM,
        "GRUD": nn.GRUD,
        "SLSTM": nn.SLSTM,
        "IndRNN, relu": nn.IndRNN,
        "IndRNN, tanh": partial(nn.IndRNN, nonlinearity="tanh"),
        "MinGRU": nn.MinGRU,
        "MinLSTM": nn.MinLSTM,
    }
)
UNITS, VALUES, CHUNK, JUMP = 16, 2, 1000, 10_000
JUMPS = {"noise": 0.0, "jumps of 4": 4.0, "jumps of 1,000": 1000.0}  # deviations
FRESH, JUDGED = 5000, 200
States = tuple[Tensor, ...]
Road = Callable[[Any, Tensor, States | None], tuple[Tensor, States]]


class Walked(NamedTuple):
    """What a walk showed.

    Attributes:
        largest: |state| up to a thousand steps, ten thousand, and so on.
        apart: from a net that started later, as a share of the largest output, by series.
        last: the states at the end.
    """

    largest: dict[int, float]
    apart: list[float]
    last: States


def made(name: str) -> Any:  # noqa: ANN401 - any layer
    """A layer as it is first drawn."""
    torch.manual_seed(0)
    return LAYERS[name](3 * VALUES, UNITS)


def by_kernel(layer: Any, x: Tensor, states: States | None) -> tuple[Tensor, States]:  # noqa: ANN401
    """The layer's own call, which takes a kernel where there is one."""
    given = None if states is None else states[0] if len(states) == 1 else states
    output, after = layer(x, given)
    return output, (after,) if isinstance(after, Tensor) else after


def by_cell(layer: Any, x: Tensor, states: States | None) -> tuple[Tensor, States]:  # noqa: ANN401
    """The equations, step by step."""
    equations = equations_of(layer)
    zeros = tuple(x.new_zeros(x.shape[1], size) for size in equations.state_sizes(UNITS))
    given = zeros if states is None else tuple(state[0] for state in states)
    done = unroll(equations, weights_of(layer, "_l0"), x, given)
    return done.output, tuple(state[None] for state in done.states)


def inputs(chunk: int) -> Tensor:
    """The inputs of a chunk: (steps, series, features)."""
    draw = torch.Generator().manual_seed(chunk)
    level = torch.Generator().manual_seed(chunk * CHUNK // JUMP)
    jump = 2 * torch.rand(VALUES, generator=level) - 1
    values = torch.randn(CHUNK, len(JUMPS), VALUES, generator=draw)
    values += torch.tensor(list(JUMPS.values()))[:, None] * jump
    seen = (torch.rand(values.shape, generator=draw) < 0.8).float()
    return torch.cat([values, seen, torch.rand(values.shape, generator=draw)], dim=2)


@torch.inference_mode()
def walk(layer: Any, steps: int, road: Road) -> Walked:  # noqa: ANN401
    """Carry the state over so many steps, a multiple of a thousand from 6,000 up."""
    states: States | None = None
    fresh: States | None = None
    largest, most = dict[int, float](), 0.0
    output = late = torch.zeros(0)
    for chunk in range(steps // CHUNK):
        x = inputs(chunk)
        output, states = road(layer, x, states)
        if chunk >= (steps - FRESH) // CHUNK:
            late, fresh = road(layer, x, fresh)
        most = max(most, *(float(state.abs().max()) for state in states))
        if not all(bool(state.isfinite().all()) for state in states):
            most = float("nan")
        largest |= {chunk * CHUNK + CHUNK: most} if _is_power(chunk + 1) else {}
    away = (output - late)[-JUDGED:].abs().amax(dim=(0, 2)) / output[-JUDGED:].abs().amax(dim=(0, 2))
    return Walked(largest, away.tolist(), states or ())


def _is_power(number: int) -> bool:
    """Whether it is 1, 10, 100, ..."""
    return str(number).strip("0") == "1"


def main() -> None:
    """Print the tables and put them into RESULTS.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--reference", type=int, default=100_000)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    marks = [mark for mark in (10**power for power in range(3, 10)) if mark <= asked.steps]
    heads = [
        "layer",
        "road",
        *(f"most \\|state\\| by {mark:,}" for mark in marks),
        *(f"apart: {kind}" for kind in JUMPS),
    ]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in LAYERS:
        for told, steps, road in (("layer", asked.steps, by_kernel), ("cell", asked.reference, by_cell)):
            found = walk(made(name), steps, road)
            figures = [f"{found.largest[mark]:.3g}" if mark in found.largest else "" for mark in marks]
            row = [name, told, *figures, *(f"{apart:.1e}" for apart in found.apart)]
            lines.append(f"| {' | '.join(row)} |")
            print(lines[-1], flush=True)
    lines += ["", *streamed(asked.steps)]
    write_section("million_steps", "A million steps", __doc__, [*lines, "", environment(threads=1)])


if __name__ == "__main__":
    main()
