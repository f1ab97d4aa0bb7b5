import numpy as np

from gatecast.evaluation.metrics import mase, seasonal_error

rng = np.random.default_rng(0)
days = np.arange(700)
history = 100 + 20 * (days % 7 == 6) + rng.normal(size=700)  # Sundays are higher
actual = history[None, -14:]
weekly = history[None, -21:-7]  # the same days, one week before

for season in (1, 7):
    scale = seasonal_error(history[:-14], season)
    score = mase(actual, weekly, np.array([scale]))
    print(f"season {season}: the scale is {scale:.2f}, the MASE of the same forecast {score:.2f}")

sales = np.where(rng.random(700) < 0.02, 30.0, 0.0)  # two sales in a hundred days
scale = seasonal_error(sales[:-14], 1)
zero = mase(np.zeros((1, 14)), np.zeros((1, 14)), np.array([scale]))
print(
    f"rare sales: the scale is {scale:.2f}; always saying zero has a MASE of {zero:.2f} in a fortnight without a sale"
)
print("a constant history has a scale of", seasonal_error(np.full(100, 7.0), 1))
