"""Which road a call takes, what is said of it, and what never comes to compiled code."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from cell_catalogue import as_tuple
from gatecast import nn
from gatecast.cells import equations_of
from gatecast.cells.cell import weights_of
from gatecast.errors import OptionError
from gatecast.kernels import run_kernel
from gatecast.kernels.library import library
from gatecast.nn.stacking import run_stack
from kernel_kinds import KINDS, UNIT_BY_UNIT, every_kind, kernel_of, packed, torch_twin


def road_without(kind: str) -> str:
    """What runs where no kernel does."""
    return "reference cell" if kind in ("gru_reset_before", *UNIT_BY_UNIT) else "torch.nn"


@every_kind
def test_the_switch_turns_kernels_off_and_says_so(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = KINDS[kind](3, 4), torch.randn(5, 2, 3)
    name, twin = type(layer).__name__, torch_twin(kind, layer)
    monkeypatch.setenv("GATECAST_KERNELS", "off")
    library.cache_clear()
    try:
        assert nn.explain_backend(layer, x) == f"{name}: {road_without(kind)} (GATECAST_KERNELS=off)"
        expected = run_stack(layer, x, None).output if twin is None else twin.float()(x)[0]
        assert torch.equal(layer(x)[0], expected)
        monkeypatch.setenv("GATECAST_KERNELS", "sse9")
        library.cache_clear()
        with pytest.raises(OptionError, match="GATECAST_KERNELS='sse9' is unknown; say off, avx512, avx2 or neon"):
            layer(x)
    finally:
        monkeypatch.undo()
        library.cache_clear()


@every_kind
def test_explain_backend_names_the_kernel_for_any_form_and_why_there_is_none(kind: str) -> None:
    layer, x = KINDS[kind](3, 4), torch.randn(5, 2, 3)
    name = type(layer).__name__
    assert nn.explain_backend(layer, x) == f"{name}: kernel {kind}"
    assert nn.explain_backend(layer, packed([3, 4], 3)) == f"{name}: kernel {kind}"
    wide = nn.explain_backend(layer.double(), x.double())
    assert wide == f"{name}: {road_without(kind)} (kernels compute in float32, and the tensors are float64)"


def test_explain_backend_prints_what_it_returns_and_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    x = torch.randn(5, 2, 3)
    assert nn.explain_backend(nn.GRU(3, 4), x) == "GRU: kernel gru"
    assert capsys.readouterr().out == "GRU: kernel gru\n"
    assert "LSTM: torch.nn (there is no kernel for" in nn.explain_backend(nn.LSTM(3, 4, proj_size=2), x)
    sequences = pack_sequence([torch.randn(3, 3)])
    assert nn.explain_backend(nn.GRU(3, 4, reset_after=False), sequences) == "GRU: kernel gru_reset_before"
    assert "SLSTM: reference cell (there is no kernel for" in nn.explain_backend(nn.SLSTM(3, 4), x)


def test_packed_sequences_stay_with_the_reference_under_vmap() -> None:
    layer, sequences, said = nn.MinGRU(3, 4), packed([2, 3], 3), list[str]()

    def output(data: Tensor) -> Tensor:
        given = PackedSequence(data, sequences.batch_sizes, sequences.sorted_indices, sequences.unsorted_indices)
        said.append(nn.explain_backend(layer, given))
        return data

    torch.vmap(output)(torch.stack([sequences.data, sequences.data]))
    why = "packed sequences are no operator of torch, which torch.compile and torch.vmap want to see"
    assert said == [f"MinGRU: reference cell ({why})"]


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
    assert all(weight.grad is not None for weight in layer.parameters())


@every_kind
def test_autocast_takes_packed_sequences_as_it_takes_others(kind: str) -> None:
    layer, x = KINDS[kind](3, 8), packed([4, 6, 1], 3)
    exact, _ = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        output, state = layer(x)
        again, _ = layer(x.to(torch.bfloat16), state)
        assert nn.explain_backend(layer, x).endswith(f"kernel {kind} in float32, under autocast")
    expected = torch.float32 if kind.startswith("gru") else torch.bfloat16
    assert torch.equal(output.data, exact.data.to(expected))
    assert {each.dtype for each in as_tuple(state)} == {expected}
    assert again.data.dtype is torch.bfloat16


MISFITS: dict[str, Callable[[Tensor], Tensor]] = {
    "a row fewer": lambda weight: weight[:-1],
    "two rows more": lambda weight: torch.cat([weight, weight[-2:]]),
    "a column more": lambda weight: torch.stack([*weight.unbind(-1), weight[..., 0]], -1),
    "rows and columns more": lambda weight: weight.new_zeros([size + 5 for size in weight.shape]),
    "float64": lambda weight: weight.double(),
}


@every_kind
@pytest.mark.parametrize("misfit", MISFITS)
def test_a_replaced_weight_that_does_not_fit_is_refused_before_compiled_code_reads_it(kind: str, misfit: str) -> None:
    for name, weight in KINDS[kind](3, 7).named_parameters():
        layer, x = KINDS[kind](3, 7), torch.randn(5, 2, 3)
        layer._parameters[name] = torch.nn.Parameter(MISFITS[misfit](weight.detach()))
        if misfit == "float64" and weight.dim() == 1 and kind in UNIT_BY_UNIT:  # the reference adds in both types
            assert "the weights are not what the kernels take" in nn.explain_backend(layer, x)
        else:
            with pytest.raises((ValueError, RuntimeError)):
                layer(x)
        states = (torch.zeros(2, 7),) * len(equations_of(layer).states)
        with pytest.raises(ValueError, match=rf"{name.removesuffix('_l0')} is .* here, got"):
            run_kernel(kernel_of(layer), weights_of(layer, "_l0"), x, states)
