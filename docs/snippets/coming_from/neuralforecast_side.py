import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import GRU

table = pd.read_csv("load.csv", parse_dates=["ds"]).rename(columns={"load": "y"}).assign(unique_id="load")
table["hour"], table["weekday"] = table["ds"].dt.hour, table["ds"].dt.dayofweek
known, coming = table[table["y"].notna()], table[table["y"].isna()].drop(columns="y")
test = len(known) // 5 // 24 * 24

model = GRU(
    h=24,
    input_size=168,
    futr_exog_list=["workingday", "hour", "weekday"],
    encoder_n_layers=1,
    encoder_hidden_size=64,
    loss=MQLoss(quantiles=[0.1, 0.5, 0.9]),
    batch_size=1,
    windows_batch_size=64,
    max_steps=1000,
    random_seed=0,
    accelerator="cpu",
    logger=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
forecaster = NeuralForecast([model], freq="h")
found = forecaster.cross_validation(known, n_windows=None, test_size=test, step_size=24)  # fits before the test part
low, middle, high = (found[name] for name in ("GRU-lo-80.0", "GRU-median", "GRU-hi-80.0"))
print(f"MAE {(found['y'] - middle).abs().mean():.2f}", end=", ")
print(f"{found['y'].between(low, high).mean():.0%} of the actuals within the 80 % interval")

forecaster.save("saved", overwrite=True)
forecaster = NeuralForecast.load("saved")
print(forecaster.predict(known, futr_df=coming[:24]))

row = coming[:1].assign(y=101.5)  # the newest observation: its window is read anew
print(forecaster.predict(pd.concat([known, row]), futr_df=coming[1:25]))
