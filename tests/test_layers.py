"""Layers over whole sequences: contracts of every exported layer, and torch.nn's own numbers."""

import copy
import io
import itertools
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence
from torch.testing import assert_close

from cell_catalogue import LAYER_CLASSES, LAYERS, Make, as_tuple, some_state
from gatecast import nn
from gatecast.cells import CELL_TYPES
from gatecast.errors import OptionError
from gatecast.nn.plain import LAYERS as LAYERS_BY_NAME

every_layer = pytest.mark.parametrize("make", LAYERS, ids=str)
FORWARD = {"rtol": 1e-12, "atol": 1e-13}
SETTINGS = [
    {"num_layers": layers, "bidirectional": bidirectional, "bias": bias, "batch_first": first}
    for layers, bidirectional, bias, first in itertools.product((1, 2, 3), (False, True), (True, False), (False, True))
]
TORCH = [(kind, settings) for kind in ("RNN", "LSTM", "GRU") for settings in SETTINGS]
TORCH += [("LSTM", settings | {"proj_size": 2}) for settings in SETTINGS]


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def test_every_layer_has_a_name_and_every_name_a_layer() -> None:
    assert set(LAYERS_BY_NAME.values()) == set(LAYER_CLASSES)
    assert tuple(LAYERS_BY_NAME) == nn.CELLS


@pytest.mark.parametrize(("kind", "settings"), TORCH)
def test_state_dict_goes_to_torch_and_back_exactly(kind: str, settings: dict[str, Any]) -> None:
    torch.manual_seed(1)
    own = getattr(nn, kind)(3, 5, **settings)
    torch.manual_seed(1)
    theirs = getattr(torch.nn, kind)(3, 5, **settings)
    assert list(own.state_dict()) == list(theirs.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(own.parameters(), theirs.parameters(), strict=True)), "same seed"
    for weight in theirs.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    own.load_state_dict(theirs.state_dict())
    back = getattr(torch.nn, kind)(3, 5, **settings)
    back.load_state_dict(own.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(back.parameters(), theirs.parameters(), strict=True))
    x = torch.randn(4, 6, 3)
    for a, b in zip(flat(own(x)), flat(theirs(x)), strict=True):
        assert_close(a, b, rtol=0, atol=1e-6)  # the kernels' own sigmoid and tanh
    assert isinstance(own, getattr(torch.nn, kind))


def flat(result: tuple[Any, Any]) -> list[Tensor]:
    """Output and every state, of a packed output its data."""
    output, state = result
    return [output.data if isinstance(output, PackedSequence) else output, *as_tuple(state)]


@pytest.mark.parametrize(("kind", "settings"), TORCH)
@pytest.mark.parametrize("form", ["batch", "one", "packed"])
def test_reference_cells_stacked_equal_torch_nn(kind: str, settings: dict[str, Any], form: str) -> None:
    layer = getattr(nn, kind)(3, 5, **settings).double()
    x: Any = draw(4, 6, 3)
    lead = [layer.num_layers * (2 if layer.bidirectional else 1), 4 if layer.batch_first else 6]
    if form == "one":
        x, lead = draw(4, 3), lead[:1]
    if form == "packed":
        x, lead[1] = pack_sequence([draw(length, 3) for length in (2, 6, 1, 6, 3)], enforce_sorted=False), 5
    state = some_state(layer, *lead)
    own = nn.trace(layer, x, state)
    for ours, torchs in zip(flat((own.output, own.state)), flat(layer(x, state)), strict=True):
        assert_close(ours, torchs, **FORWARD)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_reference_gradients_equal_torch_nn(kind: str) -> None:
    layer, x = getattr(nn, kind)(3, 5, 2, bidirectional=True).double(), draw(6, 4, 3).requires_grad_()
    state = some_state(layer, 4, 4)
    given = [x, *(each.requires_grad_() for each in as_tuple(state)), *layer.parameters()]
    own = nn.trace(layer, x, state)
    ours = torch.autograd.grad(sum(each.square().sum() for each in flat((own.output, own.state))), given)
    torchs = torch.autograd.grad(sum(each.square().sum() for each in flat(layer(x, state))), given)
    for a, b in zip(ours, torchs, strict=True):
        assert_close(a, b, rtol=1e-10, atol=1e-12)


@every_layer
@pytest.mark.parametrize("settings", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}])
def test_shapes_are_torch_nns(make: Make, settings: dict[str, Any]) -> None:
    layer, rows, sides = make(3, 4, **settings), 1, 1
    if "bidirectional" in settings:
        rows, sides = 4, 2
    for shape in ((7, 5, 3), (1, 5, 3), (7, 1, 3), (7, 3)):
        output, state = layer(draw(*shape))
        assert output.shape == (*shape[:-1], 4 * sides)
        assert all(each.shape == (rows, *shape[1:-1], 4) for each in as_tuple(state))
    first = make(3, 4, batch_first=True, **settings)
    x = draw(5, 7, 3)
    assert_close(first(x)[0], layer(x.transpose(0, 1))[0].transpose(0, 1), **FORWARD)
    assert as_tuple(first(x)[1])[0].shape == (rows, 5, 4), "the state is never batch first"


@every_layer
def test_the_last_output_is_the_state_of_the_top_layer(make: Make) -> None:
    output, state = make(3, 4, num_layers=3)(draw(7, 5, 3))
    assert torch.equal(output[-1], as_tuple(state)[0][-1])
    both, state = make(3, 4, num_layers=2, bidirectional=True)(draw(7, 5, 3))
    h = as_tuple(state)[0]
    assert torch.equal(both[-1, :, :4], h[-2]), "forwards ends at the last step"
    assert torch.equal(both[0, :, 4:], h[-1]), "backwards ends at the first"


@every_layer
@pytest.mark.parametrize("cut", [1, 4, 8])
def test_a_state_carried_in_two_halves_equals_one_pass(make: Make, cut: int) -> None:
    layer, x = make(3, 4, num_layers=2), draw(9, 2, 3)
    whole, end = layer(x)
    first, middle = layer(x[:cut])
    second, carried = layer(x[cut:], middle)
    assert_close(torch.cat([first, second]), whole, **FORWARD)
    for a, b in zip(as_tuple(carried), as_tuple(end), strict=True):
        assert_close(a, b, **FORWARD)


@every_layer
def test_a_layer_is_its_cell_step_by_step(make: Make) -> None:
    layer, x = make(3, 4), draw(6, 2, 3)
    names = {kind: name for name, kind in LAYERS_BY_NAME.items()}
    cell = CELL_TYPES[names[make.kind]](3, 4, **make.choice).double()
    cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in layer.state_dict().items()})
    traced, state = nn.trace(layer, x), None
    for time, step in enumerate(x):
        for name, gate in cell.gates(step, state).items():
            assert_close(traced.gates["l0"][name][time], gate, **FORWARD)
        state = cell(step, state)
        assert_close(layer(x)[0][time], as_tuple(state)[0], **FORWARD)
    assert set(traced.gates["l0"]) == set(cell.equations.gates)


@every_layer
def test_no_output_reads_a_later_step(make: Make) -> None:
    layer, x = make(3, 4, num_layers=2), draw(9, 2, 3)
    before, _ = layer(x)
    x[6:] = float("nan")
    after, _ = layer(x)
    assert torch.equal(before[:6], after[:6])


@every_layer
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("order", [True, False])
def test_packed_sequences_equal_each_sequence_alone(make: Make, *, bidirectional: bool, order: bool) -> None:
    layer = make(3, 4, num_layers=2, bidirectional=bidirectional)
    lengths = (6, 3, 1) if order else (2, 6, 1, 6, 3)
    sequences = [draw(length, 3) for length in lengths]
    packed = pack_sequence(sequences, enforce_sorted=order)
    state = some_state(layer, 4 if bidirectional else 2, len(lengths))
    output, end = layer(packed, state)
    assert isinstance(output, PackedSequence)
    for name in ("batch_sizes", "sorted_indices", "unsorted_indices"):
        kept, given = getattr(output, name), getattr(packed, name)
        assert (kept is None and given is None) or torch.equal(kept, given), name
    padded, _ = pad_packed_sequence(output)
    for k, sequence in enumerate(sequences):
        own = tuple(each[:, k : k + 1] for each in as_tuple(state))
        alone, last = layer(sequence[:, None], own[0] if len(own) == 1 else own)
        assert_close(padded[: len(sequence), k : k + 1], alone, **FORWARD)
        for a, b in zip(as_tuple(end), as_tuple(last), strict=True):
            assert_close(a[:, k : k + 1], b, **FORWARD)


@every_layer
def test_dropout_acts_between_layers_while_training_and_nowhere_else(make: Make) -> None:
    layer, x = make(3, 4, num_layers=2, dropout=1.0), draw(6, 2, 3)
    plain = make(3, 4, num_layers=2)
    plain.load_state_dict(layer.state_dict())
    x_above = torch.zeros(6, 2, 4, dtype=torch.float64)
    top = make(4, 4)
    top.load_state_dict(
        {name.replace("_l1", "_l0"): each for name, each in layer.state_dict().items() if "_l1" in name}
    )
    assert_close(layer.train()(x)[0], top(x_above)[0], **FORWARD)
    assert_close(layer.eval()(x)[0], plain(x)[0], **FORWARD)


@every_layer
def test_a_layer_can_be_copied_saved_moved_and_run_on_meta(make: Make) -> None:
    layer, x = make(3, 4, num_layers=2), draw(6, 2, 3)
    output, _ = layer(x)
    assert torch.equal(copy.deepcopy(layer)(x)[0], output)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    loaded = make(3, 4, num_layers=2)
    for weight in loaded.parameters():
        torch.nn.init.zeros_(weight)
    loaded.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(loaded(x)[0], output)
    far = make.kind(3, 4, num_layers=2, device="meta", **make.choice)
    assert far(torch.empty(6, 2, 3, device="meta"))[0].shape == (6, 2, 4)
    assert layer.float()(x.float())[0].dtype == torch.float32


@every_layer
def test_a_layer_says_what_it_cannot_take(make: Make) -> None:
    layer = make(3, 4)
    for wrong in (draw(6, 2, 5), draw(6), draw(2, 6, 2, 3)):
        with pytest.raises((ValueError, RuntimeError), match=r"[Ii]nput"):
            layer(wrong)
    with pytest.raises((ValueError, RuntimeError), match=r"hidden|state"):
        layer(draw(6, 2, 3), some_state(layer, 1, 3))
    with pytest.raises((ValueError, RuntimeError)):
        layer(draw(0, 2, 3))


def test_our_own_layers_refuse_in_words() -> None:
    layer = nn.MinGRU(3, 4)
    with pytest.raises(ValueError, match="the input has 3 features at each step, got 5"):
        layer(torch.zeros(6, 2, 5))
    with pytest.raises(ValueError, match=r"the input has 2 dimensions \(one sequence\) or 3 \(a batch\), got 1"):
        layer(torch.zeros(3))
    with pytest.raises(ValueError, match="the input has no steps"):
        layer(torch.zeros(0, 2, 3))
    with pytest.raises(ValueError, match=r"the state has the shape \(1, 2, 4\) here, got \(1, 3, 4\)"):
        layer(torch.zeros(6, 2, 3), torch.zeros(1, 3, 4))
    with pytest.raises(OptionError, match="dropout is a share from 0 to 1, got 2"):
        nn.SLSTM(3, 4, dropout=2.0)
    with pytest.raises(OptionError, match="num_layers counts from 1 up, got 0"):
        nn.IndRNN(3, 4, num_layers=0)


def test_a_printed_layer_shows_its_sizes_and_its_convention() -> None:
    assert repr(nn.GRU(3, 4, reset_after=False)) == "GRU(3, 4, reset_after=False)"
    assert repr(nn.MinGRU(3, 4, 2, bidirectional=True)) == "MinGRU(3, 4, num_layers=2, bidirectional=True)"


@every_layer
@pytest.mark.parametrize("batch_first", [False, True])
def test_a_learnt_initial_state_starts_at_zero_and_gets_a_gradient(make: Make, *, batch_first: bool) -> None:
    layer = make(3, 4, num_layers=2, batch_first=batch_first)
    wrapped, x = nn.LearnedInitialState(layer), draw(6, 2, 3)
    assert torch.equal(wrapped(x)[0], layer(x)[0])
    with torch.no_grad():
        for state in wrapped.parameters(recurse=False):
            state.fill_(0.5)
    given = tuple(wrapped.parameters(recurse=False))
    zeros = (torch.zeros_like(given[0]),) * (len(as_tuple(layer(x)[1])) - len(given))
    batch = 6 if batch_first else 2
    state = tuple(each[:, None].expand(-1, batch, -1).contiguous() for each in given + zeros)
    expected = layer(x, state[0] if len(state) == 1 else state)[0]
    assert torch.equal(wrapped(x)[0], expected)
    assert_close(wrapped(x[0])[0].shape, (x.shape[1], 4))
    gradients = torch.autograd.grad(wrapped(x)[0].square().sum(), given)
    assert all(gradient.abs().sum() > 0 for gradient in gradients)
    packed = pack_sequence([draw(4, 3), draw(2, 3)])
    assert wrapped(packed)[0].data.shape == (6, 4)
    carried = layer(x)[1]
    assert torch.equal(wrapped(x, carried)[0], layer(x, carried)[0]), "a state that is given is used"
