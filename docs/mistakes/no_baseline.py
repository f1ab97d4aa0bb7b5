"""A score without that of "tomorrow = today" beside it."""

from collections.abc import Callable

import numpy as np
from small_net import SmallNet, slowly_forgetting, train, windows_of
from torch import nn


def mistaken(actual: np.ndarray, forecast: np.ndarray, today: np.ndarray) -> float:
    return float(1 - np.mean((actual - forecast) ** 2) / np.var(actual))  # R squared: the variance "explained"


def correct(actual: np.ndarray, forecast: np.ndarray, today: np.ndarray) -> float:
    return float(1 - np.mean((actual - forecast) ** 2) / np.mean((actual - today) ** 2))  # skill: the error saved


def check(score: Callable[[np.ndarray, np.ndarray, np.ndarray], float]) -> None:
    prices = np.random.default_rng(1).normal(size=1000).cumsum()
    assert score(prices[1:], prices[:-1], prices[:-1]) <= 0, "repeating the last value counts as skill"


series = slowly_forgetting(keep=0.99, rows=2000) / 7  # its standard deviation, 1 / sqrt(1 - 0.99 ** 2)
x, y = windows_of(series, lookback=20)
forecast = train(SmallNet(nn.LSTM), x, y, learnt=1580, epochs=12)[-1]
actual, forecast, today = (each[1580:] for each in (y, forecast, x[:, -1]))
wrong, right = mistaken(actual, forecast, today), correct(actual, forecast, today)
naive = mistaken(actual, today, today)
print(f"wrong: R squared {wrong:.2f}, and not a word of the {naive:.2f} that tomorrow = today has")
print(f"right: skill {right:+.2f}; 0 is as good as tomorrow = today")
