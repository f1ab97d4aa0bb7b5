import numpy as np
import polars as pl

import gatecast as gc

rng = np.random.default_rng(0)
wave = 10 * np.sin(2 * np.pi * np.arange(1500) / 24) + rng.normal(size=1500)
model = gc.fit(pl.DataFrame({"y": wave}), horizon=12, steps=100, baselines=["naive"])

metrics = model.backtest().metrics
net = metrics.scores[0]
shares = [round(share, 1) for share in net.below.values()]
print("the 80 % interval covers about 80 %:", abs(net.coverage - 0.8) < 0.1)
print("below each quantile:", dict(zip(net.below, shares, strict=True)))
by_step = metrics.by_step[net.model]["coverage"]
print(len(by_step), "steps, each has a coverage of its own:", bool(np.std(by_step) > 0))
