from datetime import datetime

import numpy as np
import polars as pl

import gatecast as gc

chance = np.random.default_rng(0)
days = pl.datetime_range(datetime(2022, 1, 1), datetime(2024, 1, 14), "1d", eager=True)
promotion = (chance.random(len(days)) < 0.2).astype(int)
sales = 100 + 10 * np.sin(np.arange(len(days)) * 2 * np.pi / 7) + 40 * promotion + chance.normal(0, 3, len(days))
table = pl.DataFrame({"ds": days, "promotion": promotion, "sales": sales})
past, plan = table.head(-14), table.tail(14).with_columns(sales=None)  # the last two weeks are planned, not sold

for future in ([], ["promotion"]):
    model = gc.fit(past, horizon=14, future=future, past=[], hidden_size=16, steps=200)
    net = model.backtest().metrics.scores[0]
    print(f"{future!s:13}  MASE {net.mase:.2f}")

forecast = model.predict(pl.concat([past, plan])).to_frame()
print(plan["promotion"].to_list())
print(forecast["mean"].round(0).cast(int).to_list())
