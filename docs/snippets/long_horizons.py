import numpy as np
import polars as pl

import gatecast as gc

chance = np.random.default_rng(0)
hours = np.arange(2500)
load = np.sin(hours * 2 * np.pi / 24) * (2 + np.sin(hours * 2 * np.pi / 168)) + chance.normal(0, 0.3, len(hours))
table = pl.DataFrame({"load": load})

ways = {"row by row": {}, "by segments": {"segment": 24, "decode": "segments"}}
for name, way in ways.items():
    settings = {"lookback": 336, "season": 24, "subtract": "mean", "hidden_size": 16, "steps": 200}
    model = gc.fit(table, horizon=168, **settings, **way)
    score, updates = model.backtest().metrics.scores[0], 336 // way.get("segment", 1)
    print(f"{name:11}  {updates:3} updates of the state  MASE {score.mase:.3f}")
