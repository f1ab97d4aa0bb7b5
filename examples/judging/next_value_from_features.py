"""The judgement of next_value_from_features.py: the net beside simple methods, and whether its file gives it back."""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gatecast.data.scalers import Scaling
from gatecast.data.splits import Origins
from gatecast.evaluation.comparison import compare

Windows = tuple[np.ndarray, np.ndarray]  # the rows that each window reads (N, L), and the row that it forecasts (N,)


class Net(Protocol):
    """A module from scaled windows (N, L, C) to the scaled next value (N, 1), and the scaler it learnt with."""

    scaling: Scaling

    def __call__(self, window: Tensor) -> Tensor:
        """(N, L, C) -> (N, 1)."""

    def eval(self) -> object:
        """Switch dropout off."""


@torch.no_grad()
def forecast(net: Net, rows: np.ndarray) -> np.ndarray:
    """The next value after each of the windows (N, L, C), both on the original scale."""
    net.eval()
    scaled = net(torch.from_numpy(net.scaling.transform(rows, 0).astype(np.float32)))  # (N, 1)
    target = Scaling(net.scaling.centre[:, :1], net.scaling.scale[:, :1])
    return target.inverse(scaled.double().numpy(), 0)[:, 0]  # (N,)


def judge(
    net: Net, loaded: Net, table: np.ndarray, learnt: Windows, test: Windows
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Every row of the test part, and what the net and simple methods forecast for it.

    Args:
        net: the net as it was trained.
        loaded: the same, read back from its file: this one is scored.
        table: every row, the target first.
        learnt: every window of the training part.
        test: every window of the test part.
    """
    rows, places = test
    forecasts = {"GRU": forecast(loaded, table[rows]), **simple_forecasts(table, learnt, test)}
    report(table[places, 0], forecasts)
    same = np.array_equal(forecasts["GRU"], forecast(net, table[rows]))
    print(f"forecasts of the model read back from its file equal those before it was written: {same}")
    return table[places, 0], forecasts


def simple_forecasts(table: np.ndarray, learnt: Windows, test: Windows) -> dict[str, np.ndarray]:
    """What simple methods, fitted on the training part alone, forecast for the test part."""
    target, places, train_end = table[:, 0], test[1], learnt[1][-1] + 1  # the last row of a part is always forecast
    x, test_x = (with_constant(table[rows]) for rows, _ in (learnt, test))
    return {
        "naive (last target)": target[places - 1],
        "mean of training part": np.full(len(places), target[:train_end].mean()),
        "linear, same windows": test_x @ np.linalg.lstsq(x, target[learnt[1]])[0],
    }


def with_constant(windows: np.ndarray) -> np.ndarray:
    """Each window as one row of a linear regression, with a 1 for its constant."""
    return np.column_stack([windows.reshape(len(windows), -1), np.ones(len(windows))])  # (N, L, C) -> (N, L * C + 1)


def report(actual: np.ndarray, forecasts: dict[str, np.ndarray]) -> None:
    """The mean squared error of every forecast, and whether the net's beats the best other by more than luck."""
    errors = {name: (actual - values) ** 2 for name, values in forecasts.items()}  # each (N,)
    for name, error in errors.items():
        print(f"  {name:24s} test MSE {error.mean():10.5g}")
    net, *simple = errors
    best, rows = min(simple, key=lambda name: errors[name].mean()), np.arange(len(actual))
    test = compare(errors[net], errors[best], Origins(0 * rows, rows), rows, horizon=1)
    verdict = "beats" if test.clear and test.difference < 0 else "does not beat"
    chance = "p < 0.001" if test.p_value < 0.001 else f"p = {test.p_value:.2g}"
    ratio = errors[net].mean() / errors[best].mean()
    print(f"{net} {verdict} the best simple method, {best}: {ratio:.2f} times its error ({chance}, {test.test})")
