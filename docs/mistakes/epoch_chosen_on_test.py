"""The epoch is chosen on the test part, which then no longer tells how well the net will do."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
PARTS = {"train": slice(0, 60), "validation": slice(60, 100), "test": slice(100, 140), "later": slice(140, 440)}
Choice = Callable[[np.ndarray, np.ndarray], int]


def mistaken(validation_losses: np.ndarray, test_losses: np.ndarray) -> int:
    return int(np.argmin(test_losses))


def correct(validation_losses: np.ndarray, test_losses: np.ndarray) -> int:
    return int(np.argmin(validation_losses))


def check(choose_epoch: Choice) -> None:
    validation, test = np.array([3.0, 1.0, 2.0]), np.array([2.0, 3.0, 1.0])
    assert choose_epoch(validation, test) == choose_epoch(validation, test[::-1]), "the test part moves the choice"


def losses_by_epoch(seed: int) -> dict[str, np.ndarray]:
    """Train on noise of variance 1, which nothing can forecast; the MSE of each part after each epoch."""
    torch.manual_seed(seed)
    x, y = torch.randn(440, 4, 1), torch.randn(440, 1)
    layer, head = nn.RNN(1, 8, batch_first=True), nn.Linear(8, 1)
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.03)
    losses = []
    for _ in range(40):
        squares = (head(layer(x)[0][:, -1]) - y).square()  # (440, 1)
        losses.append([squares[rows].mean().item() for rows in PARTS.values()])
        optimiser.zero_grad()
        squares[PARTS["train"]].mean().backward()
        optimiser.step()
    return dict(zip(PARTS, np.array(losses).T, strict=True))


RUNS = [losses_by_epoch(seed) for seed in range(60)]


def mean_mse(part: str, choose_epoch: Choice) -> float:
    """Over all runs, of the epoch chosen in each."""
    return float(np.mean([run[part][choose_epoch(run["validation"], run["test"])] for run in RUNS]))


wrong, right = mean_mse("test", mistaken), mean_mse("test", correct)
wrong_later, right_later = mean_mse("later", mistaken), mean_mse("later", correct)
print(f"wrong: test MSE {wrong:.2f}, on later rows {wrong_later:.2f}, of the epoch with the lowest test MSE")
print(f"right: test MSE {right:.2f}, on later rows {right_later:.2f}, of the epoch with the lowest validation MSE")
