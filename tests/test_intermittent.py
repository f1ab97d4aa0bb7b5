"""Counts that are nearly always zero: every scaler stays finite and comes back exactly, and a net trains on them."""

import numpy as np
import polars as pl
import pytest

from gatecast.data.scalers import SCALERS
from gatecast.workflow import fit
from small_tables import SMALL

RARE = {
    "all zero": np.zeros(1000),
    "one in a thousand": np.where(np.arange(1000) == 500, 1.0, 0.0),
    "one in two million": np.where(np.arange(2_000_000) == 7, 3.0, 0.0),
    "one, huge": np.where(np.arange(1000) == 500, 3e38, 0.0),
    "one, tiny": np.where(np.arange(1000) == 500, 1e-38, 0.0),
    "a few counts": np.random.default_rng(0).poisson(0.02, 1000).astype(float),
    "mostly missing": np.where(np.arange(1000) % 100 == 0, 0.0, np.nan),
}


@pytest.mark.parametrize("values", RARE.values(), ids=RARE)
@pytest.mark.parametrize("name", SCALERS)
def test_scalers_of_rare_counts_are_finite_and_exact(name: str, values: np.ndarray) -> None:
    given = values.astype(np.float32)[:, None]
    scaling = SCALERS[name].fit(given)
    assert np.isfinite(scaling.centre).all()
    assert (np.isfinite(scaling.scale) & (scaling.scale > 0)).all()
    scaled = scaling.transform(given, 0)
    assert np.array_equal(np.isfinite(scaled.astype(np.float32)), np.isfinite(given))
    assert np.array_equal(scaling.inverse(scaled, 0).astype(np.float32), given, equal_nan=True)


def test_the_mean_absolute_value_of_rare_counts_keeps_zero_at_zero() -> None:
    for values in RARE.values():
        scaling = SCALERS["meanabs"].fit(values[:, None])
        assert scaling.centre[0, 0] == 0
        assert (scaling.transform(values[values == 0][:, None], 0) == 0).all()


def test_a_net_trains_on_sales_that_start_after_the_training_part() -> None:
    sales = np.random.default_rng(1).poisson(0.1, 160).astype(float)
    sales[:100] = 0
    model = fit(pl.DataFrame({"y": sales}), scaler="meanabs", **SMALL)
    assert np.isfinite([step.loss for step in model.steps]).all()
    assert np.isfinite(model.predict().forecast.quantiles).all()
