import numpy as np
import pandas as pd
from darts import TimeSeries
from darts.dataprocessing.transformers import Scaler
from darts.metrics import ic, mae
from darts.models import RNNModel
from darts.utils.likelihood_models import GaussianLikelihood

table = pd.read_csv("load.csv", parse_dates=["ds"])
known = table[table["load"].notna()]
load = TimeSeries.from_dataframe(known, "ds", "load").astype(np.float32)
working = TimeSeries.from_dataframe(table, "ds", "workingday").astype(np.float32)
test = len(known) // 5 // 24 * 24

scaler = Scaler().fit(load[:-test])  # on what comes before the test part alone
model = RNNModel(
    model="GRU",
    input_chunk_length=168,
    training_length=191,
    hidden_dim=64,
    batch_size=64,
    n_epochs=1000,
    likelihood=GaussianLikelihood(),
    add_encoders={"cyclic": {"future": ["hour", "dayofweek"]}},
    random_state=0,
    pl_trainer_kwargs={"max_steps": 1000, "accelerator": "cpu", "logger": False, "enable_progress_bar": False},
)
model.fit(scaler.transform(load[:-test]), future_covariates=working)
found = model.historical_forecasts(
    scaler.transform(load),
    future_covariates=working,
    start=len(load) - test,
    forecast_horizon=24,
    stride=24,
    retrain=False,
    last_points_only=False,
    num_samples=100,
    verbose=False,
)
found = [scaler.inverse_transform(forecast) for forecast in found]
errors = mae([load] * len(found), found, q=0.5)
covered = ic([load] * len(found), found, q_interval=(0.1, 0.9))
print(f"MAE {np.mean(errors):.2f}, {np.mean(covered):.0%} of the actuals within the 80 % interval")

model.save("saved.pt")
model = RNNModel.load("saved.pt")
forecast = model.predict(24, scaler.transform(load), future_covariates=working, num_samples=100, verbose=False)
print(scaler.inverse_transform(forecast).quantile((0.1, 0.5, 0.9)).to_dataframe())

load = load.append_values(np.array([101.5], dtype=np.float32))  # the newest observation: its window is read anew
forecast = model.predict(24, scaler.transform(load), future_covariates=working, num_samples=100, verbose=False)
print(scaler.inverse_transform(forecast).quantile((0.1, 0.5, 0.9)).to_dataframe())
