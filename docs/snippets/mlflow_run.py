import os
import tempfile
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # before MLflow is imported
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # runs in a plain folder: no server, no database

import mlflow
import numpy as np
import pandas as pd

import gatecast as gc
from gatecast.adapters import mlflow as gatecast_mlflow

hours = np.arange(24 * 20)
noise = np.random.default_rng(0).normal(size=len(hours))
load = 100 + 20 * np.sin(2 * np.pi * hours / 24) + noise
table = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=len(hours), freq="h"), "load": load})

with tempfile.TemporaryDirectory() as folder:
    mlflow.set_tracking_uri(Path(folder, "runs").as_uri())
    gatecast_mlflow.autolog(log_report=False)
    with mlflow.start_run() as run:
        gc.fit(table[:-24], horizon=6, hidden_size=8, steps=40, baselines=("naive", "seasonal_naive"))

    found = mlflow.get_run(run.info.run_id)
    print("asked and settled:", {name: found.data.params[name] for name in ("horizon", "season", "mode")})
    print("scores:", sorted(name for name in found.data.metrics if name.endswith("mase")))

    uri = f"models:/{found.outputs.model_outputs[0].model_id}"
    model = mlflow.pyfunc.load_model(uri)  # any tool of MLflow's can do that
    forecast = model.predict(table, params={"horizon": 2, "quantiles": [0.1, 0.9]})
    print(forecast.round({"mean": 0, "q0.1": 0, "q0.9": 0}).to_string(index=False))
    print("gatecast's own object:", type(gatecast_mlflow.load_model(uri)).__name__)
