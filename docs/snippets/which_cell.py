import gatecast as gc

table = gc.load_dataset("elnino")
found = gc.tune(table, horizon=6, hidden_size=16, steps=60, trials=6)  # minutes and more trials, for yourself
for trial in found.trials:
    if trial.loss is not None:
        cell, lookback = trial.settings["network.layer.cell"], trial.settings["lookback"]
        print(f"{cell:8} lookback {lookback!s:4} validation loss {trial.loss:.3f}")
