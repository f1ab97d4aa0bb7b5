"""Scalers: fitted on the training part, exactly invertible."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import preprocessing

from builders import poisoned, waves
from gatecast.data.scalers import SCALERS, fit_scaling
from gatecast.errors import OptionError

NAMES = sorted(SCALERS)


@pytest.mark.parametrize("name", NAMES)
@given(
    values=arrays(
        np.float32, (20, 2), elements=st.floats(-1e4, 1e4, width=16).filter(lambda x: x == 0 or abs(x) > 1e-2)
    )
)
def test_scaler_inverse_is_exact(name: str, values: np.ndarray) -> None:
    scaling = SCALERS[name].fit(values)
    back = scaling.inverse(scaling.transform(values, 0), 0).astype(np.float32)
    np.testing.assert_array_equal(back, values)


@pytest.mark.parametrize("name", NAMES)
def test_inverse_is_exact_on_values_never_seen(name: str) -> None:
    rng = np.random.default_rng(0)
    scaling = SCALERS[name].fit(rng.normal(500, 30, size=(400, 3)).astype(np.float32))
    values = rng.normal(500, 300, size=(10_000, 3)).astype(np.float32)
    np.testing.assert_array_equal(scaling.inverse(scaling.transform(values, 0), 0).astype(np.float32), values)


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("standard", preprocessing.StandardScaler()),
        ("minmax", preprocessing.MinMaxScaler()),
        ("robust", preprocessing.RobustScaler()),
    ],
)
def test_scalers_agree_with_scikit_learn(name: str, oracle: preprocessing.StandardScaler) -> None:
    values = np.random.default_rng(1).gamma(2.0, 3.0, size=(101, 4))
    expected = oracle.fit_transform(values)
    np.testing.assert_allclose(SCALERS[name].fit(values).transform(values, 0), expected, rtol=1e-12, atol=1e-12)


def test_mean_abs_scales_by_the_mean_absolute_value_and_keeps_zero() -> None:
    scaling = SCALERS["meanabs"].fit(np.array([[-2.0], [0.0], [4.0]]))
    np.testing.assert_array_equal(scaling.transform(np.array([[2.0], [0.0]]), 0), [[1.0], [0.0]])


@pytest.mark.parametrize("name", NAMES)
def test_missing_constant_and_empty_channels_stay_finite(name: str) -> None:
    values = np.column_stack([np.full(5, 7.0), np.full(5, np.nan), [1.0, np.nan, 2.0, np.nan, 3.0]])
    scaled = SCALERS[name].fit(values).transform(np.nan_to_num(values), 0)
    assert np.isfinite(scaled).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("poison", [np.nan, 1e9])
def test_scaling_never_sees_a_row_after_its_end(name: str, poison: float) -> None:
    panel, ends = waves(), np.array([100, 50])
    clean = fit_scaling(name, panel, ends)
    dirty = fit_scaling(name, poisoned(panel, ends, poison), ends)
    np.testing.assert_array_equal(clean.centre, dirty.centre)
    np.testing.assert_array_equal(clean.scale, dirty.scale)


def test_an_unknown_scaler_is_refused_with_the_list() -> None:
    with pytest.raises(OptionError, match=r"scaler='zscore' is unknown; the scalers are standard, minmax"):
        fit_scaling("zscore", waves(), np.array([10, 10]))
