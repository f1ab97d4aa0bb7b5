import pandas as pd

import gatecast as gc

table = pd.read_csv("load.csv", parse_dates=["ds"])
coming = table[table["load"].isna()]  # rows to come: only their working day is known

model = gc.fit(table, horizon=24, target="load", future="workingday")  # nothing else needs to be said
net = model.backtest().metrics.scores[0]  # the last 20 %, a day apart; the baselines stand in scores[1:]
print(f"MAE {net.mae:.2f}, {net.coverage:.0%} of the actuals within the 80 % interval")

gc.save(model, "saved")  # model.json and weights.safetensors
model = gc.load("saved")
print(model.predict(table).to_frame())

stream, days = model.stream(table), coming["workingday"].tolist()
stream.observe("series", coming["ds"].iloc[0], 101.5, {"workingday": days[0]})
print(stream.forecast("series", future={"series": {"workingday": days[1:25]}}).to_frame())
