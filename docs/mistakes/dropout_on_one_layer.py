"""The dropout of a recurrent layer acts between layers, and one layer has no between."""

import warnings
from collections.abc import Callable

import torch
from torch import nn


def mistaken() -> nn.GRU:
    return nn.GRU(4, 16, num_layers=1, dropout=0.5, batch_first=True)


def correct() -> nn.GRU:
    return nn.GRU(4, 16, num_layers=2, dropout=0.5, batch_first=True)


def check(make_layer: Callable[[], nn.GRU]) -> None:
    layer, x = make_layer().train(), torch.ones(32, 5, 4)
    assert not torch.equal(layer(x)[0], layer(x)[0]), "nothing is dropped"


x = torch.ones(32, 5, 4)  # passed twice while training
with warnings.catch_warnings(record=True, action="always") as caught:
    layers = mistaken(), correct()
wrong, right = (float((layer(x)[0] != layer(x)[0]).double().mean()) for layer in layers)
print(f"wrong: {wrong:.0%} of the outputs differ between two passes; torch gives {len(caught)} warning")
print(f"right: {right:.0%}")
