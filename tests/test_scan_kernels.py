"""The kernels of cells that go unit by unit, against the reference in float64 and, bit by bit, against themselves."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor
from torch.testing import assert_close

from gatecast import nn
from gatecast.cells import Weights, equations_of
from gatecast.cells.cell import weights_of
from gatecast.cells.unrolling import unroll_by_steps
from gatecast.kernels import Kernel, kernel_for, run_kernel
from gatecast.kernels.library import built, instruction_sets, library
from gatecast.nn.stacking import run_stack

SETS = [name for name in instruction_sets() if built(name).exists()]
KINDS: dict[str, Any] = {
    "mingru": nn.MinGRU,
    "minlstm": nn.MinLSTM,
    "indrnn_tanh": lambda *sizes, **settings: nn.IndRNN(*sizes, nonlinearity="tanh", **settings),
    "indrnn_relu": nn.IndRNN,
}
if not SETS:
    pytest.skip("no kernels were built on this machine", allow_module_level=True)

every_kind = pytest.mark.parametrize("kind", KINDS)
MANY = 33  # inputs from which on W x + b is kept for the backward pass


@pytest.fixture(params=SETS)
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the test once with each library that this machine can run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATECAST_KERNELS", request.param)
        library.cache_clear()
        yield request.param
    library.cache_clear()


def kernel_of(layer: Any) -> Kernel:
    kernel = kernel_for(equations_of(layer), torch.device("cpu"), torch.float32)
    assert isinstance(kernel, Kernel), kernel
    return kernel


def strided(shape: tuple[int, int, int], order: tuple[int, ...]) -> Tensor:
    """A tensor of this shape whose memory has another order, with gaps between the features."""
    whole = torch.randn(*(shape[k] for k in order), 2)[..., 0]
    return whole.permute(*(order.index(k) for k in range(3)))


def close(ours: Tensor, exact: Tensor, share: float) -> None:
    """The largest error is at most this share of the largest value (or of 1)."""
    assert float((ours.double() - exact).detach().abs().max()) <= share * max(1.0, float(exact.detach().abs().max()))


def close_gradients(ours: Sequence[Tensor], exact: Sequence[Tensor]) -> None:
    """The gradient is one vector: in one entry a sum over many rows may cancel, and float32 keeps terms, not sums."""
    close(torch.cat([each.flatten() for each in ours]), torch.cat([each.flatten() for each in exact]), 3e-6)


def exactly(layer: Any, x: Tensor, h: Tensor, *, reverse: bool) -> tuple[list[Tensor], Tensor, Tensor]:
    """The reference in float64, step by step: x, h and the weights, and the output and last state made of them."""
    parts = [each.detach().double().requires_grad_() for each in (x, h, *layer.parameters())]
    names = [name.removesuffix("_l0") for name, _ in layer.named_parameters()]
    letters = {"weight_ih": "W", "weight_hh": "U", "bias_ih": "b"}
    weights = Weights(**{letters[name]: part for name, part in zip(names, parts[2:], strict=True)})
    turned = parts[0].flip(0) if reverse else parts[0]
    run = unroll_by_steps(equations_of(layer), weights, turned, (parts[1],))
    return parts, run.output.flip(0) if reverse else run.output, run.states[0]


@every_kind
@pytest.mark.usefixtures("instructions")
@settings(max_examples=25, deadline=None, derandomize=True)  # at the kink of relu float32 may be on the other side
@given(
    sizes=some.tuples(
        some.integers(1, 9),
        some.integers(1, 45),
        some.integers(1, 9) | some.integers(MANY, MANY + 8),
        some.integers(1, 37),
    ),
    order=some.sampled_from(list(itertools.permutations(range(3)))),
    reverse=some.booleans(),
    bias=some.booleans(),
    seed=some.integers(0, 1000),
)
def test_kernel_equals_the_cell_in_float64_in_values_and_gradients(
    kind: str,
    sizes: tuple[int, ...],
    order: tuple[int, ...],
    *,
    reverse: bool,
    bias: bool,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    steps, batch, features, hidden = sizes
    layer = KINDS[kind](features, hidden, bias=bias)
    x = strided((steps, batch, features), order).mul_(features**-0.5)  # so that sums of many inputs stay near 1
    x.requires_grad_()
    h = torch.randn(batch, hidden + 3)[:, 1 : 1 + hidden].requires_grad_()  # rows with gaps between them
    ours = run_kernel(kernel_of(layer), weights_of(layer, "_l0"), x, (h,), reverse=reverse)
    parts, output, last = exactly(layer, x, h, reverse=reverse)
    close(ours.output, output, 1e-6)
    close(ours.states[0], last, 1e-6)
    pull = strided((steps, batch, hidden), order)
    loss = (ours.output * pull).sum() + ours.states[0].square().sum()
    found = torch.autograd.grad(loss, [x, h, *layer.parameters()])
    exact_loss = (output * pull).sum() + last.square().sum()
    close_gradients(found, torch.autograd.grad(exact_loss, parts))


@every_kind
@pytest.mark.parametrize("end", ["output", "sum", "last"])
def test_gradients_from_any_end_alone_are_right(kind: str, end: str) -> None:
    layer, x, h = KINDS[kind](3, 21), torch.randn(6, 5, 3), torch.randn(5, 21)

    def loss(output: Tensor, last: Tensor) -> Tensor:
        return {"output": output[2].square().sum(), "sum": output.sum(), "last": last.square().sum()}[end]

    ours = run_kernel(kernel_of(layer), weights_of(layer, "_l0"), x, (h,))
    found = torch.autograd.grad(loss(ours.output, ours.states[0]), list(layer.parameters()))
    parts, output, last = exactly(layer, x, h, reverse=False)
    close_gradients(found, torch.autograd.grad(loss(output, last), parts[2:]))


@every_kind
@pytest.mark.usefixtures("instructions")
def test_no_state_is_a_state_of_zeros_in_every_derivative(kind: str) -> None:
    layer, x, found = KINDS[kind](3, 21), torch.randn(6, 5, 3, requires_grad=True), []
    for states in ((), (torch.zeros(5, 21),)):
        run = run_kernel(kernel_of(layer), weights_of(layer, "_l0"), x, states)
        (first,) = torch.autograd.grad(run.output.tanh().sum(), x, retain_graph=True)
        (again,) = torch.autograd.grad(run.output.tanh().sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(again.square().sum(), layer.weight_ih_l0)
        found.append([run.output, run.states[0], first, again, second])
    assert all(torch.equal(without, zeros) for without, zeros in zip(*found, strict=True))


@every_kind
@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize("hidden", [1, 7, 16, 64, 100])
@pytest.mark.parametrize("features", [1, 5, 40])
def test_a_rows_bits_do_not_depend_on_its_batch(kind: str, hidden: int, features: int) -> None:
    layer, x = KINDS[kind](features, hidden), torch.randn(12, 1000, features)
    with torch.inference_mode():
        whole, end = layer(x)
        for rows in ([0], [999], range(7), range(3, 40), range(500, 501)):
            part, last = layer(x[:, list(rows)])
            assert torch.equal(part, whole[:, list(rows)])
            assert torch.equal(last, end[:, list(rows)])


@every_kind
@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize(("batch", "hidden"), [(1, 64), (1, 5), (3, 33), (40, 64)])
def test_single_steps_equal_one_pass_bit_for_bit(kind: str, batch: int, hidden: int) -> None:
    layer, x = KINDS[kind](4, hidden, num_layers=2), torch.randn(50, batch, 4)
    with torch.inference_mode():
        whole, end = layer(x)
        state, outputs = None, []
        for step in x:
            output, state = layer(step[None], state)
            outputs.append(output)
    assert torch.equal(torch.cat(outputs), whole)
    assert torch.equal(state, end)


@every_kind
@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize("features", [4, MANY])
def test_training_and_inference_have_the_same_bits(kind: str, features: int) -> None:
    layer, x = KINDS[kind](features, 33, num_layers=2, bidirectional=True), torch.randn(9, 21, features)
    with torch.no_grad():
        still, _ = layer(x)
    assert torch.equal(layer(x)[0], still)


@every_kind
@pytest.mark.usefixtures("instructions")
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


@every_kind
@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_repeats_itself_and_gives_the_same_outputs(kind: str, threads: int) -> None:
    before = torch.get_num_threads()
    layer, x = KINDS[kind](8, 64), torch.randn(60, 70, 8)
    with torch.no_grad():
        single, _ = layer(x)
    try:
        torch.set_num_threads(threads)
        results = []
        for _ in range(2):
            layer.zero_grad()
            output, _ = layer(x)
            output.square().mean().backward()
            results.append([output, *(weight.grad.clone() for weight in layer.parameters())])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
    assert torch.equal(results[0][0], single)
    exact = KINDS[kind](8, 64).double()
    exact.load_state_dict(layer.state_dict())
    loss = exact(x.double())[0].square().mean()
    close_gradients(results[0][1:], torch.autograd.grad(loss, list(exact.parameters())))


@every_kind
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_gradient_of_a_gradient_is_that_of_the_cell(kind: str, *, bidirectional: bool) -> None:
    layer, x = KINDS[kind](3, 6, bidirectional=bidirectional), torch.randn(5, 2, 3, requires_grad=True)
    exact = KINDS[kind](3, 6, bidirectional=bidirectional).double()
    exact.load_state_dict(layer.state_dict())
    seconds = []
    for each, x_own in ((layer, x), (exact, x.detach().double().requires_grad_())):
        (first,) = torch.autograd.grad(each(x_own)[0].tanh().sum(), x_own, create_graph=True)
        ends = [x_own, *each.parameters()]
        seconds.append(torch.autograd.grad(first.square().sum(), ends, allow_unused=True))
    for a, b in zip(*seconds, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert_close(a, b.float(), rtol=1e-4, atol=1e-5)


@every_kind
def test_several_backward_passes_give_the_same_gradients(kind: str) -> None:
    layer, x = KINDS[kind](3, 6), torch.randn(5, 2, 3)
    loss = layer(x)[0].square().sum()
    first = torch.autograd.grad(loss, list(layer.parameters()), retain_graph=True)
    second = torch.autograd.grad(loss, list(layer.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@every_kind
def test_a_weight_or_an_output_changed_before_the_backward_pass_is_noticed(kind: str) -> None:
    layer, x = KINDS[kind](3, 6), torch.randn(5, 2, 3)
    loss = layer(x)[0].sum()
    with torch.no_grad():
        layer.weight_ih_l0.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    output, _ = layer(x)
    output.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()


@every_kind
@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_what_is_no_finite_number_stays_in_its_row_from_its_step_on(kind: str, bad: float) -> None:
    layer, x = KINDS[kind](3, 20), torch.randn(5, 9, 3)
    clean, _ = layer(x)
    x[2, 4] = bad
    dirty, exact = layer(x)[0], run_stack(layer, x, None).output
    assert torch.equal(dirty.isfinite(), exact.isfinite())
    others = [row for row in range(9) if row != 4]
    assert torch.equal(dirty[:, others], clean[:, others])
    assert torch.equal(dirty[:2, 4], clean[:2, 4])


@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize(
    "gates", [(-200.0, -190.0), (-190.0, -200.0), (-1e4, -1e4 - 3), (-70.0, 0.0), (0.0, -70.0), (90.0, 95.0)]
)
def test_the_shares_of_the_minlstm_are_right_where_its_gates_vanish(gates: tuple[float, float]) -> None:
    layer, x = nn.MinLSTM(2, 17), torch.randn(6, 3, 2).requires_grad_()
    with torch.no_grad():
        layer.bias_ih_l0[:17], layer.bias_ih_l0[17:34] = gates
    h = torch.randn(3, 17).requires_grad_()
    ours = run_kernel(kernel_of(layer), weights_of(layer, "_l0"), x, (h,))
    parts, output, _ = exactly(layer, x, h, reverse=False)
    # The gates are sums of float32 numbers as large as they are, and the shares feel the rounding of their difference.
    share = 1e-6 + max(map(abs, gates)) * torch.finfo(torch.float32).eps
    close(ours.output, output, share)
    found = torch.autograd.grad(ours.output.square().sum(), [x, h, *layer.parameters()])
    for a, b in zip(found, torch.autograd.grad(output.square().sum(), parts), strict=True):
        close(a, b, 3 * share)


@pytest.mark.usefixtures("instructions")
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


FORMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "batch first": {"batch_first": True},
    "three layers": {"num_layers": 3},
    "both directions": {"num_layers": 2, "bidirectional": True},
    "without biases": {"bias": False},
}


@every_kind
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(7, 5, 3), (7, 3)])
def test_a_layer_in_every_form_equals_its_reference_cell(kind: str, form: str, shape: tuple[int, ...]) -> None:
    layer, x = KINDS[kind](3, 10, **FORMS[form]), torch.randn(shape)
    exact = KINDS[kind](3, 10, **FORMS[form]).double()
    exact.load_state_dict(layer.state_dict())
    assert nn.explain_backend(layer, x).endswith(f": kernel {kind}")
    output, state = layer(x)
    close(output, exact(x.double())[0], 1e-6)
    close(state, exact(x.double())[1], 1e-6)
    carried = torch.randn_like(state)
    close(layer(x, carried)[0], exact(x.double(), carried.double())[0], 1e-6)


@every_kind
def test_without_kernels_the_reference_cell_runs_and_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = KINDS[kind](3, 4), torch.randn(5, 2, 3)
    name = type(layer).__name__
    monkeypatch.setenv("GATECAST_KERNELS", "off")
    library.cache_clear()
    try:
        assert nn.explain_backend(layer, x) == f"{name}: reference cell (GATECAST_KERNELS=off)"
        assert torch.equal(layer(x)[0], run_stack(layer, x, None).output)
    finally:
        monkeypatch.undo()
        library.cache_clear()
    wide = nn.explain_backend(layer.double(), x.double())
    assert wide == f"{name}: reference cell (kernels compute in float32, and the tensors are float64)"


@every_kind
@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize(("batch", "layers", "bias"), [(1, 1, True), (5, 3, False)])
def test_a_frozen_step_equals_the_layer_bit_for_bit(kind: str, batch: int, layers: int, *, bias: bool) -> None:
    layer = KINDS[kind](3, 17, num_layers=layers, bias=bias)
    step, x, state = nn.stepper(layer, batch), torch.randn(6, batch, 3), torch.zeros(layers, batch, 17)
    with torch.no_grad():
        whole, end = layer(x)
    for time, now in enumerate(x):
        state = step(now, state)
        assert torch.equal(state[-1], whole[time])
    assert torch.equal(state, end)


@every_kind
@pytest.mark.parametrize("wrong", [torch.zeros(40, 5), torch.zeros(9, 3), torch.zeros(12, 3, dtype=torch.float64)])
def test_a_replaced_weight_that_does_not_fit_is_refused_before_compiled_code_reads_it(kind: str, wrong: Tensor) -> None:
    layer = KINDS[kind](3, 7)
    layer._parameters["weight_ih_l0"] = torch.nn.Parameter(wrong)
    x = torch.randn(5, 2, 3)
    with pytest.raises((ValueError, RuntimeError)):
        layer(x)
    with pytest.raises(ValueError, match=r"weight_ih is .* here, got"):
        run_kernel(kernel_of(layer), weights_of(layer, "_l0"), x, (torch.zeros(2, 7),))
