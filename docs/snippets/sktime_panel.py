import numpy as np
import pandas as pd

from gatecast.adapters.sktime import GatecastForecaster

rng = np.random.default_rng(0)
days = pd.date_range("2024-01-01", periods=207, freq="D")
index = pd.MultiIndex.from_product([["north", "south"], days], names=["shop", "day"])
X = pd.DataFrame({"offer": rng.integers(0, 2, len(index)), "sun": rng.normal(size=len(index))}, index=index)
week = np.sin(2 * np.pi * index.get_level_values("day").dayofweek / 7)
y = pd.DataFrame({"sales": 100 + 10 * week + 25 * X["offer"] + rng.normal(size=len(index))})

past = index.get_level_values("day") < days[-7]
forecaster = GatecastForecaster(past=["sun"], hidden_size=16, steps=300)  # nobody knows next week's sun
forecaster.fit(y[past], X[past], fh=range(1, 8))  # one net for both shops
forecast = forecaster.predict(X=X[~past])  # offers are planned, so the net reads them a week ahead
table = y[~past].join(forecast, rsuffix=" forecast").join(X["offer"])
print(table.loc["north"].round().astype(int).to_string())
