import sys

import gatecast as gc

table = gc.load_dataset("co2")
model = gc.fit(table, horizon=13, hidden_size=8, steps=40)
folder = gc.export(model, "co2-alone", to="numpy")  # forecast.py, weights.npz, model.json

sys.path.insert(0, str(folder))  # from here on neither torch nor gatecast is needed
from forecast import Forecaster  # noqa: E402

forecaster = Forecaster.load(folder)
for ds, co2 in table.iter_rows():
    forecaster.observe("series", ds, co2)  # one step each; "series" is the name where a table has no id column

forecast = forecaster.forecast("series", 13)  # cutoff, ds, mean and quantiles; moves nothing
state = forecaster.state("series")  # arrays by name: np.savez keeps them, forecaster.restore takes them back

there = model.predict().to_frame()
assert abs(forecast.mean[:, 0] - there["mean"].to_numpy()).max() < 1e-4  # ppm
