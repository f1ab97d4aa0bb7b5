import numpy as np
import polars as pl

import gatecast as gc

rng = np.random.default_rng(0)
steps = np.arange(120)
parts = [  # thirty series, each a wave of its own length
    pl.DataFrame(
        {"unique_id": f"s{n:02d}", "ds": steps, "y": np.sin(steps / rng.uniform(0.5, 3)) + 0.2 * rng.normal(size=120)}
    )
    for n in range(30)
]
days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 4, 29), eager=True)
table = pl.concat([part.with_columns(ds=days) for part in parts])

model = gc.fit(table, horizon=4, lookback=16, steps=200, local=True, baselines=["naive", "mean"])
metrics = model.backtest().metrics
print([score.model for score in metrics.scores], "on", metrics.windows, "windows")
print("the best simple method:", metrics.verdict.best_baseline)
for duel in metrics.duels:
    print("the one net against", duel.rival, "has a skill of about", round(duel.skill, 1))
