"""Dropout that holds still: masks that are one for a whole sequence, of features and of weights."""

from math import sqrt

import pytest
import torch

from cell_catalogue import as_tuple
from gatecast.nn.dropping import drop_weights, lock_dropout
from stack_cases import CASES, CONFIGS, OPTIONS, build, draw

SHARE = 0.3
every_kind = pytest.mark.parametrize("kind", CONFIGS)
every_matrix = pytest.mark.parametrize("kind", [kind for kind, option in CASES if option == "weight_dropout"])


def five_errors(count: int) -> float:
    """Five standard errors of the mean of so many numbers that are 0 or 1 / (1 - SHARE)."""
    return 5 * sqrt(SHARE / (1 - SHARE) / count)


def test_a_locked_mask_is_one_over_time_and_another_for_each_row_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    dropped = lock_dropout(torch.ones(6, 200, 100, dtype=torch.float64), SHARE, training=True)
    assert torch.equal(dropped, dropped[:1].expand_as(dropped))
    assert len(dropped[0].unique(dim=0)) == 200
    assert set(dropped.unique().tolist()) == {0.0, 1 / (1 - SHARE)}
    assert abs(float(dropped[0].mean()) - 1) < five_errors(200 * 100)


def test_outside_of_training_or_at_a_share_of_zero_nothing_is_dropped() -> None:
    x, layer = draw(6, 2, 3), build("LSTM", {}).layer(0)
    assert lock_dropout(x, SHARE, training=False) is x
    assert lock_dropout(x, 0.0, training=True) is x
    assert drop_weights(layer, SHARE, training=False) is layer
    assert drop_weights(layer, 0.0, training=True) is layer


@every_kind
def test_a_stack_drops_the_same_inputs_and_outputs_of_a_row_at_every_step(kind: str) -> None:
    stack = build(kind, {"variational_dropout": 0.5}, features=40, hidden=40).train()
    x = torch.rand(3, 6, 40, dtype=torch.float64).requires_grad_()
    output = seeded(stack, x)
    (gradient,) = torch.autograd.grad(output.square().sum(), x)
    for numbers in (output, gradient):
        dropped = (numbers == 0).all(dim=1)  # (B, features)
        assert 0 < int(dropped.sum()) < dropped.numel()
        assert len(dropped.unique(dim=0)) == 3
        if "relu" not in kind:  # which has zeros of its own
            assert torch.equal((numbers == 0).any(dim=1), dropped)
    moved = torch.where((gradient == 0).all(dim=1, keepdim=True), x + 1, x)
    assert torch.equal(output, seeded(stack, moved)), "dropped inputs are not read at any step"
    assert not torch.equal(output, seeded(stack, x + 1))


def seeded(stack: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The output with always the same masks."""
    torch.manual_seed(0)
    return stack(x)[0]


@every_matrix
def test_one_mask_of_the_recurrent_weights_serves_all_steps_and_rows(kind: str) -> None:
    layer, x = build(kind, {"bidirectional": True}).layer(0), draw(8, 4, 3)
    torch.manual_seed(0)
    twin = drop_weights(layer, SHARE, training=True)
    dropped = dict(twin.named_parameters()) | {name: getattr(twin, name) for name in dict(layer.named_parameters())}
    for name, weight in layer.named_parameters():
        if name.startswith("weight_hh"):
            share = dropped[name] / weight
            assert ((share == 0) | torch.isclose(share, torch.full_like(share, 1 / (1 - SHARE)))).all()
            assert (share == 0).any()
            assert (share != 0).any()
        else:
            assert dropped[name] is weight, "nothing else is dropped"
    fixed = build(kind, {"bidirectional": True}).layer(0)
    fixed.load_state_dict(dropped)
    for a, b in zip(twin(x), fixed(x), strict=True):
        assert all(torch.equal(one, other) for one, other in zip(as_tuple(a), as_tuple(b), strict=True))
    twin(x)[0].square().sum().backward()
    gone = [dropped[name] == 0 for name, _ in layer.named_parameters()]
    for (name, weight), zero in zip(layer.named_parameters(), gone, strict=True):
        assert weight.grad is not None
        assert not name.startswith("weight_hh") or (weight.grad[zero] == 0).all()


def test_dropped_weights_are_on_average_the_weights() -> None:
    layer = build("LSTM", {}, hidden=50).layer(0)
    weight = layer.weight_hh_l0
    torch.manual_seed(0)
    share = drop_weights(layer, SHARE, training=True).weight_hh_l0.detach() / weight.detach()
    assert abs(float(share.mean()) - 1) < five_errors(weight.numel())


@every_matrix
def test_dropping_weights_leaves_the_layer_as_it_was(kind: str) -> None:
    stack, x = build(kind, OPTIONS["weight_dropout"]), draw(2, 7, 3)
    before = [(name, weight, weight.clone()) for name, weight in stack.named_parameters()]
    output, _ = stack(x)
    assert not torch.equal(stack.train()(x)[0], output)
    assert torch.equal(stack.eval()(x)[0], output)
    for (name, weight, value), (name_now, now) in zip(before, stack.named_parameters(), strict=True):
        assert (name, now is weight) == (name_now, True)
        assert torch.equal(now, value)
