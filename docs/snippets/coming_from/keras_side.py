import keras
import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

LOOKBACK, HORIZON, LEVELS = 168, 24, np.array([0.1, 0.5, 0.9], dtype=np.float32)
table = pd.read_csv("load.csv", parse_dates=["ds"])
known = int(table["load"].notna().sum())
test = known // 5 // HORIZON * HORIZON
load = table["load"].to_numpy(np.float32)
days = table["workingday"], table["ds"].dt.hour / 24, table["ds"].dt.dayofweek / 7
ahead_known = np.stack([column.to_numpy(np.float32) for column in days], axis=1)  # (rows, 3)
mean, spread = load[: known - test].mean(), load[: known - test].std()  # of what comes before the test part alone


@keras.saving.register_keras_serializable()
def pinball(actual, said):  # noqa: ANN001, ANN201 - keras tensors
    error, levels = actual[..., None] - said, keras.ops.convert_to_tensor(LEVELS)
    return keras.ops.mean(keras.ops.maximum(levels * error, (levels - 1) * error))


def windows(first: int, stop: int, step: int = 1) -> list[np.ndarray]:
    """What is known at the cutoffs `first` to `stop`: the lookback, and the covariates to come."""
    read = np.column_stack([(load - mean) / spread, ahead_known])
    past = sliding_window_view(read, LOOKBACK, axis=0)[first - LOOKBACK : stop - LOOKBACK : step].swapaxes(1, 2)
    return [past, sliding_window_view(ahead_known, HORIZON, axis=0)[first:stop:step].swapaxes(1, 2)]


keras.utils.set_random_seed(0)
past, ahead = keras.Input((LOOKBACK, 4)), keras.Input((HORIZON, 3))
state = keras.layers.Concatenate()([keras.layers.GRU(64)(past), keras.layers.Flatten()(ahead)])
said = keras.layers.Reshape((HORIZON, 3))(keras.layers.Dense(HORIZON * 3)(state))
net = keras.Model([past, ahead], said)
net.compile("adam", pinball)
last = known - test - HORIZON + 1  # so that no window of training reaches into the test part
actual = sliding_window_view((load - mean) / spread, HORIZON)[LOOKBACK:last]
net.fit(windows(LOOKBACK, last), actual, batch_size=64, epochs=max(1, 1000 * 64 // (last - LOOKBACK)), verbose=0)

found = net.predict(windows(known - test, known, HORIZON), verbose=0) * spread + mean
actual = load[known - test : known].reshape(-1, HORIZON)
print(f"MAE {np.abs(actual - found[..., 1]).mean():.2f}", end=", ")
print(f"{((found[..., 0] <= actual) & (actual <= found[..., 2])).mean():.0%} of the actuals within the 80 % interval")

net.save("saved.keras")
net = keras.saving.load_model("saved.keras")  # mean, spread, lookback and columns are for you to keep
print(net.predict(windows(known, known + 1), verbose=0) * spread + mean)

load[known] = 101.5  # the newest observation: its window is read anew
print(net.predict(windows(known + 1, known + 2), verbose=0) * spread + mean)
