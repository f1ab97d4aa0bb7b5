"""Random calls of every kernel: `python tests/fuzz_kernels.py CALLS [FOLDER]`, with the libraries in that folder.

Each call draws a kernel, sizes that leave every kind of tail, strides, states, packed sequences, a direction, threads
and which gradients are wanted; it must agree with the reference cell.  Every tenth is followed by a stream of random
rows.  `tests/test_sanitizer.py` runs it under AddressSanitizer.
"""

import random
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from builders import small_config, waves
from cell_catalogue import KINDS
from gatecast import nn
from gatecast.cells import equations_of
from gatecast.data.splits import Split
from gatecast.forecaster import RecurrentForecaster
from gatecast.kernels import Kernel, library
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.nn.backend import kernel_of_call
from gatecast.nn.stacking import run_stack
from gatecast.streaming import ForecastStream, StreamOptions
from gatecast.streaming.fast_steps import FastSteps
from gatecast.streaming.intake import Arrivals


def main(calls: int) -> None:
    """So many calls, and a line that says which library they ran in."""
    for seed in range(calls):
        try:
            one_call(random.Random(seed))  # noqa: S311 - sizes, not secrets
            if seed % 10 == 0:
                one_stream(random.Random(seed))  # noqa: S311
        except AssertionError as error:
            sys.exit(f"call {seed}: {error}")
    print(f"{calls} calls in {library.library()}")  # noqa: T201


def one_call(draw: random.Random) -> None:
    """One layer, forward, backward and one step, beside the reference cell."""
    torch.manual_seed(draw.randrange(2**31))
    torch.set_num_threads(draw.choice((1, 1, 2, 3)))
    features, hidden = draw.choice((1, 2, 5, 16, 33, 70)), draw.choice((1, 3, 8, 15, 16, 17, 31, 48, 65))
    settings = {"num_layers": draw.choice((1, 1, 2)), "bias": draw.random() < 0.7, "bidirectional": draw.random() < 0.3}
    layer = draw.choice(tuple(KINDS.values()))(features, hidden, **settings)
    x = draw_input(draw, features)
    shape = (settings["num_layers"] * (1 + settings["bidirectional"]), batch_of(x), hidden)
    states = tuple(draw_state(draw, shape) for _ in equations_of(layer).states)
    state = None if draw.random() < 0.4 else states[0] if len(states) == 1 else states
    assert isinstance(kernel_of_call(layer, x, state), Kernel), "no kernel takes the call"
    given = [] if state is None else list(states)
    ends = [each.requires_grad_() for each in (data_of(x), *given) if draw.random() < 0.6]
    ends += [each for each in layer.parameters() if draw.random() < 0.8]
    results = [run(layer, x, state)[:2] for run in (type(layer).__call__, run_stack)]
    compare([data_of(output) for output, _ in results], "output")
    kinked = getattr(equations_of(layer), "nonlinearity", "") == "relu"  # rounding may put it on the other side of 0
    if ends:
        pull = torch.randn_like(data_of(results[0][0]))[..., :1].expand_as(data_of(results[0][0]))
        found = [torch.autograd.grad(loss(*result, pull), ends, allow_unused=True) for result in results]
        for pair in zip(*found, strict=True):
            assert (pair[0] is None) == (pair[1] is None), "a gradient is missing"
            if pair[0] is not None and not kinked:
                compare(list(pair), "gradient")
    if not settings["bidirectional"]:
        state = tuple(torch.randn(shape) for _ in states)
        nn.stepper(layer, shape[1])(torch.randn(shape[1], features), state if len(state) > 1 else state[0])


def one_stream(draw: random.Random) -> None:
    """Rows of many series, some missing, in batches of any size, through the compiled steps of a stream."""
    targets, past = draw.choice((1, 2)), draw.choice((0, 1, 3))
    layer = LayerConfig(cell=draw.choice(("gru", "lstm", "minlstm")), hidden_size=draw.choice((3, 16, 17)))
    layer = msgspec.structs.replace(layer, num_layers=draw.choice((1, 2)))
    mode = draw.choice(("sequences", "sequences", "windows"))
    config = small_config(mode=mode, network=NetworkConfig(layer=layer), subtract=draw.choice(("last", "seasonal")))
    panel = waves(2, targets=targets, past=past)
    forecaster = RecurrentForecaster(config)
    forecaster.prepare(panel, Split(*(np.array([end, end]) for end in (150, 190, 240))))
    forecaster.network_.eval()
    stream = ForecastStream(forecaster, options=StreamOptions(every=draw.choice((1, 5, None)), warm_up=2))
    assert isinstance(stream.machine.steps, FastSteps)
    rows: dict[str, int] = {}
    rng = np.random.default_rng(draw.randrange(2**31))
    for _ in range(30):
        names = [f"s{number}" for number in draw.sample(range(90), draw.choice((1, 2, 17, 70)))]
        times = [rows.setdefault(name, 0) * 3_600_000_000 for name in names]
        raw = rng.normal(size=(len(names), targets + past)).astype(np.float32)
        raw[rng.random(raw.shape) < 0.1] = np.nan
        intake = stream.intake()
        intake.add(Arrivals(names, times, raw))
        stream.take(intake)
        rows |= {name: rows[name] + 1 for name in names}
        stream.forecast(names)


def loss(output: Any, after: Any, pull: Tensor) -> Tensor:
    """A number that everything a layer gives goes into."""
    states = (after,) if isinstance(after, Tensor) else after
    return (data_of(output) * pull).sum() + sum(state.square().sum() for state in states)


def draw_input(draw: random.Random, features: int) -> Any:
    """A batch with any strides, or packed sequences."""
    steps, batch = draw.choice((1, 2, 7, 20)), draw.choice((1, 2, 7, 8, 9, 33, 70))
    if draw.random() < 0.3:
        sequences = [torch.randn(draw.randint(1, steps), features) for _ in range(batch)]
        return pack_sequence(sequences, enforce_sorted=False)
    order = draw.sample(range(3), 3)
    whole = torch.randn(*((steps, batch, features)[k] for k in order), draw.choice((1, 2)))[..., 0]
    return whole.permute(*(order.index(k) for k in range(3)))


def draw_state(draw: random.Random, shape: tuple[int, ...]) -> Tensor:
    """A state whose rows may lie apart, or whose units may."""
    apart, spread = torch.randn(*shape[:2], shape[2] + 3)[..., 3:], torch.randn(*shape, 2)[..., 0]
    return draw.choice((torch.randn(shape), apart, spread))


def batch_of(x: Any) -> int:
    """Sequences in an input."""
    return int(x.batch_sizes[0]) if isinstance(x, PackedSequence) else x.shape[1]


def data_of(given: Any) -> Tensor:
    """The numbers of an input or output."""
    return given.data if isinstance(given, PackedSequence) else given


def compare(pair: list[Tensor], what: str) -> None:
    """Refuse two results that differ by more than rounding does."""
    ours, exact = (each.detach() for each in pair)
    error = float((ours - exact).abs().max() / exact.abs().max().clamp(min=1))
    assert error < 1e-4, f"{what} differs by {error}"


if __name__ == "__main__":
    if len(sys.argv) > 2:
        library.BUILT = Path(sys.argv[2])
    main(int(sys.argv[1]))
