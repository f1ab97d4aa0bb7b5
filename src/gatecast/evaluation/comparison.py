"""Is one forecaster better than another, or was it lucky?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.data.splits import Origins

ENOUGH = 8
DIEBOLD_MARIANO = "Diebold-Mariano"
BOOTSTRAP = "paired bootstrap"
TOO_FEW = "too few windows to tell"


@dataclass(frozen=True)
class DMResult:
    """The corrected Diebold-Mariano statistic, negative when the first forecaster is better, and its p-value."""

    statistic: float
    p_value: float


@dataclass(frozen=True, eq=False)
class Paired:
    """The losses of two forecasters in the same windows, as far as any test asks.

    Attributes:
        mean: the mean over windows of the first's loss less the second's.
        one_clock: whether cutoffs can be compared between series.
        first: the mean loss of the first forecaster over all series at each cutoff, in time order.
        second: that of the second.
        series: the mean difference of each series.
        windows: the difference of each window; it may be left out where there are `ENOUGH` series.
        overlap: the most later windows of one series that share rows with a window.
    """

    mean: float
    one_clock: bool
    first: Float64[np.ndarray, " cutoffs"]
    second: Float64[np.ndarray, " cutoffs"]
    series: Float64[np.ndarray, " series"]
    windows: Float64[np.ndarray, " windows"]
    overlap: int


@dataclass(frozen=True)
class Comparison:
    """What a test found.

    Attributes:
        difference: mean loss of the first forecaster less that of the second; negative when the first is better.
        p_value: how likely a difference this large is between equally good forecasters (two-sided).
        test: the name of the test.
    """

    difference: float
    p_value: float
    test: str

    @property
    def clear(self) -> bool:
        """Whether chance alone would rarely (p < 0.05) bring such a difference about."""
        return self.p_value < 0.05


def diebold_mariano(
    loss_a: Float64[np.ndarray, " times"], loss_b: Float64[np.ndarray, " times"], lags: int
) -> DMResult:
    """Test whether two forecasters have the same expected loss (Diebold & Mariano 1995).

    The variance of the mean difference is (g_0 + 2 sum_{k=1}^{lags} g_k) / n with g_k the autocovariances (their
    eq. 6; with Bartlett's falling weights, Newey & West 1987, when that is not positive).  The statistic is shrunk for
    small samples and compared with a t distribution with n - 1 degrees (Harvey, Leybourne & Newbold 1997, eq. 9).

    Args:
        loss_a: losses of the first forecaster, in time order.
        loss_b: losses of the second, at the same times.
        lags: how many neighbours on each side a difference may be correlated with; below `times - 1`.
    """
    from scipy.stats import t as student  # noqa: PLC0415

    difference = loss_a - loss_b
    times, mean = len(difference), float(np.mean(loss_a - loss_b))
    variance = _long_run_variance(difference - mean, lags) / times
    if variance <= 0:
        return DMResult(float(np.sign(mean)) * np.inf if mean else 0.0, 0.0 if mean else 1.0)
    steps = lags + 1
    shrink = np.sqrt((times + 1 - 2 * steps + steps * (steps - 1) / times) / times)
    statistic = float(mean / np.sqrt(variance) * shrink)
    return DMResult(statistic, float(2 * student.sf(abs(statistic), times - 1)))


def _long_run_variance(centred: Float64[np.ndarray, " times"], lags: int) -> float:
    times = len(centred)
    covariance = np.asarray([centred[k:] @ centred[: times - k] / times for k in range(lags + 1)])
    rectangular = float(covariance[0] + 2 * covariance[1:].sum())
    if rectangular > 0:
        return rectangular
    weights = 1 - np.arange(1, lags + 1) / (lags + 1)
    return float(covariance[0] + 2 * weights @ covariance[1:])


def paired_bootstrap(difference: Float64[np.ndarray, " units"], seed: int = 0, rounds: int = 2000) -> float:
    """The two-sided p-value of a mean difference of zero, from `rounds` resamples of the units around their mean.

    One is added above and below (Davison & Hinkley 1997, eq. 4.11), so the p-value is at least 1 / (rounds + 1).
    The order in which the units come does not matter.
    """
    random, difference = np.random.default_rng(seed), np.sort(difference)
    units = len(difference)
    mean = difference.mean()
    batch = max(1, 1_000_000 // units)
    sizes = [min(batch, rounds - done) for done in range(0, rounds, batch)]
    draws = [(difference - mean)[random.integers(units, size=(size, units))].mean(axis=1) for size in sizes]
    # A resample that repeats the sample itself may differ in the last bits.
    as_large = np.abs(np.concatenate(draws)) >= abs(mean) * (1 - 1e-12)
    return float((1 + as_large.sum()) / (rounds + 1))


def compare(
    loss_a: Float64[np.ndarray, " windows"],
    loss_b: Float64[np.ndarray, " windows"],
    origins: Origins,
    cutoffs: np.ndarray,
    horizon: int,
) -> Comparison:
    """Compare two forecasters by their loss in each window, with the test that the windows allow.

    With at least eight cutoffs on one clock: Diebold-Mariano over time, on the mean loss of all series at each cutoff.
    Otherwise, with at least eight series (or else eight windows): a bootstrap over the mean loss of each series (or
    each window).  Otherwise nothing can be told, and p is 1.

    Args:
        loss_a: mean loss over the horizon of the first forecaster, for each window.
        loss_b: the same of the second.
        origins: where the windows start.
        cutoffs: the last known time of each window, (windows,); row numbers are a clock only within one series.
        horizon: rows forecast from each origin.
    """
    return compare_paired(
        Paired(
            mean=float(np.mean(loss_a - loss_b)),
            one_clock=np.issubdtype(cutoffs.dtype, np.datetime64) or len(np.unique(origins.series)) == 1,
            first=_mean_by(loss_a, cutoffs),
            second=_mean_by(loss_b, cutoffs),
            series=_mean_by(loss_a - loss_b, origins.series),
            windows=loss_a - loss_b,
            overlap=longest_overlap(origins, horizon),
        )
    )


def compare_paired(losses: Paired) -> Comparison:
    """As `compare`, from what the windows come to."""
    if losses.one_clock and len(losses.first) >= ENOUGH:
        return _over_time(losses)
    units = losses.series if len(losses.series) >= ENOUGH else losses.windows
    if len(units) < ENOUGH:
        return Comparison(losses.mean, 1.0, TOO_FEW)
    return Comparison(float(units.mean()), paired_bootstrap(units), BOOTSTRAP)


def _over_time(losses: Paired) -> Comparison:
    """Diebold-Mariano with lags for the windows that overlap, and at least n^(1/3) for what the overlap leaves."""
    a, b = losses.first, losses.second
    lags = max(losses.overlap, int(np.cbrt(len(a))))
    if lags > len(a) // 2:
        return Comparison(float(np.mean(a - b)), 1.0, TOO_FEW)
    return Comparison(float(np.mean(a - b)), diebold_mariano(a, b, lags).p_value, DIEBOLD_MARIANO)


def longest_overlap(origins: Origins, horizon: int) -> int:
    """The most later windows that share rows with a window, in the series with the most windows."""
    position = np.sort(origins.position[origins.series == np.bincount(origins.series).argmax()])
    ends: Int64[np.ndarray, " some"] = np.searchsorted(position, position + horizon)
    return int((ends - np.arange(len(position)) - 1).max())


def _mean_by(loss: Float64[np.ndarray, " windows"], key: np.ndarray) -> Float64[np.ndarray, " groups"]:
    """The mean loss of each group of windows, in the order of their keys."""
    _, group = np.unique(key, return_inverse=True)
    return np.asarray(np.bincount(group, weights=loss) / np.bincount(group), dtype=np.float64)
