"""Densities as forecasts, against scipy: likelihoods, quantiles, and what they learn."""

from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from torch import Tensor

from gatecast.models.distributions import COUNTS, DENSITIES, Mixture

LEVELS = torch.tensor([0.01, 0.1, 0.5, 0.9, 0.99], dtype=torch.float64)
every_density = pytest.mark.parametrize("name", [name for name in DENSITIES if name not in COUNTS])


def drawn(name: str, spread: float = 1.0) -> tuple[Tensor, Tensor]:
    """Raw outputs and a base for 40 steps."""
    torch.manual_seed(0)
    raw = spread * torch.randn(40, DENSITIES[name].parameters, dtype=torch.float64)
    return raw, torch.randn(40, dtype=torch.float64)


def scipys(name: str, raw: Tensor, base: Tensor) -> Any:
    """`logpdf` and `cdf` of the same density, by scipy."""
    values, place = raw.numpy(), base.numpy()
    scale = np.logaddexp(0, values) + 1e-3
    if name == "normal":
        return scipy.stats.norm(place + values[:, 0], scale[:, 1])
    if name == "student":
        return scipy.stats.t(2 + np.logaddexp(0, values[:, 2]), place + values[:, 0], scale[:, 1])
    return ScipyMixture(values, place, scale)


class ScipyMixture:
    """Three Normals, summed in plain words."""

    def __init__(self, values: np.ndarray, place: np.ndarray, scale: np.ndarray) -> None:
        self.weights = scipy.special.softmax(values[:, :3], axis=1)
        places = place[:, None] + values[:, 3:6] + np.array([-1.0, 0.0, 1.0])
        self.parts = scipy.stats.norm(places, scale[:, 6:])

    def logpdf(self, values: np.ndarray) -> np.ndarray:
        return np.log((self.weights * self.parts.pdf(values[..., None])).sum(axis=-1))

    def cdf(self, values: np.ndarray) -> np.ndarray:
        return (self.weights * self.parts.cdf(values[..., None])).sum(axis=-1)


@every_density
def test_the_loss_is_the_negative_log_likelihood_of_scipy(name: str) -> None:
    raw, base = drawn(name)
    actual = base + torch.randn(40, dtype=torch.float64)
    found = DENSITIES[name].loss(actual, raw, base)
    np.testing.assert_allclose(found, -scipys(name, raw, base).logpdf(actual.numpy()), rtol=1e-10)


@every_density
@pytest.mark.parametrize("spread", [0.0, 1.0, 5.0])
def test_quantiles_have_the_share_of_scipys_density_below_them(name: str, spread: float) -> None:
    raw, base = drawn(name, spread)
    found = DENSITIES[name].quantiles(raw, base, LEVELS)
    theirs = scipys(name, raw, base)
    for index, level in enumerate(LEVELS.tolist()):
        np.testing.assert_allclose(theirs.cdf(found[:, index].numpy()), level, rtol=1e-6)
    assert (found.diff(dim=-1) > 0).all()


@every_density
@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0])
def test_draws_follow_scipys_density(name: str, spread: float) -> None:
    raw, base = drawn(name, spread)
    count = 20_000
    uniform = torch.rand(count, 40, 2, dtype=torch.float64)
    found = DENSITIES[name].draw(raw.expand(count, -1, -1), base.expand(count, -1), uniform).numpy()
    below = np.sort(scipys(name, raw, base).cdf(found), axis=0)  # uniform, if they follow it
    steps = np.arange(count + 1)[:, None] / count
    apart = np.maximum(steps[1:] - below, below - steps[:-1]).max(axis=0)
    assert apart.max() < 2.23 / np.sqrt(count), "Kolmogorov-Smirnov, one in 500 for the farthest of 40 steps"


@every_density
def test_the_point_is_the_mean_of_the_draws(name: str) -> None:
    raw, base = drawn(name)
    count = 20_000
    uniform = torch.rand(count, 40, 2, dtype=torch.float64)
    found = DENSITIES[name].draw(raw.expand(count, -1, -1), base.expand(count, -1), uniform)
    error = found.std(dim=0) / count**0.5
    assert ((found.mean(dim=0) - DENSITIES[name].point(raw, base)).abs() < 5 * error).all()


@every_density
def test_the_rarest_draws_are_finite(name: str) -> None:
    least, most = 2.0**-25, 1 - 2.0**-24
    ends = torch.tensor([[least, least], [least, most], [most, least], [most, most]])
    for raw in (-20.0, 0.0, 20.0):
        parameters = torch.full((4, DENSITIES[name].parameters), raw)
        assert DENSITIES[name].draw(parameters, torch.zeros(4), ends).isfinite().all()


@every_density
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    raw, base = drawn(name)
    actual = base + torch.randn(40, dtype=torch.float64)
    ends = (raw[:6].clone().requires_grad_(), base[:6].clone().requires_grad_())
    assert torch.autograd.gradcheck(lambda raw, base: DENSITIES[name].loss(actual[:6], raw, base), ends)


@pytest.mark.parametrize("name", ["normal", "mixture"])
def test_gradients_of_quantiles_are_those_of_finite_differences(name: str) -> None:
    raw, base = drawn(name)
    ends = (raw[:6].clone().requires_grad_(), base[:6].clone().requires_grad_())
    assert torch.autograd.gradcheck(lambda raw, base: DENSITIES[name].quantiles(raw, base, LEVELS), ends, atol=1e-4)


@pytest.mark.parametrize("name", DENSITIES)
def test_quantiles_are_the_same_where_gradients_are_wanted(name: str) -> None:
    raw, base = drawn(name)
    wanted = DENSITIES[name].quantiles(raw.clone().requires_grad_(), base.exp(), LEVELS)
    assert wanted.requires_grad
    assert torch.equal(wanted.detach(), DENSITIES[name].quantiles(raw, base.exp(), LEVELS))


@every_density
def test_outputs_of_zero_put_the_median_on_the_base(name: str) -> None:
    base = torch.randn(7)
    raw = torch.zeros(7, DENSITIES[name].parameters)
    median = DENSITIES[name].quantiles(raw, base, torch.tensor([0.5]))[:, 0]
    torch.testing.assert_close(median, base, rtol=0, atol=1e-6)


@every_density
@pytest.mark.parametrize("extreme", [-1e4, 1e4])
def test_extreme_outputs_stay_finite(name: str, extreme: float) -> None:
    raw = torch.full((1, DENSITIES[name].parameters), extreme).requires_grad_()
    loss = DENSITIES[name].loss(torch.zeros(1), raw, torch.zeros(1)).sum()
    loss.backward()
    assert loss.isfinite()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()
    assert DENSITIES[name].quantiles(raw.detach(), torch.zeros(1), torch.tensor([0.1, 0.9])).isfinite().all()


def learnt(name: str, sample: Tensor) -> Tensor:
    """The raw outputs under which a sample is likeliest."""
    raw = torch.zeros(DENSITIES[name].parameters, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([raw], max_iter=300, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = DENSITIES[name].loss(sample, raw.expand(len(sample), -1), torch.zeros_like(sample)).mean()
        loss.backward()
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return raw.detach()


def test_the_likeliest_normal_has_the_mean_and_the_spread_of_the_sample() -> None:
    torch.manual_seed(0)
    sample = 3 + 2 * torch.randn(500, dtype=torch.float64)
    density = DENSITIES["normal"].of(learnt("normal", sample)[None], torch.zeros(1, dtype=torch.float64))
    torch.testing.assert_close(density.mean[0], sample.mean(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(density.stddev[0], sample.std(correction=0), rtol=1e-4, atol=1e-4)


def test_a_mixture_finds_two_heaps() -> None:
    torch.manual_seed(0)
    sample = torch.cat([-4 + 0.5 * torch.randn(300), 4 + 0.5 * torch.randn(700)]).double()
    raw = learnt("mixture", sample)[None]
    found = Mixture(3).quantiles(raw, torch.zeros(1, dtype=torch.float64), torch.tensor([0.15, 0.65]).double())
    torch.testing.assert_close(found[0], torch.tensor([-4.0, 4.0]).double(), rtol=0, atol=0.15)
