import gatecast as gc

table = gc.load_dataset("co2")  # or "co2.csv", or any data frame
model = gc.fit(table, horizon=13, steps=100)  # few steps, to be quick; leave them out
print(model.backtest().metrics.verdict.text)
print(model.predict().to_frame().tail(2))
gc.save(model, "models/co2")
