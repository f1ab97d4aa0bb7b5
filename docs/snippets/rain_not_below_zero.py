import polars as pl

table = pl.read_csv("runs/examples/rainfall/forecasts.csv")
error = (pl.col("y") - pl.col("mean").clip(0)).abs().mean()
print(table.group_by("model", maintain_order=True).agg(error))
