from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

import gatecast as gc

noise = np.random.default_rng(0).normal(0, 5, 300)
table = pl.DataFrame(
    {
        "日期": pl.date_range(date(2023, 1, 1), date(2023, 10, 27), eager=True),
        "销量": 100 + 30 * np.sin(2 * np.pi * np.arange(300) / 7) + noise,
    }
)

model = gc.fit(table, horizon=7, steps=50)  # 也可以是文件名；步数少只为演示，平时不必写
print(model.backtest().to_frame().columns)  # 滚动起点回测，各个基线用同样的窗口
print(model.predict().to_frame().columns)  # 表尾之后 7 天，带分位数

with TemporaryDirectory() as folder:
    gc.save(model, Path(folder) / "model")  # model.json + weights.safetensors，没有 pickle
    later = gc.load(Path(folder) / "model")
print(later.predict(table).to_frame()["ds"][0])

stream = model.stream()  # 已经读完整张表
stream.observe("series", "2023-10-28", 104.2)  # 来一个新观测，只走一步
print(stream.forecast("series", horizon=7).times[0, 0])
