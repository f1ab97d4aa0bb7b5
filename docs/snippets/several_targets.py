import numpy as np
import polars as pl

import gatecast as gc

chance = np.random.default_rng(0)
inflow = np.sin(np.arange(600) / 8) + chance.normal(0, 0.2, 600)
level = np.convolve(inflow, np.ones(5) / 5)[:600]  # follows the inflow of the last five rows
table = pl.DataFrame({"inflow": inflow, "level": level})

for channels in ("joint", "apart"):
    model = gc.fit(table, target=["inflow", "level"], horizon=5, channels=channels, hidden_size=16, steps=200)
    print(f"{channels:5}  MASE {model.backtest().metrics.scores[0].mase:.3f}")
print(model.predict().to_frame().filter(ds=604).select("target", "mean", "q0.1", "q0.9"))
