"""The epoch is chosen on the test part, which then no longer tells how well the net will do."""

from collections.abc import Callable

import numpy as np
from small_net import SmallNet, train


def mistaken(validation_losses: np.ndarray, test_losses: np.ndarray) -> int:
    return int(np.argmin(test_losses))


def correct(validation_losses: np.ndarray, test_losses: np.ndarray) -> int:
    return int(np.argmin(validation_losses))


def check(choose_epoch: Callable[[np.ndarray, np.ndarray], int]) -> None:
    validation, test = np.array([3.0, 1.0, 2.0]), np.array([2.0, 3.0, 1.0])
    assert choose_epoch(validation, test) == choose_epoch(validation, test[::-1]), "the test part moves the choice"


noise = np.random.default_rng(0).normal(size=(60, 440, 5))  # 60 series of variance 1, which nothing can forecast
fits = [train(SmallNet(seed=seed), each[:, :4], each[:, 4], learnt=60, epochs=40) for seed, each in enumerate(noise)]
mse = (np.array(fits) - noise[:, None, :, 4]) ** 2  # (series, epochs, rows)
validation, test, later = (mse[..., rows].mean(axis=2) for rows in (slice(60, 100), slice(100, 140), slice(140, 440)))
epochs = [[choose(*losses) for losses in zip(validation, test, strict=True)] for choose in (mistaken, correct)]
wrong, right = (test[range(60), chosen].mean() for chosen in epochs)
wrong_later, right_later = (later[range(60), chosen].mean() for chosen in epochs)
print(f"wrong: test MSE {wrong:.2f}, on later rows {wrong_later:.2f}, of the epoch with the lowest test MSE")
print(f"right: test MSE {right:.2f}, on later rows {right_later:.2f}, of the epoch with the lowest validation MSE")
