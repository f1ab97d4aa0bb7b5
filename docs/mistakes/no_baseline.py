"""A score without that of "tomorrow = today" beside it."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
LOOKBACK, CUTOFF = 20, 1600
Score = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


def mistaken(actual: np.ndarray, forecast: np.ndarray, today: np.ndarray) -> float:
    """R squared: the share of the variance that the forecast "explains"."""
    return float(1 - np.mean((actual - forecast) ** 2) / np.var(actual))


def correct(actual: np.ndarray, forecast: np.ndarray, today: np.ndarray) -> float:
    """Skill: the share of the squared error of "tomorrow = today" that the forecast saves."""
    return float(1 - np.mean((actual - forecast) ** 2) / np.mean((actual - today) ** 2))


def check(score: Score) -> None:
    prices = np.random.default_rng(1).normal(size=1000).cumsum()
    assert score(prices[1:], prices[:-1], prices[:-1]) <= 0, "repeating the last value counts as skill"


def slowly_forgetting() -> np.ndarray:
    """Each row keeps 99 % of the one before it and adds noise: of the past, only the last value helps."""
    series = np.random.default_rng(0).normal(size=2000)
    for row in range(1, len(series)):
        series[row] += 0.99 * series[row - 1]
    return series


def forecast_test_part() -> tuple[np.ndarray, ...]:
    """Train an LSTM; the actual values of the test part, the forecast of each, and the value before each."""
    series = torch.tensor(slowly_forgetting(), dtype=torch.float32)
    scaled = (series - series[:CUTOFF].mean()) / series[:CUTOFF].std()
    x, y = scaled.unfold(0, LOOKBACK, 1)[:-1, :, None], scaled[LOOKBACK:, None]  # (N, L, 1), (N, 1)
    torch.manual_seed(0)
    layer, head = nn.LSTM(1, 16, batch_first=True), nn.Linear(16, 1)
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.01)
    for _ in range(300):
        rows = torch.randint(CUTOFF - LOOKBACK, (64,))
        loss = nn.functional.mse_loss(head(layer(x[rows])[0][:, -1]), y[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    x, y = x[CUTOFF - LOOKBACK :], y[CUTOFF - LOOKBACK :]
    with torch.no_grad():
        forecast = head(layer(x)[0][:, -1])
    return tuple(each[:, 0].double().numpy() for each in (y, forecast, x[:, -1]))


actual, forecast, today = forecast_test_part()
wrong, right = mistaken(actual, forecast, today), correct(actual, forecast, today)
naive = mistaken(actual, today, today)
print(f"wrong: R squared {wrong:.2f}, and not a word of the {naive:.2f} that tomorrow = today has")
print(f"right: skill {right:+.2f}; 0 is as good as tomorrow = today")
