"""The one road on which weights come from elsewhere: by torch's names, held to the layer that they say they are of.

Whoever knows another library's order of gates renames and turns its arrays (`keras`, `neuralforecast`); what is checked
then is the same for all: which layer the shapes tell of, that nothing is missing and nothing left over, and that every
number is one.  What weights cannot tell is said by a `Convention`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from gatecast.errors import InputError
from gatecast.nn.dropin import GRU, LSTM, RNN

Layer = RNN | LSTM | GRU
CellKind = Literal["rnn", "gru", "lstm"]
Nonlinearity = Literal["tanh", "relu"]
GATES: dict[int, CellKind] = {1: "rnn", 3: "gru", 4: "lstm"}
CLASSES = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
NAME = re.compile(r"(weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)_l(\d+)(_reverse)?")
SHOWN = 3  # names of a kind in a message


@dataclass(frozen=True)
class Convention:
    """What the shapes of weights do not show.

    Attributes:
        cell: the kind of cell that they ought to be of; None takes the one that their shapes tell.
        nonlinearity: of an RNN; it has to be said.
        reset_after: of a GRU, where r acts.
        batch_first: whether the layer reads (batch, time, feature).
        dropout: share of units dropped between layers while training.
    """

    cell: CellKind | None = None
    nonlinearity: Nonlinearity | None = None
    reset_after: bool = True
    batch_first: bool = True
    dropout: float = 0.0


@dataclass(frozen=True)
class _Sizes:
    cell: CellKind
    inputs: int
    hidden: int
    layers: int
    bias: bool
    both_ways: bool
    projected: int


def layer_of(weights: Mapping[str, Any], convention: Convention, remedy: str) -> Layer:
    """The layer with these weights, in their own precision, on the CPU; nothing is shared with them.

    Args:
        weights: by torch's names, `weight_ih_l0` and so on.
        convention: what they do not show.
        remedy: what to do where they are not those of a layer; a sentence.

    Raises:
        InputError: they are not those of a recurrent layer, or of another one, or a number in them is none.
    """
    kind = _check_numbers(weights, remedy)
    sizes = _sizes(weights, convention, remedy)
    layer = _empty(sizes, convention).to(kind)
    _check_fit(weights, {name: tuple(own.shape) for name, own in layer.state_dict().items()}, sizes, remedy)
    layer.load_state_dict(dict(weights))
    return layer


def _check_numbers(weights: Mapping[str, Any], remedy: str) -> torch.dtype:
    """The one precision that all of them have."""
    strange = [name for name, each in weights.items() if not isinstance(each, Tensor) or not each.is_floating_point()]
    if not weights or strange:
        found = _few(strange) if strange else "nothing"
        raise InputError(f"weights are tensors of numbers with a fraction, got {found}. {remedy}")
    kinds = {each.dtype for each in weights.values()}
    if len(kinds) > 1:
        raise InputError(
            f"weights of one layer have one precision, got {_few(sorted(map(str, kinds)))}: turn all of them to one."
        )
    for name, each in weights.items():
        if not bool(torch.isfinite(each).all()):
            raise InputError(
                f"{name} holds NaN or infinite weights, and so would every forecast: take the weights of an earlier "
                f"step, or train again with a lower learning rate."
            )
    return kinds.pop()


def _sizes(weights: Mapping[str, Tensor], convention: Convention, remedy: str) -> _Sizes:
    """What the shapes of the first layer, and the names, tell."""
    absent = [name for name in ("weight_ih_l0", "weight_hh_l0") if name not in weights]
    if absent:
        raise InputError(f"a recurrent layer has {_few(absent)}, which is not among {_few(list(weights))}. {remedy}")
    first, again, projection = weights["weight_ih_l0"], weights["weight_hh_l0"], weights.get("weight_hr_l0")
    rows, hidden = again.shape[0], (again if projection is None else projection).shape[-1]
    cell = GATES.get(rows // hidden) if hidden and rows % hidden == 0 and first.ndim == again.ndim == 2 else None
    if cell is None:
        raise InputError(
            f"weight_hh_l0 of an RNN, a GRU or an LSTM with H units has H, 3 H or 4 H rows; got the shapes "
            f"{tuple(first.shape)} and {tuple(again.shape)} of weight_ih_l0 and weight_hh_l0. {remedy}"
        )
    if convention.cell not in (None, cell):
        raise InputError(
            f"a {CLASSES[convention.cell or cell]} was expected, but weight_hh_l0 with {rows} rows of {hidden} units "
            f"is of {'an' if cell != 'gru' else 'a'} {CLASSES[cell]}. {remedy}"
        )
    matched = [found for name in weights if (found := NAME.fullmatch(name)) is not None]
    return _Sizes(
        cell=cell,
        inputs=first.shape[1],
        hidden=hidden,
        layers=sum(found[1] == "weight_ih" and found[3] is None for found in matched),
        bias=any(found[1].startswith("bias") for found in matched),
        both_ways=any(found[3] is not None for found in matched),
        projected=0 if projection is None else projection.shape[0],
    )


def _empty(sizes: _Sizes, convention: Convention) -> Layer:
    """The layer before it has these weights."""
    said: dict[str, Any] = {
        "num_layers": sizes.layers,
        "bias": sizes.bias,
        "batch_first": convention.batch_first,
        "dropout": convention.dropout if sizes.layers > 1 else 0.0,
        "bidirectional": sizes.both_ways,
    }
    if sizes.cell == "gru":
        return GRU(sizes.inputs, sizes.hidden, reset_after=convention.reset_after, **said)
    if sizes.cell == "lstm":
        return LSTM(sizes.inputs, sizes.hidden, proj_size=sizes.projected, **said)
    if convention.nonlinearity is None:
        raise InputError(
            "weights of an RNN do not show its nonlinearity: say nonlinearity='tanh' (which is usual) or 'relu'."
        )
    return RNN(sizes.inputs, sizes.hidden, nonlinearity=convention.nonlinearity, **said)


def _check_fit(
    weights: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]], sizes: _Sizes, remedy: str
) -> None:
    """Refuse weights of which one is missing, left over, or of another shape."""
    wrong = [
        f"{name} is {tuple(weights[name].shape)}, not {shape}"
        for name, shape in expected.items()
        if name in weights and tuple(weights[name].shape) != shape
    ]
    missing = [name for name in expected if name not in weights]
    more = [name for name in weights if name not in expected]
    found = {"": wrong, "missing ": missing, "left over ": more}
    told = [f"{how}{_few(names)}" for how, names in found.items() if names]
    if told:
        ways = ", both ways" if sizes.both_ways else ""
        raise InputError(
            f"the first layer is one of {CLASSES[sizes.cell]}({sizes.inputs}, {sizes.hidden}), {sizes.layers} deep"
            f"{ways}, but the others do not fit it: {'; '.join(told)}. {remedy}"
        )


def _few(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}" if names else "nothing"
