"""Stacks with options on the kernels: the same bits in any pieces and in any batch, and the reference's gradients."""

import copy
from typing import Any

import pytest
import torch

from cell_catalogue import as_tuple
from gatecast import nn
from kernel_kinds import close_gradients, on_every_build
from stack_cases import CONFIGS, OPTIONS, STILL, build, in_pieces, random_cuts

KINDS = [kind for kind, config in CONFIGS.items() if config["cell"] not in {"slstm", "grud"}]  # the others have kernels
ON_KERNELS = {name: options for name, options in OPTIONS.items() if "zoneout" not in options} | STILL
CASES = [
    (kind, option)
    for kind in KINDS
    for option in ON_KERNELS
    if option != "weight_dropout" or CONFIGS[kind]["cell"] in ("rnn", "lstm", "gru")
]
every_case = pytest.mark.parametrize(("kind", "option"), CASES)


def stack_of(kind: str, options: dict[str, Any], hidden: int = 19) -> nn.RecurrentStack:
    return build(kind, options, features=4, hidden=hidden).float()


@every_case
@on_every_build
def test_random_pieces_with_the_state_carried_have_the_bits_of_the_whole(kind: str, option: str) -> None:
    stack, x = stack_of(kind, ON_KERNELS[option]), torch.randn(3, 50, 4)
    assert ": kernel" in nn.explain_backend(stack, x)
    with torch.inference_mode():
        whole, end = stack(x)
        for cuts in (list(range(1, 50)), *(random_cuts(50) for _ in range(5))):
            output, state = in_pieces(stack, x, cuts)
            assert torch.equal(output, whole), cuts
            assert all(torch.equal(a, b) for a, b in zip(as_tuple(state), as_tuple(end), strict=True)), cuts


@every_case
def test_a_rows_bits_do_not_depend_on_its_batch(kind: str, option: str) -> None:
    stack, x = stack_of(kind, ON_KERNELS[option]), torch.randn(300, 13, 4)
    with torch.inference_mode():
        output, state = stack(x)
        for rows in ([0], [299], range(7), range(100, 151)):
            part, end = stack(x[list(rows)])
            assert torch.equal(part, output[list(rows)])
            assert all(torch.equal(a, b[:, list(rows)]) for a, b in zip(as_tuple(end), as_tuple(state), strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [STILL["dilations"], STILL["these three"], {"dilations": (1, 1, 30)}])
def test_gradients_by_kernel_are_those_of_the_reference_in_float64(kind: str, options: dict[str, Any]) -> None:
    stack, x = stack_of(kind, options, hidden=8), torch.randn(3, 11, 4)
    exact = copy.deepcopy(stack).double()
    gradients = []
    for each, given in ((stack, x.requires_grad_()), (exact, x.detach().double().requires_grad_())):
        state = tuple(torch.full(shape, 0.1, dtype=given.dtype) for shape in each.state_shapes(3))
        output, after = each(given, state[0] if len(state) == 1 else state)
        loss = output.square().sum() + sum(part.square().sum() for part in as_tuple(after))
        gradients.append(torch.autograd.grad(loss, [given, *each.parameters()]))
    close_gradients(*gradients)


def test_explain_backend_tells_the_road_of_a_stack_and_why() -> None:
    x = torch.randn(2, 9, 4)
    for option, options in ON_KERNELS.items():
        line = nn.explain_backend(stack_of("LSTM", options), x)
        assert line == "RecurrentStack of 3 LSTM: kernel lstm", option
    wide = nn.explain_backend(build("GRU-True", STILL["dilations"], features=4), x.double())
    assert wide == "RecurrentStack of 3 GRU: torch.nn (kernels compute in float32, and the tensors are float64)"
    slow = nn.explain_backend(stack_of("GRU-True", OPTIONS["zoneout"]), x)
    assert slow == (
        "RecurrentStack of 3 GRU: reference cell (zoneout mixes states at every step, which no kernel does)"
    )
    none = nn.explain_backend(stack_of("SLSTM", STILL["residual"]), x)
    assert none.startswith("RecurrentStack of 3 SLSTM: reference cell (there is no kernel for")
