import gatecast as gc

table = gc.load_dataset("elnino")
settings = {"horizon": 6, "hidden_size": 16, "steps": 60}
first, second = (gc.fit(table, seed=1, **settings).predict().to_frame() for _ in range(2))
print("same seed, same bits:", first.equals(second))
print("another seed:", not first.equals(gc.fit(table, seed=2, **settings).predict().to_frame()))
