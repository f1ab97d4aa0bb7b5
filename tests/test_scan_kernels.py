"""What is particular to the kernels that go unit by unit: shares that sum to 1, and gates made once more."""

import pytest
import torch

from gatecast import nn
from gatecast.cells.cell import weights_of
from gatecast.kernels import run_kernel
from kernel_kinds import KINDS, MANY, UNIT_BY_UNIT, close, exactly, kernel_of, on_every_build


@on_every_build
@pytest.mark.parametrize("kind", UNIT_BY_UNIT)
def test_gates_made_once_more_give_the_gradients_of_gates_kept(kind: str) -> None:
    few, many = KINDS[kind](MANY - 1, 33), KINDS[kind](MANY, 33)
    x = torch.randn(9, 45, MANY)
    x[..., -1] = 0  # the feature that makes them many says nothing
    many.load_state_dict({**few.state_dict(), "weight_ih_l0": torch.nn.functional.pad(few.weight_ih_l0, (0, 1))})
    found = []
    for layer, inputs in ((few, x[..., :-1].clone()), (many, x)):
        ends = [inputs.requires_grad_(), *layer.parameters()]
        found.append(torch.autograd.grad(layer(inputs)[0].square().sum(), ends))
    for again, kept in zip(*found, strict=True):
        assert torch.equal(again, kept[..., : again.shape[-1]])


@on_every_build
@pytest.mark.parametrize(
    "gates", [(-200.0, -190.0), (-190.0, -200.0), (-1e4, -1e4 - 3), (-70.0, 0.0), (0.0, -70.0), (90.0, 95.0)]
)
def test_the_shares_of_the_minlstm_are_right_where_its_gates_vanish(gates: tuple[float, float]) -> None:
    layer, x = nn.MinLSTM(2, 17), torch.randn(6, 3, 2).requires_grad_()
    with torch.no_grad():
        layer.bias_ih_l0[:17], layer.bias_ih_l0[17:34] = gates
    h = torch.randn(3, 17).requires_grad_()
    ours = run_kernel(kernel_of(layer), weights_of(layer, "_l0"), x, (h,))
    parts, output, _ = exactly(layer, x, (h,))
    # The gates are sums of float32 numbers as large as they are, and the shares feel the rounding of their difference.
    share = 1e-6 + max(map(abs, gates)) * torch.finfo(torch.float32).eps
    close(ours.output, output, share)
    found = torch.autograd.grad(ours.output.square().sum(), [x, h, *layer.parameters()])
    for a, b in zip(found, torch.autograd.grad(output.square().sum(), parts), strict=True):
        close(a, b, 3 * share)


@on_every_build
@pytest.mark.parametrize("kind", ["mingru", "minlstm"])
def test_a_memory_of_many_steps_does_not_drift(kind: str) -> None:
    layer, h = KINDS[kind](1, 16), torch.full((1, 1, 16), 1.25)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
        layer.bias_ih_l0[:16] = 5.0 if kind == "minlstm" else -5.0
        layer.bias_ih_l0[-16:] = 1.25  # the candidate is what is held already
        output, _ = layer(torch.randn(100_000, 1, 1), h)
    assert torch.equal(output, torch.full_like(output, 1.25))
