"""A pump whose power follows the flow of a minute ago times that of three minutes ago: a search over splits by time."""

import numpy as np
import polars as pl
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from gatecast.adapters.flat_windows import flat_windows
from gatecast.adapters.sklearn import GatecastRegressor
from gatecast.data.columns import TableOptions

rng = np.random.default_rng(0)
flow = rng.normal(size=1500)
power = np.roll(flow, 1) * np.roll(flow, 3) + 0.1 * rng.normal(size=1500)
table = pl.DataFrame({"flow": flow, "power": power})

windows = flat_windows(table, lookback=6, table=TableOptions(target=("power",), past=("flow",)))
print(windows.X.shape, windows.columns[-4:])

splits = TimeSeriesSplit(n_splits=2)
net = GatecastRegressor(lookback=6, steps=300)
search = GridSearchCV(net, {"hidden_size": [8, 32]}, cv=splits)
search.fit(windows.X, windows.y)
linear = cross_val_score(LinearRegression(), windows.X, windows.y, cv=splits)

print(search.best_params_)
print(f"R2 of the net {search.best_score_:.2f}, of a straight line {linear.mean():.2f}")
print("the next minute:", search.predict(windows.newest).round(3))
