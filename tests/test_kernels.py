"""The kernels against torch.nn and against themselves: values, gradients, and equalities bit by bit."""

import itertools
import multiprocessing
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor
from torch.testing import assert_close

from cell_catalogue import as_tuple
from gatecast import nn
from gatecast.cells import equations_of, unroll
from gatecast.cells.cell import weights_of
from gatecast.errors import OptionError
from gatecast.kernels import Kernel, kernel_for, run_kernel
from gatecast.kernels.library import built, instruction_sets, library

SETS = [name for name in instruction_sets() if built(name).exists()]
KINDS: dict[str, Any] = {
    "gru": nn.GRU,
    "gru_reset_before": lambda *sizes, **settings: nn.GRU(*sizes, reset_after=False, **settings),
    "lstm": nn.LSTM,
    "elman_tanh": nn.RNN,
    "elman_relu": lambda *sizes, **settings: nn.RNN(*sizes, nonlinearity="relu", **settings),
}
if not SETS:
    pytest.skip("no kernels were built on this machine", allow_module_level=True)

every_kind = pytest.mark.parametrize("kind", KINDS)
EPS = torch.finfo(torch.float32).eps


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


@every_kind
@pytest.mark.usefixtures("instructions")
@settings(max_examples=25, deadline=None)
@given(
    sizes=some.tuples(some.integers(1, 9), some.integers(1, 19), some.integers(1, 9), some.integers(1, 37)),
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
    x = strided((steps, batch, features), order).requires_grad_()
    equations, weights = equations_of(layer), weights_of(layer, "_l0")
    states = tuple(torch.randn(batch, hidden).requires_grad_() for _ in equations.states)
    ours = run_kernel(kernel_of(layer), weights, x, states, reverse=reverse)
    exact_parts = [each.detach().double().requires_grad_() for each in (x, *states, *layer.parameters())]
    exact_weights = type(weights)(*exact_parts[1 + len(states) :])
    turned = exact_parts[0].flip(0) if reverse else exact_parts[0]
    exact = unroll(equations, exact_weights, turned, tuple(exact_parts[1 : 1 + len(states)]))
    output = exact.output.flip(0) if reverse else exact.output
    for a, b in zip((ours.output, *ours.states), (output, *exact.states), strict=True):
        close(a, b, 1e-6)
    pull = torch.randn(steps, batch, hidden)
    loss = (ours.output * pull).sum() + sum(state.square().sum() for state in ours.states)
    exact_loss = (output * pull).sum() + sum(state.square().sum() for state in exact.states)
    found = torch.autograd.grad(loss, [x, *states, *layer.parameters()])
    for a, b in zip(found, torch.autograd.grad(exact_loss, exact_parts), strict=True):
        close(a, b, 3e-6)


@every_kind
@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize("hidden", [1, 7, 16, 64, 100])
def test_a_rows_bits_do_not_depend_on_its_batch(kind: str, hidden: int) -> None:
    layer, x = KINDS[kind](5, hidden), torch.randn(12, 1000, 5)
    with torch.inference_mode():
        whole, end = layer(x)
        for rows in ([0], [999], range(7), range(3, 40), range(500, 501)):
            part, last = layer(x[:, list(rows)])
            assert torch.equal(part, whole[:, list(rows)])
            assert all(torch.equal(a, b[:, list(rows)]) for a, b in zip(as_tuple(last), as_tuple(end), strict=True))


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
    assert all(torch.equal(a, b) for a, b in zip(as_tuple(state), as_tuple(end), strict=True))


@every_kind
@pytest.mark.usefixtures("instructions")
def test_training_and_inference_have_the_same_bits(kind: str) -> None:
    layer, x = KINDS[kind](4, 33, num_layers=2, bidirectional=True), torch.randn(9, 21, 4)
    with torch.no_grad():
        still, _ = layer(x)
    assert torch.equal(layer(x)[0], still)


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
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
    assert torch.equal(results[0][0], single)


@every_kind
def test_a_gradient_of_a_gradient_is_that_of_the_cell(kind: str) -> None:
    layer, x = KINDS[kind](3, 6), torch.randn(5, 2, 3, requires_grad=True)
    seconds = []
    for run in (layer, lambda x: nn.trace(layer, x)):
        (first,) = torch.autograd.grad(run(x)[0].tanh().sum(), x, create_graph=True)
        seconds.append(torch.autograd.grad(first.square().sum(), [x, *layer.parameters()], allow_unused=True))
    for a, b in zip(*seconds, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert_close(a, b, rtol=1e-4, atol=1e-5)


@every_kind
def test_several_backward_passes_give_the_same_gradients(kind: str) -> None:
    layer, x = KINDS[kind](3, 6), torch.randn(5, 2, 3)
    loss = layer(x)[0].square().sum()
    first = torch.autograd.grad(loss, list(layer.parameters()), retain_graph=True)
    second = torch.autograd.grad(loss, list(layer.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@every_kind
def test_a_weight_changed_between_forward_and_backward_is_noticed(kind: str) -> None:
    layer = KINDS[kind](3, 6)
    loss = layer(torch.randn(5, 2, 3))[0].sum()
    with torch.no_grad():
        layer.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@every_kind
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_what_is_not_a_number_stays_so_in_its_row_and_nowhere_else(kind: str, bad: float) -> None:
    layer, x = KINDS[kind](3, 20), torch.randn(5, 9, 3)
    clean, _ = layer(x)
    x[2, 4] = bad
    theirs = type(layer).__base__(3, 20, **({"nonlinearity": layer.nonlinearity} if "elman" in kind else {}))
    theirs.load_state_dict(layer.state_dict())
    dirty, exact = layer(x)[0], theirs(x)[0]
    assert torch.equal(dirty.isnan(), exact.isnan())
    others = [row for row in range(9) if row != 4]
    assert torch.equal(dirty[:, others], clean[:, others])


def _child(layer: Any, x: Tensor, queue: Any) -> None:
    torch.set_num_threads(2)
    with torch.no_grad():
        queue.put(layer(x)[0].numpy().tobytes())


def test_a_forked_child_computes_after_its_parent_used_threads() -> None:
    before = torch.get_num_threads()
    layer, x = nn.GRU(8, 64), torch.randn(60, 70, 8)
    try:
        torch.set_num_threads(2)
        with torch.no_grad():
            expected = layer(x)[0].numpy().tobytes()
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        child = context.Process(target=_child, args=(layer, x, queue), daemon=True)
        child.start()
        found = queue.get(timeout=60)
        child.join(timeout=60)
    finally:
        torch.set_num_threads(before)
    assert child.exitcode == 0
    assert found == expected


def test_python_threads_may_call_at_once() -> None:
    layers = [nn.GRU(8, 64), nn.LSTM(8, 32)]
    x = torch.randn(40, 64, 8)
    expected = [layer(x)[0].detach() for layer in layers]
    same: list[bool] = []

    def work(number: int) -> None:
        same.extend(torch.equal(layers[number % 2](x)[0].detach(), expected[number % 2]) for _ in range(20))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 120


def resident() -> int:
    """Bytes of memory this process holds."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is read from /proc")  # noqa: PTH110
@every_kind
def test_memory_does_not_grow_over_many_steps(kind: str) -> None:
    layer, x, state = KINDS[kind](4, 64), torch.randn(1, 1, 4), None
    with torch.no_grad():
        for turn in range(2500):  # of each of the four kinds
            if turn == 500:
                before = resident()
            _, state = layer(x, state)
    assert resident() - before < 2**20


def test_the_switch_turns_kernels_off_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATECAST_KERNELS", "off")
    library.cache_clear()
    try:
        layer, x = nn.GRU(3, 4), torch.randn(5, 2, 3)
        assert nn.explain_backend(layer, x) == "GRU: torch.nn (GATECAST_KERNELS=off)"
        theirs = torch.nn.GRU(3, 4)
        theirs.load_state_dict(layer.state_dict())
        assert torch.equal(layer(x)[0], theirs(x)[0])
        monkeypatch.setenv("GATECAST_KERNELS", "sse9")
        library.cache_clear()
        with pytest.raises(OptionError, match="GATECAST_KERNELS='sse9' is unknown; say off, avx512, avx2 or neon"):
            layer(x)
    finally:
        monkeypatch.undo()
        library.cache_clear()


def test_explain_backend_names_the_road_and_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    x = torch.randn(5, 2, 3)
    assert nn.explain_backend(nn.GRU(3, 4), x) == "GRU: kernel gru"
    assert capsys.readouterr().out == "GRU: kernel gru\n"
    wide = nn.explain_backend(nn.LSTM(3, 4).double(), x.double())
    assert wide == "LSTM: torch.nn (kernels compute in float32, and the tensors are float64)"
    assert "LSTM: torch.nn (there is no kernel for" in nn.explain_backend(nn.LSTM(3, 4, proj_size=2), x)
    packed = torch.nn.utils.rnn.pack_sequence([torch.randn(3, 3)])
    assert nn.explain_backend(nn.GRU(3, 4, reset_after=False), packed) == "GRU: kernel gru_reset_before"
    assert "SLSTM: reference cell (there is no kernel for" in nn.explain_backend(nn.SLSTM(3, 4), x)


@every_kind
@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize(("batch", "layers", "bias"), [(1, 1, True), (5, 3, False)])
def test_a_frozen_step_equals_the_layer_bit_for_bit(kind: str, batch: int, layers: int, *, bias: bool) -> None:
    layer = KINDS[kind](3, 17, num_layers=layers, bias=bias)
    step, x = nn.stepper(layer, batch), torch.randn(6, batch, 3)
    with torch.no_grad():
        whole, end = layer(x)
        state: Any = tuple(torch.zeros_like(each) for each in as_tuple(end))
        state = state[0] if len(state) == 1 else state
        for time, now in enumerate(x):
            before = [each.clone() for each in as_tuple(state)]
            given, state = state, step(now, state)
            assert all(torch.equal(a, b) for a, b in zip(before, as_tuple(given), strict=True)), "a value stays"
            assert torch.equal(as_tuple(state)[0][-1], whole[time])
    assert all(torch.equal(a, b) for a, b in zip(as_tuple(state), as_tuple(end), strict=True))


def test_a_frozen_step_takes_nothing_on_trust() -> None:
    step = nn.stepper(nn.GRU(3, 4), batch=2)
    x, h = torch.zeros(2, 3), torch.zeros(1, 2, 4)
    for wrong in (x[:1], x.double(), torch.zeros(3, 2).T):
        with pytest.raises(ValueError, match=r"x is \(2, 3\), float32 on the CPU, without gaps; got"):
            step(wrong, h)
    with pytest.raises(ValueError, match=r"a state is \(1, 2, 4\), float32 on the CPU, without gaps; got \(2, 4\)"):
        step(x, h[0])
    with pytest.raises(ValueError, match="this layer has 2 states, got 1"):
        nn.stepper(nn.LSTM(3, 4), batch=2)(x, h)
    with pytest.raises(ValueError, match="this layer has 2 states, got 3"):
        nn.stepper(nn.LSTM(3, 4), batch=2)(x, (h, h, h))
    with pytest.raises(ValueError, match="this layer has 1 state, got 2"):
        step(x, (h, h))
    with pytest.raises(ValueError, match=r"a state is \(1, 2, 4\).*got \(1, 2, 5\)"):
        nn.stepper(nn.LSTM(3, 4), batch=2)(x, (h, torch.zeros(1, 2, 5)))
    with pytest.raises(OptionError, match="cannot step by a kernel: it reads both directions"):
        nn.stepper(nn.GRU(3, 4, bidirectional=True))
    with pytest.raises(OptionError, match="the tensors are float64"):
        nn.stepper(nn.GRU(3, 4).double())


def test_a_frozen_step_is_shared_by_threads() -> None:
    layer = nn.GRU(3, 64)
    step, x = nn.stepper(layer), torch.randn(50, 1, 3)
    expected, same = layer(x)[0].detach(), list[bool]()

    def work() -> None:
        state = torch.zeros(1, 1, 64)
        for now in x:
            state = step(now, state)
        same.append(torch.equal(state[-1], expected[-1]))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 8


@pytest.mark.parametrize("wrong", [torch.zeros(12, 5), torch.zeros(9, 4), torch.zeros(12, 4, dtype=torch.float64)])
def test_a_replaced_weight_that_does_not_fit_is_refused_before_compiled_code_reads_it(wrong: Tensor) -> None:
    layer = nn.GRU(3, 4)
    layer._parameters["weight_hh_l0"] = torch.nn.Parameter(wrong)
    with pytest.raises((ValueError, RuntimeError)):
        layer(torch.randn(5, 2, 3))
    with pytest.raises(ValueError, match=r"weight_.h is .* here, got"):
        run_kernel(kernel_of(nn.GRU(3, 4)), weights_of(layer, "_l0"), torch.randn(5, 2, 3), (torch.zeros(2, 4),))


@every_kind
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_autocast_computes_in_float32_and_gives_the_types_of_torch(kind: str, half: torch.dtype) -> None:
    layer, x = KINDS[kind](3, 8), torch.randn(5, 2, 3)
    exact, _ = layer(x)
    with torch.autocast("cpu", half):
        output, state = layer(x)
        _, again = layer(x.to(half), state)
        assert nn.explain_backend(layer, x).endswith(f"kernel {kind} in float32, under autocast")
    expected = torch.float32 if kind.startswith("gru") else half
    assert {output.dtype, *(each.dtype for each in as_tuple(state))} == {expected}
    assert {each.dtype for each in as_tuple(again)} == {half}
    assert torch.equal(output, exact.to(expected))
    output.float().sum().backward()
    assert layer.weight_hh_l0.grad is not None


@every_kind
@pytest.mark.usefixtures("instructions")
def test_weight_gradients_over_many_rows_and_steps_keep_their_digits(kind: str) -> None:
    torch.manual_seed(0)
    layer, x = KINDS[kind](4, 64), torch.randn(96, 256, 4)
    exact = KINDS[kind](4, 64).double()
    exact.load_state_dict(layer.state_dict())
    found = torch.autograd.grad(layer(x)[0].square().mean(), list(layer.parameters()))
    for a, b in zip(found, torch.autograd.grad(exact(x.double())[0].square().mean(), exact.parameters()), strict=True):
        assert float((a - b).abs().max()) <= 1e-6 * float(b.abs().max())
