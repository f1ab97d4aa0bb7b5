"""Distributions as forecasts: what the head says of each step becomes the parameters of a density on the scaled values.

The loss is the negative log-likelihood of what was observed; quantiles are read off the same density, so they cannot
cross.  An untrained head says zero everywhere: a density around the base, the naive forecast.

normal     location and scale                                  Salinas et al. 2020, DeepAR, section 3.1
student    location, scale and degrees of freedom above 2      heavier tails, with a variance that exists
mixture    weights, locations and scales of K Normals          Bishop 1994, mixture density networks, eq. 22-26

Counts have a distribution of their own, on the original scale, for neither a shift nor a scale leaves them whole:

negative_binomial    mean and shape, in units of the window's mean        Salinas et al. 2020, section 3.1 and eq. 4
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, distributions
from torch.nn.functional import softplus

LEAST_SCALE = 1e-3  # of the scaled values: a constant stretch must not make the likelihood grow without bound
MIDDLE = 0.5413248546129181  # softplus of it is 1
LEAST_MEAN = 1e-6  # of the window's mean: a count that is never seen is still possible
HALVINGS = 40  # of the bracket around a quantile: down to rounding


class Density(ABC):
    """How raw outputs become a density for each step and target."""

    parameters: int
    """Raw outputs for each step and target."""

    @abstractmethod
    def of(self, raw: Float[Tensor, "*shape parameters"], base: Float[Tensor, "*shape"]) -> distributions.Distribution:
        """The density that raw outputs stand for, around a base."""

    @abstractmethod
    def quantiles(
        self, raw: Float[Tensor, "*shape parameters"], base: Float[Tensor, "*shape"], levels: Float[Tensor, " levels"]
    ) -> Float[Tensor, "*shape levels"]:
        """Its quantiles at ascending levels; gradients flow through them to what a forecast was made of."""

    @abstractmethod
    def draw(
        self,
        raw: Float[Tensor, "*shape parameters"],
        base: Float[Tensor, "*shape"],
        uniform: Float[Tensor, "*shape two"],
    ) -> Float[Tensor, "*shape"]:
        """One value from each density, made of two independent numbers that are uniform between 0 and 1."""

    @final
    def point(self, raw: Float[Tensor, "*shape parameters"], base: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Its mean."""
        return self.of(raw, base).mean.to(raw.dtype)

    @final
    def loss(
        self, actual: Float[Tensor, "*shape"], raw: Float[Tensor, "*shape parameters"], base: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """The negative log-likelihood of what was observed."""
        return -self.of(raw, base).log_prob(actual)


@final
class Normal(Density):
    """A Normal: raw outputs are the location beside the base and the scale before softplus."""

    parameters = 2

    def of(self, raw: Tensor, base: Tensor) -> distributions.Normal:
        """The density."""
        return distributions.Normal(base + raw[..., 0], _scale(raw[..., 1]), validate_args=False)

    def quantiles(self, raw: Tensor, base: Tensor, levels: Tensor) -> Tensor:
        """By the inverse distribution function."""
        density = self.of(raw.unsqueeze(-2), base.unsqueeze(-1))
        return density.icdf(levels)

    def draw(self, raw: Tensor, base: Tensor, uniform: Tensor) -> Tensor:
        """By the inverse distribution function."""
        density = self.of(raw, base)
        return density.loc + density.scale * torch.special.ndtri(uniform[..., 0])


@final
class Student(Density):
    """Student's t: as the Normal, and a third raw output for the degrees of freedom."""

    parameters = 3

    def of(self, raw: Tensor, base: Tensor) -> distributions.StudentT:
        """The density."""
        freedom = 2 + softplus(raw[..., 2])
        return distributions.StudentT(freedom, base + raw[..., 0], _scale(raw[..., 1]), validate_args=False)

    def quantiles(self, raw: Tensor, base: Tensor, levels: Tensor) -> Tensor:
        """By the inverse distribution function of scipy, which torch does not have.

        Derivatives take the degrees of freedom as given.
        """
        from scipy.special import stdtrit  # noqa: PLC0415 - heavy, and only this density needs it

        density = self.of(raw, base)
        freedom = density.df.detach().double().unsqueeze(-1).numpy()
        steps = torch.from_numpy(stdtrit(freedom, levels.double().numpy())).to(raw.dtype)
        return density.loc.unsqueeze(-1) + density.scale.unsqueeze(-1) * steps

    def draw(self, raw: Tensor, base: Tensor, uniform: Tensor) -> Tensor:
        """In polar coordinates (Bailey 1994, "Polar generation of random variates with the t-distribution")."""
        density = self.of(raw, base)
        radius = (density.df * torch.expm1(-2 / density.df * uniform[..., 0].log())).sqrt()
        return density.loc + density.scale * radius * torch.cos(2 * torch.pi * uniform[..., 1])


@final
class Mixture(Density):
    """K Normals: raw outputs are their weights before softmax, their locations beside the base, and their scales."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.parameters = 3 * count

    def of(self, raw: Tensor, base: Tensor) -> distributions.MixtureSameFamily:
        """The density; at first the Normals stand apart, because what is alike would learn alike."""
        weights, places, scales = raw.unflatten(-1, (3, self.count)).unbind(-2)
        apart = torch.linspace(-1, 1, self.count, dtype=raw.dtype)
        parts = distributions.Normal(base.unsqueeze(-1) + places + apart, _scale(scales), validate_args=False)
        shares = distributions.Categorical(logits=weights, validate_args=False)
        return distributions.MixtureSameFamily(shares, parts, validate_args=False)

    def quantiles(self, raw: Tensor, base: Tensor, levels: Tensor) -> Tensor:
        """By halving a bracket, and where gradients are wanted by the derivative of an inverse function."""
        density = self.of(raw.unsqueeze(-2), base.unsqueeze(-1))  # (*shape, 1)
        found = self._halved(density, levels)
        if not (torch.is_grad_enabled() and (raw.requires_grad or base.requires_grad)):
            return found
        reached = density.cdf(found)  # F(q) = level, so dq = -dF / f(q)
        return found + (reached.detach() - reached) / _positive(density.log_prob(found).detach().exp())

    @torch.no_grad()
    def _halved(self, density: distributions.MixtureSameFamily, levels: Tensor) -> Tensor:
        """A quantile of the whole lies between the least and the largest of its parts."""
        ends = density.component_distribution.icdf(levels.unsqueeze(-1))  # (*shape, levels, K)
        low, high = ends.amin(-1), ends.amax(-1)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = density.cdf(middle) < levels
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return (low + high) / 2

    def draw(self, raw: Tensor, base: Tensor, uniform: Tensor) -> Tensor:
        """One of the Normals, by the shares of their weights; then a value of it."""
        density = self.of(raw, base)
        ends = density.mixture_distribution.probs.cumsum(dim=-1)[..., :-1]
        chosen = (uniform[..., :1] > ends).sum(dim=-1, keepdim=True)
        place, scale = (
            getattr(density.component_distribution, name).gather(-1, chosen)[..., 0] for name in ("loc", "scale")
        )
        return place + scale * torch.special.ndtri(uniform[..., 1])


@final
class NegativeBinomial(Density):
    """Counts: raw outputs are the mean and the shape before softplus, and `base` is the scale v of the window.

    The mean m is v softplus(.), the shape a is softplus(.) / sqrt(v), and the variance m + a m^2; outputs of zero put
    the mean on v.  The likelihood of large counts is a small difference of large numbers: it is taken in float64.
    """

    parameters = 2

    def of(self, raw: Tensor, base: Tensor) -> distributions.NegativeBinomial:
        """The distribution."""
        raw, base = raw.double(), base.double()
        mean = base * (softplus(raw[..., 0] + MIDDLE) + LEAST_MEAN)
        shape = _scale(raw[..., 1]) / base.sqrt()
        return distributions.NegativeBinomial(1 / shape, logits=(shape * mean).log(), validate_args=False)

    def quantiles(self, raw: Tensor, base: Tensor, levels: Tensor) -> Tensor:
        """Whole numbers, by scipy's inverse distribution function; they have no derivative, so they take the mean's."""
        found, mean = self._inverse(raw.unsqueeze(-2), base.unsqueeze(-1), levels), self.point(raw, base).unsqueeze(-1)
        return found + (mean - mean.detach())

    def draw(self, raw: Tensor, base: Tensor, uniform: Tensor) -> Tensor:
        """By scipy's inverse distribution function; without gradients."""
        return self._inverse(raw, base, uniform[..., 0])

    @torch.no_grad()
    def _inverse(self, raw: Tensor, base: Tensor, levels: Tensor) -> Tensor:
        from scipy.stats import nbinom  # noqa: PLC0415 - heavy, and only counts need it

        counts = self.of(raw, base)
        failures = torch.sigmoid(-counts.logits)  # torch counts the others
        found = nbinom.ppf(levels.double().numpy(), counts.total_count.numpy(), failures.numpy())
        return torch.from_numpy(np.asarray(found)).to(raw.dtype)


def _positive(density: Tensor) -> Tensor:
    """What can be divided by, where a density is too thin for its type."""
    return density.clamp(min=torch.finfo(density.dtype).tiny)


def _scale(raw: Tensor) -> Tensor:
    return softplus(raw) + LEAST_SCALE


DENSITIES: Mapping[str, Density] = MappingProxyType(
    {"normal": Normal(), "student": Student(), "mixture": Mixture(3), "negative_binomial": NegativeBinomial()}
)
COUNTS = ("negative_binomial",)
"""Those whose base is not added to, but the scale of the window that the counts lie in."""
