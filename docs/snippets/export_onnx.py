import json

import numpy as np
import onnxruntime

import gatecast as gc

table = gc.load_dataset("co2")
model = gc.fit(table, horizon=13, hidden_size=8, steps=40)
folder = gc.export(model, "co2-onnx", to="onnx")  # step.onnx, sequence.onnx, model.json

facts = json.loads((folder / "model.json").read_text())  # the same text stands in the metadata of both graphs
series = facts["series"]["series"]  # of the one series there is
fixed = {name: np.array([series[name]]) for name in ("centre", "scale")}
state = {
    part["input"]: np.full([1, *part["shape"][1:]], float(part["start"]), dtype=part["dtype"])
    for part in facts["state"]
}

ds = table["ds"].to_numpy().astype("datetime64[us]")
years = ds.astype("datetime64[Y]")
share = (ds - years) / ((years + 1).astype("datetime64[us]") - years)  # how much of each year is over
assert facts["calendar"][:3] == ["season_1_sin", "season_1_cos", "season_2_sin"]
turns = 2 * np.pi * share[:, None] * np.arange(1, 5)
calendar = np.stack([np.sin(turns), np.cos(turns)], axis=-1).reshape(1, len(ds), 8).astype(np.float32)
values = table["co2"].to_numpy().astype(np.float32).reshape(1, -1, 1)  # NaN where missing

sequence = onnxruntime.InferenceSession(folder / "sequence.onnx")
names = [output.name for output in sequence.get_outputs()]
rows = {"values": values[:, :-1], "calendar": calendar[:, :-1]}
after = dict(zip(names, sequence.run(None, fixed | state | rows), strict=True))  # all rows but the newest

step = onnxruntime.InferenceSession(folder / "step.onnx")
state = {part["input"]: after[part["output"]] for part in facts["state"]}  # what came out goes in
row = {"values": values[:, -1], "calendar": calendar[:, -1]}
mean, quantiles = step.run(["mean", "quantiles"], fixed | state | row)  # (1, 13, 1) and (1, 13, 1, 3)

there = model.predict().to_frame()
assert abs(mean[0, :, 0] - there["mean"].to_numpy()).max() < 1e-4  # ppm
