import gatecast as gc

table = gc.load_dataset("co2")
print(f"{len(table):,} rows, {table['co2'].null_count()} of them empty")

holes = table.sample(fraction=0.9, seed=0)  # every tenth row is not there at all, and the others are out of order
model = gc.fit(holes, horizon=13, target="co2", hidden_size=16, steps=100)
print(model.backtest().metrics.verdict.text)
print(model.predict().to_frame().select("ds", "mean").tail(2))
