"""The cells that stand in for torch.nn's: every one exported, against torch.nn's own and the reference cell."""

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from cell_catalogue import DROP_IN_CLASSES, DROP_INS, Make, as_tuple
from gatecast import cells, nn

every_drop_in = pytest.mark.parametrize("make", DROP_INS, ids=str)
AS_TORCH = [make for make in DROP_INS if make.choice.get("reset_after", True)]
as_torch = pytest.mark.parametrize("make", AS_TORCH, ids=str)
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
SHAPES = pytest.mark.parametrize("lead", [(), (1,), (5,), (0,)], ids=str)


def torchs(own: torch.nn.Module) -> Any:
    """torch.nn's class of the same name, with the same settings and weights."""
    kind = getattr(torch.nn, type(own).__name__)
    bias, choice = own.bias, {"nonlinearity": own.nonlinearity} if kind is torch.nn.RNNCell else {}
    theirs = kind(own.input_size, own.hidden_size, bias, **choice).to(own.weight_ih.dtype)
    theirs.load_state_dict(own.state_dict())
    return theirs


def given(cell: Any, lead: tuple[int, ...]) -> tuple[Tensor, Any]:
    """An input and a state, all of which want gradients."""
    sizes = [cell.input_size, *cells.equations_of(cell).state_sizes(cell.hidden_size)]
    x, *states = (torch.randn(*lead, size, dtype=cell.weight_ih.dtype).requires_grad_() for size in sizes)
    return x, states[0] if len(states) == 1 else tuple(states)


def gradients(cell: Any, x: Tensor, state: Any) -> tuple[Tensor, ...]:
    loss = sum(each.square().sum() for each in as_tuple(cell(x, state)))
    return torch.autograd.grad(loss, [x, *as_tuple(state), *cell.parameters()])


def test_torchs_three_cells_are_exported_under_their_names() -> None:
    assert {kind.__name__ for kind in DROP_IN_CLASSES} == {"RNNCell", "LSTMCell", "GRUCell"}


@every_drop_in
@pytest.mark.parametrize("bias", [True, False])
def test_constructor_and_state_dict_are_torch_nns(make: Make, *, bias: bool) -> None:
    kind = getattr(torch.nn, make.kind.__name__)
    torch.manual_seed(1)
    own = make.kind(3, 5, bias, **make.choice)
    torch.manual_seed(1)
    theirs = kind(3, 5, bias)
    assert isinstance(own, kind)
    assert list(own.state_dict()) == list(theirs.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(own.parameters(), theirs.parameters(), strict=True)), "same seed"
    far = make.kind(3, 5, device="meta", dtype=torch.float64, **make.choice)
    assert all(weight.is_meta and weight.dtype == torch.float64 for weight in far.parameters())


@as_torch
@DTYPES
@SHAPES
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_torch_nns_bit_for_bit(
    make: Make, dtype: torch.dtype, lead: tuple[int, ...], *, bias: bool
) -> None:
    own = make(3, 5, bias=bias).to(dtype)
    theirs, (x, state) = torchs(own), given(own, lead)
    for ours, exact in ((own(x), theirs(x)), (own(x, state), theirs(x, state))):
        assert all(torch.equal(a, b) for a, b in zip(as_tuple(ours), as_tuple(exact), strict=True))
    found = zip(gradients(own, x, state), gradients(theirs, x, state), strict=True)
    assert all(torch.equal(a, b) for a, b in found)


@DTYPES
@SHAPES
@pytest.mark.parametrize("bias", [True, False])
def test_reset_before_is_the_reference_cell(dtype: torch.dtype, lead: tuple[int, ...], *, bias: bool) -> None:
    own = nn.GRUCell(3, 5, bias, dtype=dtype, reset_after=False)
    exact = cells.GRUCell(3, 5, bias, dtype=dtype, reset_after=False)
    exact.load_state_dict(own.state_dict())
    x, h = given(own, lead)
    assert torch.equal(own(x), exact(x))
    assert torch.equal(own(x, h), exact(x, h))
    found = zip(gradients(own, x, h), gradients(exact, x, h), strict=True)
    assert all(torch.equal(a, b) for a, b in found)


def test_the_two_forms_of_the_gru_differ() -> None:
    before, after = nn.GRUCell(3, 5, reset_after=False), nn.GRUCell(3, 5)
    after.load_state_dict(before.state_dict())
    x, h = given(after, (4,))
    assert float((before(x, h) - after(x, h)).detach().abs().max()) > 1e-3
    assert repr(before) == "GRUCell(3, 5, reset_after=False)"
    assert repr(after) == "GRUCell(3, 5)"
    assert cells.equations_of(before) == cells.GRUEquations(reset_after=False)


@every_drop_in
def test_a_cell_walks_as_the_layer_of_its_name(make: Make) -> None:
    cell, x = make(3, 5), torch.randn(6, 2, 3, dtype=torch.float64)
    layer = getattr(nn, make.kind.__name__.removesuffix("Cell"))(3, 5, **make.choice).double()
    layer.load_state_dict({f"{name}_l0": weight for name, weight in cell.state_dict().items()})
    state = None
    for step, output in zip(x, layer(x)[0], strict=True):
        state = cell(step, state)
        assert_close(as_tuple(state)[0], output, rtol=1e-12, atol=1e-13)


@as_torch
def test_refusals_are_torch_nns_word_for_word(make: Make) -> None:
    own, x = make(3, 5).float(), torch.zeros(2, 3)
    h = (torch.zeros(2, 5),) * len(cells.equations_of(own).states)
    shorter = tuple(each[:1] for each in h)
    for wrong_x, states in ((x[None, None], h), (x[:, :2], h), (x.double(), h), (x, shorter), (x, (h[0][None],) * 2)):
        state = states if len(h) == 2 else states[0]
        with pytest.raises((ValueError, RuntimeError)) as exact:
            torchs(own)(wrong_x, state)
        with pytest.raises(type(exact.value)) as ours:
            own(wrong_x, state)
        assert str(ours.value) == str(exact.value)


def test_reset_before_refuses_in_words() -> None:
    cell = nn.GRUCell(3, 5, reset_after=False)
    with pytest.raises(ValueError, match=r"x is \(batch, 3\) or \(3,\), got \(7, 2, 3\)"):
        cell(torch.zeros(7, 2, 3))
    with pytest.raises(ValueError, match=r"the state has the shape \(2, 5\) here, got \(3, 5\)"):
        cell(torch.zeros(2, 3), torch.zeros(3, 5))


@every_drop_in
def test_a_cell_can_be_copied_pickled_and_saved(make: Make) -> None:
    cell = make(3, 5)
    x, state = given(cell, (2,))
    file = io.BytesIO()
    torch.save(cell.state_dict(), file)
    file.seek(0)
    loaded = make.kind(3, 5, dtype=torch.float64, **make.choice)
    loaded.load_state_dict(torch.load(file, weights_only=True))
    for each in (copy.deepcopy(cell), copy.copy(cell), pickle.loads(pickle.dumps(cell)), loaded):  # noqa: S301 - our own
        assert type(each) is make.kind
        assert all(torch.equal(a, b) for a, b in zip(as_tuple(each(x, state)), as_tuple(cell(x, state)), strict=True))
        assert repr(each) == repr(cell)
    moved = copy.deepcopy(cell)
    with torch.no_grad():
        moved.weight_hh.add_(1)
    assert not torch.equal(as_tuple(moved(x, state))[0], as_tuple(cell(x, state))[0]), "a copy has weights of its own"


@as_torch
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_a_scripted_cell_is_torch_nns_and_shares_its_weights(make: Make, *, bias: bool) -> None:
    own = make(3, 5, bias=bias)
    model, x = torch.nn.Sequential(own), given(own, (2,))[0]
    scripted = torch.jit.script(model)
    assert all(torch.equal(a, b) for a, b in zip(as_tuple(scripted(x)), as_tuple(torchs(own)(x)), strict=True))
    assert all(a is b for a, b in zip(model.parameters(), own.parameters(), strict=True))


@as_torch
@pytest.mark.filterwarnings("ignore:There is a performance drop")  # torch's own, about its own step
def test_vmap_runs_a_cell_over_weights(make: Make) -> None:
    cell = make(3, 5)
    x, state = given(cell, (2,))
    both = {name: torch.stack([weight.detach(), weight.detach() / 2]) for name, weight in cell.named_parameters()}

    def step(weights: dict[str, Tensor]) -> Any:
        return torch.func.functional_call(cell, weights, (x, state))

    mapped = as_tuple(torch.vmap(step)(both))
    for k in range(2):
        alone = as_tuple(step({name: weight[k] for name, weight in both.items()}))
        for a, b in zip(mapped, alone, strict=True):
            assert_close(a[k], b, rtol=1e-6, atol=1e-6)
