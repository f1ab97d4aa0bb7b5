"""Scalers: fitted on what they are given (the training part), exactly invertible.

A scaler looks at one channel of one series and answers a centre and a scale; applying them is the same for all:

    scaled = (value - centre) / scale            value = scaled * scale + centre

Both run in float64, so a float32 value comes back as the same float32.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

import numpy as np
from jaxtyping import Float, Float64, Int64

from gatecast.data.panel import Panel
from gatecast.errors import OptionError


@dataclass(frozen=True, eq=False)
class Scaling:
    """Fitted numbers, one pair for each channel of each series."""

    centre: Float64[np.ndarray, "series channels"]
    scale: Float64[np.ndarray, "series channels"]

    def transform(
        self, values: Float[np.ndarray, "*rows channels"], series: Int64[np.ndarray, "*#rows"] | int
    ) -> Float64[np.ndarray, "*rows channels"]:
        """Scale rows of the given series; NaN stays NaN."""
        return np.asarray((values - self.centre[series]) / self.scale[series])

    def inverse(
        self, scaled: Float[np.ndarray, "*rows channels"], series: Int64[np.ndarray, "*#rows"] | int
    ) -> Float64[np.ndarray, "*rows channels"]:
        """Undo `transform`: for a float32 `x`, `float32(inverse(transform(x))) == x`, bit for bit.

        It holds for every value of at least 2^-24 times the centre or scale, and for zero: what is left near zero
        after the centre is added back is rounding error of the centre, so it is set to zero.
        """
        centre, scale = self.centre[series], self.scale[series]
        values = scaled * scale + centre
        return np.asarray(np.where(np.abs(values) <= np.abs(centre) * 2.0**-50, 0.0, values))


class Scaler(ABC):
    """How to find the centre and the scale of one channel."""

    @abstractmethod
    def numbers(self, observed: Float64[np.ndarray, " rows"]) -> tuple[float, float]:
        """Centre and scale of the observed (finite, at least one) values of one channel."""

    @final
    def fit(self, values: Float[np.ndarray, "rows channels"]) -> Scaling:
        """Fit each channel of one series; missing values are left out.

        A channel that is constant or never observed gets scale 1, so that it stays finite.
        """
        pairs = [self._safe_numbers(column[np.isfinite(column)]) for column in values.astype(np.float64).T]
        centre, scale = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
        return Scaling(centre[None], scale[None])

    def _safe_numbers(self, observed: Float64[np.ndarray, " rows"]) -> tuple[float, float]:
        if not len(observed):
            return 0.0, 1.0
        centre, scale = self.numbers(observed)
        # A spread of a few rounding errors of the level is no spread.
        tiny = 1e-7 * float(np.abs(observed).max())
        return centre, scale if scale > tiny else 1.0


@final
class Standard(Scaler):
    """Mean 0, standard deviation 1."""

    def numbers(self, observed: Float64[np.ndarray, " rows"]) -> tuple[float, float]:
        """Mean and population standard deviation."""
        return float(observed.mean()), float(observed.std())


@final
class MinMax(Scaler):
    """Smallest value 0, largest value 1."""

    def numbers(self, observed: Float64[np.ndarray, " rows"]) -> tuple[float, float]:
        """Minimum and range."""
        return float(observed.min()), float(np.ptp(observed))


@final
class Robust(Scaler):
    """Median 0, interquartile range 1: outliers do not move it."""

    def numbers(self, observed: Float64[np.ndarray, " rows"]) -> tuple[float, float]:
        """Median and interquartile range."""
        low, middle, high = np.percentile(observed, [25, 50, 75])
        return float(middle), float(high - low)


@final
class MeanAbs(Scaler):
    """Mean absolute value 1, zero stays zero (Salinas et al. 2020, DeepAR, section 3.3)."""

    def numbers(self, observed: Float64[np.ndarray, " rows"]) -> tuple[float, float]:
        """Zero and the mean absolute value."""
        return 0.0, float(np.abs(observed).mean())


@final
class Identity(Scaler):
    """Values as they are."""

    def numbers(self, observed: Float64[np.ndarray, " rows"]) -> tuple[float, float]:  # noqa: ARG002
        """Zero and one."""
        return 0.0, 1.0


SCALERS: Mapping[str, Scaler] = MappingProxyType(
    {"standard": Standard(), "minmax": MinMax(), "robust": Robust(), "meanabs": MeanAbs(), "none": Identity()}
)


def fit_scaling(name: str, panel: Panel, ends: Int64[np.ndarray, " series"]) -> Scaling:
    """Fit every channel of every series on its rows before `ends`, and on no other row."""
    if name not in SCALERS:
        raise OptionError(f"scaler={name!r} is unknown; the scalers are {', '.join(SCALERS)}.")
    parts = [SCALERS[name].fit(panel.values[panel.rows(i)][:end]) for i, end in enumerate(ends.tolist())]
    scaling = Scaling(np.concatenate([p.centre for p in parts]), np.concatenate([p.scale for p in parts]))
    return leave_alone(scaling, panel.columns.categorical_channels)


def leave_alone(scaling: Scaling, which: tuple[bool, ...]) -> Scaling:
    """The same scaling, but for columns that hold codes of words: those keep their values."""
    codes = np.array(which, dtype=bool)
    return Scaling(np.where(codes, 0.0, scaling.centre), np.where(codes, 1.0, scaling.scale))
