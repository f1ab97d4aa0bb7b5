from datetime import datetime, timedelta

import numpy as np
import polars as pl

import gatecast as gc

chance = np.random.default_rng(0)
rows = [
    {
        "shop": f"shop_{shop}",
        "ds": datetime(2024, 1, 1) + timedelta(days=day),
        "city": ["Oslo", "Lima"][shop % 2],
        "sales": (shop + 1) * (10 + (day % 7) * (1 + shop % 2) + chance.normal()),
    }
    for shop in range(12)
    for day in range(140 + 10 * shop)  # they need not be of one length
]
table = pl.DataFrame(rows)

model = gc.fit(table, horizon=7, id="shop", static=["city"], hidden_size=16, steps=200)
print(model.backtest().metrics.verdict.text)

new = table.filter(pl.col("shop") == "shop_3").with_columns(shop=pl.lit("opened yesterday")).tail(60)
print(model.predict(new).to_frame().select("unique_id", "ds", pl.col("mean").round()).head(3))
