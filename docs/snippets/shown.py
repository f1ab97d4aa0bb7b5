import gatecast as gc

table = gc.load_dataset("co2")
model = gc.fit(table, horizon=13, steps=150, hidden_size=16)
print(model)
print(model.predict())
