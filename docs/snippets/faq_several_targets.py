import numpy as np
import polars as pl

import gatecast as gc

rng = np.random.default_rng(0)
first = rng.normal(size=1200)  # nobody can foresee it
table = pl.DataFrame({"first": first, "second": np.roll(first, 3)})  # second follows first by three rows

for channels in ("joint", "apart"):
    model = gc.fit(table, horizon=3, target=["first", "second"], channels=channels, steps=300, baselines=["naive"])
    print(f"{channels}: MASE {model.backtest().metrics.scores[0].mase:.1f}")
print(model.predict().to_frame().columns)
