"""Two shops, the last three days of each forecast from three cutoffs, and scored by utilsforecast."""

import numpy as np
import pandas as pd
from utilsforecast.evaluation import evaluate
from utilsforecast.losses import coverage, mae

from gatecast.adapters.nixtla import NixtlaForecaster

rng = np.random.default_rng(0)
hours = np.arange(24 * 28)
shops = {"north": 50.0, "south": 200.0}
df = pd.concat(
    pd.DataFrame(
        {
            "unique_id": name,
            "ds": pd.date_range("2024-01-01", periods=len(hours), freq="h"),
            "y": level + level / 5 * np.sin(2 * np.pi * hours / 24) + level / 50 * rng.normal(size=len(hours)),
        }
    )
    for name, level in shops.items()
)

net = NixtlaForecaster(h=24, level=[80], hidden_size=16, steps=200)
found = net.cross_validation(df, n_windows=3, level=[80])
print(found.head(3).to_string(index=False, float_format="%.1f"))

day_before = df.assign(ds=df["ds"] + pd.Timedelta("1D")).rename(columns={"y": "seasonal_naive"})
scores = evaluate(found.merge(day_before, on=["unique_id", "ds"]), [mae], agg_fn="mean")
print(f"mean absolute error {scores['gatecast'].mean():.2f}, of the day before {scores['seasonal_naive'].mean():.2f}")
inside = evaluate(found, [coverage], level=[80])["gatecast"].mean()
print(f"{inside:.0%} of the actuals lie in the interval of 80 %")

ahead = net.fit(df).predict(level=[80])
print(ahead.head(2).to_string(index=False, float_format="%.1f"))
