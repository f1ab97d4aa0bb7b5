import datetime as dt

import numpy as np
import polars as pl

import gatecast as gc

days = pl.date_range(dt.date(2024, 1, 1), dt.date(2024, 12, 31), eager=True)
price = 10 - 3 * (np.arange(len(days)) % 10 == 0)  # planned: every tenth day is cheap
sold = 100 - 8 * price + np.random.default_rng(0).normal(size=len(days))
known = len(days) - 14  # of the last fortnight only the price is known
table = pl.DataFrame({"day": days, "price": price, "sold": [*sold[:known], *[None] * 14]})

model = gc.fit(table, horizon=14, target="sold", future="price", steps=150, baselines=["naive"])
frame = model.predict().to_frame()  # rows with an empty target are to come
for day, mean in frame.select("ds", "mean").slice(6, 4).rows():
    print(f"{day:%d %b}: about {5 * round(mean / 5)}")

gc.save(model, "saved")  # model.json and weights.safetensors
same = gc.load("saved").predict(table).to_frame()
print("loaded, it says the same:", same.equals(frame))

again = gc.fit(table, horizon=14, target="sold", future="price", steps=150, baselines=["naive"])
print("fitted again, the same bits:", again.predict().to_frame().equals(frame))
