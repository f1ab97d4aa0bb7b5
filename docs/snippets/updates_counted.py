import torch

from gatecast import nn

torch.manual_seed(0)
rows, lookback, horizon = 2000, 96, 24
layer, head = nn.GRU(1, 16, batch_first=True), torch.nn.Linear(16, horizon)
series = torch.randn(1, rows, 1)

with torch.no_grad():
    windows = series[0, :, 0].unfold(0, lookback, 1)[..., None]  # one for each origin, each read from zero
    by_windows = head(layer(windows)[0][:, -1])
    output, state = layer(series)  # the whole series once, and a forecast from every row
    by_pass = head(output[0])
    one_more, _ = layer(torch.randn(1, 1, 1), state)  # live: the next row costs one update

print(f"windows:  {by_windows.shape[0]:,} forecasts, {windows.shape[0] * lookback:,} updates of the state")
print(f"one pass: {by_pass.shape[0]:,} forecasts, {rows:,} updates")
print(f"a new row: {lookback} updates, or {one_more.shape[1]}")
apart = (by_windows - by_pass[lookback - 1 :]).abs().max()
print("the same weights, the same forecasts to six digits:", bool(apart < 1e-6))
