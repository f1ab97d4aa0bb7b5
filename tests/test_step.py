"""`nn.stepper`: one step with frozen weights, bit for bit the layer's, which takes nothing on trust."""

import threading
from typing import Any

import pytest
import torch

from cell_catalogue import as_tuple
from gatecast import nn
from gatecast.errors import OptionError
from kernel_kinds import KINDS, as_state, every_kind, on_every_build


@every_kind
@on_every_build
@pytest.mark.parametrize(("batch", "layers", "bias"), [(1, 1, True), (5, 3, False)])
def test_a_frozen_step_equals_the_layer_bit_for_bit(kind: str, batch: int, layers: int, *, bias: bool) -> None:
    layer = KINDS[kind](3, 17, num_layers=layers, bias=bias)
    step, x = nn.stepper(layer, batch), torch.randn(6, batch, 3)
    with torch.no_grad():
        whole, end = layer(x)
    state: Any = as_state(tuple(torch.zeros_like(each) for each in as_tuple(end)))
    for time, now in enumerate(x):
        before = [each.clone() for each in as_tuple(state)]
        given, state = state, step(now, state)
        assert all(torch.equal(a, b) for a, b in zip(before, as_tuple(given), strict=True)), "a value stays"
        assert torch.equal(as_tuple(state)[0][-1], whole[time])
    assert all(torch.equal(a, b) for a, b in zip(as_tuple(state), as_tuple(end), strict=True))


@every_kind
def test_a_frozen_step_does_not_feel_what_the_layer_learns_later(kind: str) -> None:
    layer, x = KINDS[kind](3, 17), torch.randn(1, 3)
    step = nn.stepper(layer)
    zeros = as_state(tuple(torch.zeros(1, 1, 17) for _ in as_tuple(layer(x[None])[1])))
    before = as_tuple(step(x, zeros))
    with torch.no_grad():
        for weight in layer.parameters():
            weight.mul_(2)
    assert all(torch.equal(a, b) for a, b in zip(as_tuple(step(x, zeros)), before, strict=True))
    assert not torch.equal(layer(x[None])[0][-1], before[0][-1])


def test_a_frozen_step_takes_nothing_on_trust() -> None:
    step = nn.stepper(nn.GRU(3, 4), batch=2)
    x, h = torch.zeros(2, 3), torch.zeros(1, 2, 4)
    for wrong in (x[:1], x.double(), torch.zeros(3, 2).T):
        with pytest.raises(ValueError, match=r"x is \(2, 3\), float32 on the CPU, without gaps; got"):
            step(wrong, h)
    with pytest.raises(ValueError, match=r"a state is \(1, 2, 4\), float32 on the CPU, without gaps; got \(2, 4\)"):
        step(x, h[0])
    with pytest.raises(ValueError, match="this layer has 2 states, got 1"):
        nn.stepper(nn.LSTM(3, 4), batch=2)(x, h)
    with pytest.raises(ValueError, match="this layer has 2 states, got 3"):
        nn.stepper(nn.LSTM(3, 4), batch=2)(x, (h, h, h))
    with pytest.raises(ValueError, match="this layer has 1 state, got 2"):
        step(x, (h, h))
    with pytest.raises(ValueError, match=r"a state is \(1, 2, 4\).*got \(1, 2, 5\)"):
        nn.stepper(nn.LSTM(3, 4), batch=2)(x, (h, torch.zeros(1, 2, 5)))
    for wrong, shown in ((x.numpy(), "ndarray"), ([[0.0] * 3] * 2, "list"), (None, "NoneType")):
        with pytest.raises(ValueError, match=rf"x is \(2, 3\), .*; got a {shown}\."):
            step(wrong, h)
        with pytest.raises(ValueError, match=r"x is \(2, 3\), .*; got a"):
            nn.stepper(nn.LSTM(3, 4), batch=2)(wrong, (h, h))
    with pytest.raises(ValueError, match=r"a state is \(1, 2, 4\), .*; got a ndarray\."):
        step(x, h.numpy())
    with pytest.raises(ValueError, match=r"a state is \(1, 2, 4\), .*; got a tuple\."):
        step(x, (h,))
    with pytest.raises(OptionError, match="cannot step by a kernel: it reads both directions"):
        nn.stepper(nn.GRU(3, 4, bidirectional=True))
    with pytest.raises(OptionError, match="the tensors are float64"):
        nn.stepper(nn.GRU(3, 4).double())


@every_kind
def test_a_frozen_step_is_shared_by_threads(kind: str) -> None:
    layer = KINDS[kind](3, 64)
    step, x = nn.stepper(layer), torch.randn(50, 1, 3)
    (whole, end), same = layer(x), list[bool]()

    def work() -> None:
        state: Any = as_state(tuple(torch.zeros(1, 1, 64) for _ in as_tuple(end)))
        for now in x:
            state = step(now, state)
        same.append(torch.equal(as_tuple(state)[0][-1], whole[-1]))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 8
