"""Effective memory, gradients and Jacobians where the answer is known beforehand."""

import numpy as np
import pytest
import torch
from torch import Tensor

from gatecast import nn
from gatecast.cells import equations_of
from gatecast.inspection import (
    Call,
    gradient_norms,
    memory_by_lag,
    spectra,
    step_jacobians,
    timescales,
)
from gatecast.nn.stacked import RecurrentStack

DELAY = 40
PHI = 0.9


def learn(net: torch.nn.Module, losses: "object", steps: int, rate: float = 5e-3) -> None:
    """Plain training by torch's Adam."""
    optimiser = torch.optim.Adam(net.parameters(), lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = losses()  # type: ignore[operator]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()


class Reader(torch.nn.Module):
    """A recurrent layer and one number read off its last state."""

    def __init__(self, layer: torch.nn.Module, hidden: int) -> None:
        super().__init__()
        self.layer, self.output = layer, torch.nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.layer(x)[0][:, -1])


def copy_task(batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The first of 41 numbers, marked, is to be said at the end; the others distract."""
    x = torch.randn(batch, DELAY + 1, 2, generator=generator)
    x[..., 1] = 0
    x[:, 0, 1] = 1
    return x, x[:, 0, :1]


def test_memory_of_a_copy_task_with_a_delay_of_40_peaks_at_lag_40() -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    layer = nn.LSTM(2, 16, batch_first=True)
    nn.chrono_(layer, 2 * DELAY)
    net = Reader(layer, 16)

    def loss() -> Tensor:
        x, y = copy_task(64, generator)
        return (net(x) - y).square().mean()

    learn(net, loss, 600, 1e-2)
    x, y = copy_task(200, generator)
    assert float((net(x) - y).detach().square().mean()) < 0.1, "the task was learnt"
    weights = memory_by_lag(net, x)
    assert abs(int(weights.argmax()) - DELAY) <= 1
    assert weights[DELAY] > 3 * np.delete(weights, DELAY).max()


def test_memory_of_a_shift_register_is_its_length_exactly() -> None:
    layer = nn.RNN(1, DELAY + 1, nonlinearity="relu", batch_first=True, bias=False).double()
    with torch.no_grad():
        layer.weight_ih_l0.zero_()[0, 0] = 1
        layer.weight_hh_l0.copy_(torch.diag(torch.ones(DELAY, dtype=torch.float64), -1))
    weights = memory_by_lag(lambda x: layer(x)[0][:, -1, -1], torch.rand(3, 100, 1, dtype=torch.float64))
    expected = np.zeros(100)
    expected[DELAY] = 1
    np.testing.assert_array_equal(weights, expected)


def test_memory_of_a_net_that_learnt_an_ar1_process_decays_by_its_coefficient() -> None:
    """What comes in are the shocks e of y[t] = .9 y[t-1] + e[t]; d y[t] / d e[t-k] is .9^k."""
    torch.manual_seed(0)
    shocks = torch.randn(64, 120, 1)
    values, level = [], torch.zeros(64, 1)
    for step in range(120):
        level = PHI * level + shocks[:, step]
        values.append(level)
    wanted = torch.stack(values, dim=1)
    layer, output = nn.GRU(1, 16, batch_first=True), torch.nn.Linear(16, 1)
    net = torch.nn.ModuleList([layer, output])
    learn(net, lambda: (output(layer(shocks)[0]) - wanted).square().mean(), 500, 1e-2)
    weights = memory_by_lag(lambda x: output(layer(x)[0][:, -1]), shocks)
    lags = np.arange(12)  # of which the last still has .3 of the weight
    decay = np.exp(np.polyfit(lags, np.log(weights[lags]), 1)[0])
    assert decay == pytest.approx(PHI, rel=0.05)


def linear_net(hidden: int = 6) -> nn.RNN:
    """A net whose units all stay in the linear part of relu, where h' = W x + U h."""
    torch.manual_seed(1)
    layer = nn.RNN(2, hidden, nonlinearity="relu", batch_first=True).double()
    with torch.no_grad():
        for weight in layer.parameters():
            weight.abs_()
        layer.weight_hh_l0.mul_(0.3)
    return layer


def test_spectral_radius_of_a_linear_recurrence_is_that_of_its_matrix() -> None:
    layer = linear_net()
    jacobians = step_jacobians(layer, Call(torch.rand(2, 9, 2, dtype=torch.float64), None), [0, 4, 8])
    radius, singular = spectra(jacobians)
    matrix = layer.weight_hh_l0.detach().numpy()
    np.testing.assert_allclose(radius, np.abs(np.linalg.eigvals(matrix)).max(), atol=1e-6)
    np.testing.assert_allclose(singular, np.linalg.svd(matrix, compute_uv=False)[0], atol=1e-6)


def test_gradients_of_a_linear_recurrence_shrink_by_its_matrix() -> None:
    layer = linear_net()
    traced = nn.trace(layer, torch.rand(1, 20, 2, dtype=torch.float64))
    assert isinstance(traced.output, Tensor)
    norms = gradient_norms(traced.output[:, -1].sum(), traced)
    matrix, gradient = layer.weight_hh_l0.detach().numpy(), np.ones(6)
    expected = []
    for _ in range(20):
        expected.append(np.linalg.norm(gradient))
        gradient = matrix.T @ gradient
    np.testing.assert_allclose(norms, expected, rtol=1e-9)


LAYERS = {
    "gru": lambda: nn.GRU(2, 5, num_layers=2, batch_first=True),
    "gru of torch.nn": lambda: torch.nn.GRU(2, 5, batch_first=True),
    "lstm backwards too": lambda: nn.LSTM(2, 5, num_layers=2, bidirectional=True, batch_first=True),
    "rnn, time first": lambda: nn.RNN(2, 5),
    "slstm": lambda: nn.SLSTM(2, 5, batch_first=True),
    "mingru": lambda: nn.MinGRU(2, 5, batch_first=True),
    "stack": lambda: RecurrentStack(nn.LayerConfig(hidden_size=5, num_layers=2, residual=True, layer_norm=True), 2),
    "dilated": lambda: RecurrentStack(nn.LayerConfig(hidden_size=5, num_layers=2, dilations=(1, 3)), 2),
}


@pytest.mark.parametrize("name", ["rnn, time first", "gru of torch.nn", "mingru"])
def test_gradient_by_lag_is_what_nudging_each_state_shows(name: str) -> None:
    """Finite differences, between two calls: of one layer with one state, for nothing else may read it in the first."""
    torch.manual_seed(0)
    layer = LAYERS[name]().double()
    x = torch.randn(1, 7, 2, dtype=torch.float64)
    x, time = (x, 1) if layer.batch_first else (x.transpose(0, 1), 0)
    traced = nn.trace(layer, x)
    assert isinstance(traced.output, Tensor)
    norms = gradient_norms(traced.output.narrow(time, 6, 1).square().sum(), traced)
    for lag in range(1, 6):
        _, before = layer(x.narrow(time, 0, 7 - lag))

        def loss(state: Tensor, lag: int = lag) -> float:
            output, _ = layer(x.narrow(time, 7 - lag, lag), state)
            return float(output.narrow(time, lag - 1, 1).square().sum().detach())

        slopes = [
            (loss(before + nudge.view(1, 1, 5)) - loss(before - nudge.view(1, 1, 5))) / 2e-6
            for nudge in 1e-6 * torch.eye(5, dtype=torch.float64)
        ]
        assert norms[lag] == pytest.approx(np.linalg.norm(slopes), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("name", LAYERS)
def test_every_kind_of_layer_has_a_gradient_at_every_lag(name: str) -> None:
    torch.manual_seed(0)
    layer = LAYERS[name]().double()
    traced = nn.trace(layer, torch.randn(7, 7, 2, dtype=torch.float64))
    assert isinstance(traced.output, Tensor)
    dilations = layer.config.dilations if isinstance(layer, RecurrentStack) else ()
    norms = gradient_norms(traced.output.square().sum(), traced, dilations)
    assert norms.shape == (7,)
    assert (norms > 0).all()


def test_gradient_by_lag_of_a_dilated_layer_is_there_every_third_update() -> None:
    torch.manual_seed(0)
    stack = RecurrentStack(nn.LayerConfig(cell="gru", hidden_size=5, dilations=(3,)), 2).double()
    traced = nn.trace(stack, torch.randn(2, 10, 2, dtype=torch.float64))
    assert isinstance(traced.output, Tensor)
    norms = gradient_norms(traced.output[:, -1].sum(), traced, (3,))
    assert [lag for lag, norm in enumerate(norms) if norm > 0] == [0, 3, 6, 9]


def test_gradient_by_lag_of_a_backwards_layer_runs_the_other_way() -> None:
    torch.manual_seed(0)
    layer = nn.GRU(2, 5, bidirectional=True, batch_first=True).double()
    traced = nn.trace(layer, torch.randn(1, 6, 2, dtype=torch.float64))
    assert isinstance(traced.output, Tensor)
    first = gradient_norms(traced.output[:, 0].sum(), traced)
    assert (first > 0).all(), "the first output reads the whole sequence backwards"


@pytest.mark.parametrize("name", LAYERS)
def test_the_jacobian_of_a_step_is_what_nudging_the_states_before_it_shows(name: str) -> None:
    torch.manual_seed(0)
    layer = LAYERS[name]().double()
    x = torch.randn(1, 7, 2, dtype=torch.float64)
    given = x if layer.batch_first else x.transpose(0, 1)
    jacobian = step_jacobians(layer, Call(given, None), [0, 5])[1]
    assert torch.isfinite(jacobian).all()
    if layer.bidirectional or (isinstance(layer, RecurrentStack) and layer.config.dilations):
        return
    time = 1 if layer.batch_first else 0
    _, before = layer(given.narrow(time, 0, 5))
    parts = (before,) if isinstance(before, Tensor) else before
    flat = torch.cat([part.flatten() for part in parts]).detach()

    def after(numbers: Tensor) -> Tensor:
        split = [
            part.view(like.shape) for part, like in zip(numbers.split([p.numel() for p in parts]), parts, strict=True)
        ]
        _, state = layer(given.narrow(time, 5, 1), split[0] if len(split) == 1 else tuple(split))
        return torch.cat([part.flatten() for part in ((state,) if isinstance(state, Tensor) else state)]).detach()

    for place in range(len(flat)):
        nudge = torch.zeros_like(flat)
        nudge[place] = 1e-6
        column = (after(flat + nudge) - after(flat - nudge)) / 2e-6
        torch.testing.assert_close(jacobian[:, place], column, rtol=1e-5, atol=1e-7)


def test_the_jacobian_of_a_dilated_layer_is_of_the_state_that_it_reads() -> None:
    torch.manual_seed(0)
    stack = RecurrentStack(nn.LayerConfig(cell="rnn", hidden_size=4, dilations=(3,)), 2).double()
    x = torch.randn(1, 8, 2, dtype=torch.float64)
    jacobian = step_jacobians(stack, Call(x, None), [6])[0]
    h = stack(x)[0][0]  # a dilated Elman net: h[6] = tanh(W x + U h[3])
    matrix = torch.diag(1 - h[6] ** 2) @ stack.layers[0].weight_hh_l0
    torch.testing.assert_close(jacobian, matrix.detach(), rtol=1e-9, atol=1e-12)


def test_a_unit_that_keeps_nine_tenths_fades_to_a_third_in_as_many_updates_as_it_says() -> None:
    (scale,) = timescales(np.full((30, 1), PHI))
    assert PHI**scale == pytest.approx(np.exp(-1))


def test_a_timescale_is_that_of_the_product_of_all_shares_kept() -> None:
    kept = np.random.default_rng(0).uniform(0.2, 1, size=(50, 3))
    np.testing.assert_allclose(np.exp(-50 / timescales(kept)), kept.prod(axis=0), rtol=1e-9)


def test_a_unit_that_keeps_everything_or_nothing_has_a_finite_timescale() -> None:
    assert timescales(np.ones((5, 1)))[0] == pytest.approx(1e6)
    assert 0 < timescales(np.zeros((5, 1)))[0] < 0.01


def test_chrono_initialisation_spreads_timescales_up_to_the_length_it_was_given() -> None:
    """Biases alone: without an input, f = 1 - 1 / T with T drawn from 1 to the longest (Tallec & Ollivier 2018)."""
    torch.manual_seed(0)
    layer = nn.LSTM(1, 200)
    nn.chrono_(layer, 100)
    with torch.no_grad():
        layer.weight_hh_l0.zero_()
    gates = nn.watch(layer, torch.zeros(20, 1, 1)).gates["l0"]
    kept = equations_of(layer).kept(gates)
    assert kept is not None
    scales = timescales(kept[:, 0].numpy())
    assert scales.max() < 100
    assert np.quantile(scales, 0.9) > 70
    assert 35 < np.median(scales) < 65
