import numpy as np
import polars as pl

import gatecast as gc

rng = np.random.default_rng(0)
hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 31, 23), "1h", eager=True)
wave = np.sin(2 * np.pi * np.arange(len(hours)) / 24)
shops = [
    pl.DataFrame({"shop": name, "time": hours, "sold": level * (5 + wave) + rng.normal(scale=0.1, size=len(hours))})
    for name, level in (("north", 1.0), ("south", 300.0))
]
table = pl.concat(shops).sample(fraction=0.97, seed=0)  # rows are missing, and out of order

model = gc.fit(table, horizon=24, id="shop", target="sold", steps=100, baselines=["naive"])
for guess in model.guesses:
    if guess.what in {"frequency", "season"}:
        print(guess)
print("missing rows:", int(np.isnan(model.panel.values[:, 0]).sum()), "of", len(model.panel.values))
for shop, mean in model.predict(horizon=1).to_frame().select("unique_id", "mean").rows():
    print(f"{shop}: about {float(f'{mean:.2g}'):g} in the next hour")
