import lightning.pytorch as lightning
import numpy as np
import pandas as pd
from pytorch_forecasting import DeepAR, TimeSeriesDataSet
from pytorch_forecasting.metrics import NormalDistributionLoss

table = pd.read_csv("load.csv", parse_dates=["ds"]).assign(group="load", row=lambda rows: np.arange(len(rows)))
table["hour"], table["weekday"] = table["ds"].dt.hour, table["ds"].dt.dayofweek
known = table[table["load"].notna()]
test = len(known) // 5 // 24 * 24
first = len(known) - test

lightning.seed_everything(0)
learnt = TimeSeriesDataSet(
    known[:first],
    time_idx="row",
    target="load",
    group_ids=["group"],
    max_encoder_length=168,
    max_prediction_length=24,
    time_varying_known_reals=["workingday", "hour", "weekday"],
    time_varying_unknown_reals=["load"],
)
net = DeepAR.from_dataset(learnt, cell_type="GRU", hidden_size=64, rnn_layers=1, loss=NormalDistributionLoss())
quiet = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False}
trainer = lightning.Trainer(max_steps=1000, gradient_clip_val=0.1, enable_checkpointing=True, **quiet)
trainer.fit(net, learnt.to_dataloader(train=True, batch_size=64))


def quantiles(rows: pd.DataFrame, net: DeepAR, *, newest: bool) -> np.ndarray:
    data = TimeSeriesDataSet.from_dataset(learnt, rows, predict=newest, stop_randomization=True)
    told = {"mode": "quantiles", "mode_kwargs": {"quantiles": [0.1, 0.5, 0.9]}, "n_samples": 100}
    return net.predict(data.to_dataloader(train=False, batch_size=64), trainer_kwargs=dict(quiet), **told).numpy()


found = quantiles(known[first - 168 :], net, newest=False)[::24]  # from every row; one a day is looked at
actual = known["load"].to_numpy()[first:].reshape(-1, 24)
print(f"MAE {np.abs(actual - found[..., 1]).mean():.2f}", end=", ")
print(f"{((found[..., 0] <= actual) & (actual <= found[..., 2])).mean():.0%} of the actuals within the 80 % interval")

trainer.save_checkpoint("saved.ckpt")
net = DeepAR.load_from_checkpoint("saved.ckpt")
whole = table.fillna({"load": 0.0})  # rows to come must hold a number
print(quantiles(whole[: len(known) + 24], net, newest=True))

whole.loc[len(known), "load"] = 101.5  # the newest observation: its window is read anew
print(quantiles(whole[: len(known) + 25], net, newest=True))
