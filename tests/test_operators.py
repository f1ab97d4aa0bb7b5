"""The kernels as operators of torch: what torch.compile, torch.export and torch.vmap see is one call."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from gatecast import nn
from gatecast.cells import equations_of
from gatecast.cells.cell import weights_of
from gatecast.kernels.many import recurrences
from gatecast.kernels.operators import recurrence
from kernel_kinds import KINDS, every_kind


def operators_in(graph: Any) -> list[str]:
    return [str(node.target) for node in graph.nodes if node.op == "call_function" and "gatecast" in str(node.target)]


@every_kind
@pytest.mark.parametrize("with_state", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_the_operator_keeps_torchs_rules_for_operators(kind: str, *, with_state: bool, bias: bool) -> None:
    layer = KINDS[kind](3, 5, bias=bias)
    states = [torch.randn(2, 5, requires_grad=True) for _ in equations_of(layer).states] if with_state else []
    weights = [weight for weight in weights_of(layer, "_l0") if weight is not None and weight.numel()]
    torch.library.opcheck(recurrence, (torch.randn(4, 2, 3, requires_grad=True), states, weights, kind, True, True))


COMPILED = """
import torch
import torch._dynamo
from gatecast import nn

torch._dynamo.config.allow_rnn = True  # torch.compile stops at torch.nn's recurrent classes, and ours are such
for kind in (nn.GRU, nn.LSTM, nn.RNN):
    torch._dynamo.reset()
    layer, x, graphs = kind(3, 5, num_layers=2, batch_first=True), torch.randn(4, 6, 3), []

    def remember(module, _):
        graphs.append([str(node.target) for node in module.graph.nodes if "gatecast" in str(node.target)])
        return module

    expected, weights = layer(x)[0], list(layer.parameters())
    wanted = torch.autograd.grad(expected.square().sum(), weights)
    for backend in (remember, "aot_eager"):
        output, _ = torch.compile(layer, backend=backend, fullgraph=True)(x)
        assert torch.equal(output, expected)
        found = torch.autograd.grad(output.square().sum(), weights)
        assert all(map(torch.equal, found, wanted))
    assert graphs == [["gatecast.recurrence.default"] * 2], graphs
"""


def test_a_compiled_layer_is_one_operator_a_level_and_trains_alike() -> None:
    # Another process, because torch.compile cannot look through the shape checks that are on in this one.
    done = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


@every_kind
def test_an_exported_layer_is_one_operator_and_takes_any_batch(kind: str) -> None:
    layer, x = KINDS[kind](3, 5), torch.randn(6, 4, 3)
    batch = {1: torch.export.Dim("batch", min=1, max=512)}
    exported = torch.export.export(layer, (x,), dynamic_shapes=(batch,), strict=False)
    assert operators_in(exported.graph) == ["gatecast.recurrence.default"]
    for rows in (1, 4, 33):
        given = torch.randn(6, rows, 3)
        assert torch.equal(exported.module()(given)[0], layer(given)[0])


@every_kind
def test_vmap_runs_over_weights_and_over_inputs(kind: str) -> None:
    layer, x = KINDS[kind](3, 5), torch.randn(6, 4, 3)
    halves = {name: torch.stack([weight.detach(), weight.detach() / 2]) for name, weight in layer.named_parameters()}

    def output(weights: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(layer, weights, (x,))[0]

    both = torch.vmap(output)(halves)
    for k, each in enumerate(both):
        assert torch.equal(each, output({name: weight[k] for name, weight in halves.items()}))
    several = torch.randn(2, 6, 4, 3)
    assert torch.equal(torch.vmap(lambda x: layer(x)[0])(several), torch.stack([layer(x)[0] for x in several]))


@every_kind
def test_vmap_inside_vmap_runs_each_net_over_each_batch(kind: str) -> None:
    layer, several = KINDS[kind](3, 5), torch.randn(2, 6, 4, 3)
    halves = {name: torch.stack([weight.detach(), weight.detach() / 2]) for name, weight in layer.named_parameters()}

    def output(weights: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(layer, weights, (x,))[0]

    each = torch.vmap(lambda weights: torch.vmap(lambda x: output(weights, x))(several))(halves)
    for k in range(2):
        own = {name: weight[k] for name, weight in halves.items()}
        assert torch.equal(each[k], torch.stack([output(own, x) for x in several]))


@every_kind
def test_the_operator_of_several_nets_keeps_torchs_rules_for_operators(kind: str) -> None:
    layer = KINDS[kind](3, 5)
    weights = [weight for weight in weights_of(layer, "_l0") if weight is not None and weight.numel()]
    stacked = [torch.stack([weight.detach(), weight.detach() / 2]).requires_grad_() for weight in weights]
    x = torch.randn(2, 4, 2, 3, requires_grad=True)
    torch.library.opcheck(recurrences, (x, [], stacked, kind, False, True))


@pytest.mark.parametrize("kind", ["gru", "lstm", "elman_tanh", "elman_relu"])
def test_vmap_runs_over_weights_where_no_kernel_is(kind: str) -> None:
    layer, x = KINDS[kind](3, 5).double(), torch.randn(6, 4, 3, dtype=torch.float64)
    halves = {name: torch.stack([weight.detach(), weight.detach() / 2]) for name, weight in layer.named_parameters()}
    both = torch.vmap(lambda weights: torch.func.functional_call(layer, weights, (x,))[0])(halves)
    for k, each in enumerate(both):
        alone = torch.func.functional_call(layer, {name: weight[k] for name, weight in halves.items()}, (x,))[0]
        assert_close(each, alone, rtol=1e-12, atol=1e-12)


@every_kind
def test_gradients_flow_back_through_vmap_to_weights_outside_of_it(kind: str) -> None:
    layers, x = [KINDS[kind](3, 5) for _ in range(2)], torch.randn(6, 4, 3)
    stacked, _ = torch.func.stack_module_state(layers)

    def output(weights: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(layers[0], weights, (x,))[0]

    torch.vmap(output)(stacked).square().sum().backward()
    for k, layer in enumerate(layers):
        layer(x)[0].square().sum().backward()
        for name, weight in layer.named_parameters():
            grad = stacked[name].grad
            assert grad is not None
            torch.testing.assert_close(grad[k], weight.grad, rtol=1e-5, atol=1e-6)


def test_a_backward_pass_after_nothing_was_kept_is_refused() -> None:
    layer, x = KINDS["gru"](3, 5), torch.randn(6, 4, 3)
    weights = [weight.detach() for weight in layer.parameters()]
    done = torch.ops.gatecast.recurrence(x, [], weights, "gru", False, False)  # noqa: FBT003
    with pytest.raises(ValueError, match="gru kept nothing for a backward pass"):
        torch.ops.gatecast.recurrence_backward([done[0], done[1]], x, [], weights, done, "gru", False)  # noqa: FBT003


@every_kind
def test_gradients_by_torch_func_are_those_of_autograd(kind: str) -> None:
    layer, x = KINDS[kind](3, 5), torch.randn(6, 4, 3)
    held = dict(layer.named_parameters())
    found = torch.func.grad(lambda held: torch.func.functional_call(layer, held, (x,))[0].square().sum())(held)
    wanted = torch.autograd.grad(layer(x)[0].square().sum(), list(held.values()))
    for a, b in zip(found.values(), wanted, strict=True):
        assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_the_operator_takes_nothing_on_trust() -> None:
    W, U, b, c = (weight.detach() for weight in nn.GRU(3, 5).parameters())
    x = torch.randn(6, 4, 3)
    for weights in ([W[:6], U, b, c], [W, U[:, :4], b, c], [W, U, b.double(), c]):
        with pytest.raises(ValueError, match=r"(weight|bias)_.h is .*, float32 on the CPU here, got"):
            recurrence(x, [], weights, "gru", reverse=False, keep=False)
    with pytest.raises(ValueError, match=r"x is \(6, 4, 3\), float32 on the CPU here, got \(6, 4, 2\)"):
        recurrence(x[..., :2], [], [W, U, b, c], "gru", reverse=False, keep=False)
    with pytest.raises(ValueError, match=r"h is \(4, 5\), float32 on the CPU here, got \(3, 5\)"):
        recurrence(x, [torch.zeros(3, 5)], [W, U, b, c], "gru", reverse=False, keep=False)
    with pytest.raises(
        ValueError, match="elman is no kernel; there are gru, gru_reset_before, lstm, elman_tanh, elman_relu, mingru"
    ):
        recurrence(x, [], [W, U, b, c], "elman", reverse=False, keep=False)
    with pytest.raises(ValueError, match="lstm has 2 states, got 1"):
        recurrence(x, [torch.zeros(4, 5)], [W, U, b, c], "lstm", reverse=False, keep=False)


def test_a_second_derivative_of_the_operator_is_refused() -> None:
    layer, x = nn.GRU(3, 5), torch.randn(6, 4, 3, requires_grad=True)
    out = recurrence(x, [], list(layer.parameters()), "gru", reverse=False, keep=True)[0]
    (first,) = torch.autograd.grad(out.square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="no autograd formula was registered"):
        first.sum().backward()
