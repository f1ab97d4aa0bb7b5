import numpy as np
import polars as pl

import gatecast as gc

chance = np.random.default_rng(0)
week = np.tile([0.1, 0.1, 0.2, 0.3, 0.6, 2.0, 1.0], 80)  # spare parts asked for on a day: mostly none
table = pl.DataFrame({"asked_for": chance.poisson(week)})

settings = {"horizon": 7, "season": 7, "quantiles": (0.1, 0.5, 0.9), "hidden_size": 16, "steps": 200}
for loss in ("quantile", "negative_binomial"):
    model = gc.fit(table, loss=loss, **settings)
    net = model.backtest().metrics.scores[0]
    print(f"{loss:17}  MASE {net.mase:.3f}, pinball {net.pinball:.3f}")
print(model.predict().to_frame().select("mean", "q0.1", "q0.5", "q0.9"))
