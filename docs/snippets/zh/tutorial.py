import gatecast as gc

table = gc.load_dataset("co2")  # 或者 "co2.csv"，或者任何一种数据框
model = gc.fit(table, horizon=13, steps=100)  # 步数少只为跑得快，平时不必写
print(model.backtest().metrics.verdict.text)
print(model.predict().to_frame().tail(2))
gc.save(model, "models/co2")
