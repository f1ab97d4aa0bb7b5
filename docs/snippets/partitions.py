from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

import gatecast as gc
from gatecast.data.partitioning import PartitionOptions, partition_table
from gatecast.engines import EngineOptions
from gatecast.scale import backtest_partitions, predict_partitions

hours = np.datetime64("2024-01-01T00", "us") + np.arange(200) * np.timedelta64(1, "h")
names = [f"shop_{number}" for number in range(20)]
sales = pl.DataFrame({"unique_id": np.repeat(names, 200), "ds": np.tile(hours, 20)}).with_columns(
    y=10 + np.sin(np.arange(4000) / 4) + 0.1 * np.random.default_rng(0).normal(size=4000)
)

if __name__ == "__main__":  # processes that are started read this file too
    with TemporaryDirectory() as folder:
        place = Path(folder)
        sales.write_csv(place / "sales.csv")
        early = sales.filter(pl.col("ds") < pl.datetime(2024, 1, 7))
        gc.save(gc.fit(early, horizon=6, steps=50, baselines=["naive", "mean"]), place / "model")

        partition_table([place / "sales.csv"], place / "sales", PartitionOptions(parts=4))
        engine = EngineOptions(workers=1)  # EngineOptions(engine="ray", address="head:6379") for a cluster
        done = predict_partitions(place / "model", place / "sales", place / "forecasts", engine)
        print(f"{done.partitions} partitions, {done.rows:,} rows, {done.forecasts} rows of forecasts")
        done = backtest_partitions(place / "model", place / "sales", place / "scores", engine)
        print(done.metrics.verdict.text)
