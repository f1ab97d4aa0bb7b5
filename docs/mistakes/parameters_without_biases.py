"""`layers x 3 x n x (m + n)` forgets the biases, and takes every layer's input to be as wide as the first one's."""

from collections.abc import Callable

from torch import nn


def mistaken(inputs: int, hidden: int, layers: int) -> int:
    return layers * 3 * hidden * (inputs + hidden)


def correct(inputs: int, hidden: int, layers: int) -> int:
    first = 3 * hidden * (inputs + hidden) + 6 * hidden
    above = 3 * hidden * (hidden + hidden) + 6 * hidden
    return first + (layers - 1) * above


def check(count: Callable[[int, int, int], int]) -> None:
    for inputs, hidden, layers in ((1, 8, 1), (10, 64, 2), (5, 5, 3)):
        parameters = nn.GRU(inputs, hidden, layers).parameters()
        assert count(inputs, hidden, layers) == sum(each.numel() for each in parameters), "torch counts otherwise"


wrong, right = mistaken(10, 64, 2), correct(10, 64, 2)
print(f"wrong: {wrong:,} parameters in GRU(10, 64, num_layers=2)")
print(f"right: {right:,} parameters")
