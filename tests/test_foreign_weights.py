"""Weights from torch, Keras and NeuralForecast: what they compute there is computed here, and nothing else is taken.

NeuralForecast is looked at where it is installed; a stand-in with its names and shapes is looked at everywhere.
"""

import os
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from gatecast import nn
from gatecast.errors import ArtifactError, InputError
from gatecast.kernels.library import library

SIZES = {"input_size": 3, "hidden_size": 5}
THEIRS = {
    "rnn": lambda **said: torch.nn.RNN(**SIZES, **said),
    "relu": lambda **said: torch.nn.RNN(**SIZES, nonlinearity="relu", **said),
    "gru": lambda **said: torch.nn.GRU(**SIZES, **said),
    "lstm": lambda **said: torch.nn.LSTM(**SIZES, **said),
    "projected": lambda **said: torch.nn.LSTM(**SIZES, proj_size=2, **said),
}
MAKES: tuple[dict[str, Any], ...] = ({}, {"num_layers": 2, "bidirectional": True, "bias": False, "batch_first": True})


@pytest.fixture
def _torchs_road(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without kernels a layer is torch.nn's own code, so equal weights give equal bits."""
    monkeypatch.setenv("GATECAST_KERNELS", "off")
    library.cache_clear()
    yield
    library.cache_clear()


def seeded(kind: str, **said: Any) -> torch.nn.RNNBase:
    torch.manual_seed(0)
    return THEIRS[kind](**said)


def same_outputs(ours: torch.nn.Module, theirs: torch.nn.Module, features: int = 3) -> None:
    """Both compute the same: bit for bit where both run torch's code."""
    x = torch.randn(6, 4, features, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), rtol=0, atol=0)


# torch


@pytest.mark.usefixtures("_torchs_road")
@pytest.mark.parametrize("kind", THEIRS)
@pytest.mark.parametrize("said", MAKES, ids=["plain", "stacked"])
def test_a_layer_of_torch_and_its_state_dict_have_the_same_bits_here(kind: str, said: dict[str, Any]) -> None:
    theirs = seeded(kind, **said)
    named: dict[str, Any] = {"nonlinearity": theirs.nonlinearity} if isinstance(theirs, torch.nn.RNN) else {}
    of_module = nn.load_torch(theirs)
    of_weights = nn.load_torch(theirs.state_dict(), batch_first=theirs.batch_first, **named)
    for ours in (of_module, of_weights):
        assert type(ours) is getattr(nn, type(theirs).__name__)
        assert repr(ours) == repr(theirs)
        same_outputs(ours, theirs)


@pytest.mark.parametrize("kind", THEIRS)
def test_kernels_compute_what_torch_computes_to_rounding(kind: str) -> None:
    theirs = seeded(kind, num_layers=2).double()
    x = torch.randn(50, 4, 3, dtype=torch.float64)
    np.testing.assert_allclose(nn.load_torch(theirs)(x)[0].detach(), theirs(x)[0].detach(), rtol=1e-12, atol=1e-13)


def test_weights_are_copied_not_shared() -> None:
    theirs = seeded("gru")
    ours = nn.load_torch(theirs)
    before = ours.weight_hh_l0.clone()
    with torch.no_grad():
        theirs.weight_hh_l0.zero_()
    assert torch.equal(ours.weight_hh_l0, before)
    assert ours.weight_hh_l0.requires_grad


def test_our_own_gru_keeps_its_convention_and_a_dropout_stays() -> None:
    ours = nn.load_torch(nn.GRU(3, 5, num_layers=2, dropout=0.25, reset_after=False))
    assert (ours.reset_after, ours.dropout) == (False, 0.25)


def test_the_layer_of_a_larger_net_is_taken_by_its_prefix() -> None:
    net = torch.nn.ModuleDict({"encoder": seeded("gru"), "head": torch.nn.Linear(5, 1)})
    ours = nn.load_torch(net.state_dict(), prefix="encoder.")
    assert torch.equal(ours.weight_hh_l0, net["encoder"].weight_hh_l0)


def changed(**changes: Any) -> dict[str, Tensor]:
    """The weights of a GRU with some of them replaced, or left out where the replacement is None."""
    weights = dict(seeded("gru").state_dict()) | changes
    return {name: each for name, each in weights.items() if each is not None}


NAN = torch.full((15, 5), torch.nan)
REFUSED: Mapping[str, tuple[Any, str]] = {
    "no weights": ({}, "tensors of numbers with a fraction, got nothing"),
    "numbers": ({"weight_ih_l0": 3.0}, "got weight_ih_l0"),
    "whole numbers": (changed(weight_hh_l0=torch.zeros(15, 5, dtype=torch.int64)), "got weight_hh_l0"),
    "two precisions": (changed(bias_ih_l0=torch.zeros(15).double()), "one precision, got torch.float32, torch.float64"),
    "NaN": (changed(weight_hh_l0=NAN), "weight_hh_l0 holds NaN or infinite weights.*an earlier step"),
    "infinite": (changed(bias_hh_l0=torch.full((15,), torch.inf)), "bias_hh_l0 holds NaN or infinite"),
    "of a larger net": ({"encoder.weight_ih_l0": torch.zeros(15, 3)}, r"not among encoder.*prefix='encoder\.'"),
    "no recurrent one": (changed(weight_hh_l0=None), "has weight_hh_l0, which is not among weight_ih_l0, bias_ih_l0"),
    "two gates": (changed(weight_hh_l0=torch.zeros(10, 5)), r"has H, 3 H or 4 H rows; got the shapes \(15, 3\)"),
    "no units": (changed(weight_hh_l0=torch.zeros(15, 0)), r"got the shapes \(15, 3\) and \(15, 0\)"),
    "a vector": (changed(weight_ih_l0=torch.zeros(15)), r"got the shapes \(15,\) and \(15, 5\)"),
    "a short bias": (
        changed(bias_ih_l0=torch.zeros(5)),
        r"1 deep, but.*bias_ih_l0 is \(5,\), not \(15,\)",
    ),
    "missing": (changed(bias_hh_l0=None), "do not fit it: missing bias_hh_l0"),
    "a hole": (
        changed(weight_ih_l2=torch.zeros(15, 5)),
        "missing weight_ih_l1, weight_hh_l1.*; left over weight_ih_l2",
    ),
    "left over": (changed(scale=torch.ones(1)), "do not fit it: left over scale"),
    "an RNN unsaid": (seeded("rnn").state_dict(), "do not show its nonlinearity: say nonlinearity='tanh'"),
    "another module": (torch.nn.Linear(3, 5), "got Linear. Give a torch.nn.RNN, LSTM or GRU, or its state_dict"),
    "one cell": (torch.nn.GRUCell(3, 5), "got GRUCell"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_weights_that_are_not_those_of_one_layer_are_refused_by_name(what: str) -> None:
    source, lesson = REFUSED[what]
    with pytest.raises(InputError, match=lesson):
        nn.load_torch(source)


# Keras

KERAS_KINDS = ("SimpleRNN", "GRU", "GRU before", "LSTM")


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return pytest.importorskip("keras", reason="Keras is not installed")


def keras_layer(keras: Any, kind: str, **said: Any) -> Any:
    name, _, before = kind.partition(" ")
    said |= {"reset_after": False} if before else {}
    return getattr(keras.layers, name)(5, return_sequences=True, dtype="float64", **said)


def filled(layers: list[Any]) -> tuple[Any, np.ndarray]:
    """Built layers with random weights, and what they say of some input."""
    rng = np.random.default_rng(2)
    x = said = rng.normal(size=(4, 7, 3))
    for layer in layers:
        layer.build(np.shape(said))
        layer.set_weights([rng.normal(size=array.shape) * 0.6 for array in layer.get_weights()])
        said = layer(said)
    return x, said.detach().cpu().numpy()


def tolerance(kind: str) -> dict[str, float]:
    """Keras's general loop, for all but its default GRU, keeps states in float32: roundings of values below 1."""
    exact = kind == "GRU"
    return {"rtol": 1e-12, "atol": 1e-14} if exact else {"rtol": 0, "atol": 32 * float(np.finfo(np.float32).eps)}


@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize("kind", KERAS_KINDS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("both_ways", [False, True])
def test_two_keras_layers_compute_here_what_keras_computes(
    keras: Any, kind: str, *, bias: bool, both_ways: bool
) -> None:
    theirs = [keras_layer(keras, kind, use_bias=bias) for _ in range(2)]
    if both_ways:
        theirs = [keras.layers.Bidirectional(layer, dtype="float64") for layer in theirs]
    x, expected = filled(theirs)
    said: dict[str, Any] = {"reset_after": " " not in kind} if kind.startswith("GRU") and not bias else {}
    of_layers = nn.load_keras(*theirs, **said)
    assert (of_layers.num_layers, of_layers.bidirectional, of_layers.bias) == (2, both_ways, bias)
    np.testing.assert_allclose(of_layers(torch.from_numpy(x))[0].detach().numpy(), expected, **tolerance(kind))
    arrays = [layer.get_weights() for layer in theirs]
    of_arrays = nn.load_keras(*arrays, nonlinearity="tanh" if kind == "SimpleRNN" else None, **said)
    for name, own in of_layers.state_dict().items():
        assert torch.equal(own, of_arrays.state_dict()[name])


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_a_keras_rnn_says_that_its_nonlinearity_is_relu(keras: Any) -> None:
    theirs = [keras_layer(keras, "SimpleRNN", activation="relu")]
    x, expected = filled(theirs)
    np.testing.assert_allclose(
        nn.load_keras(*theirs)(torch.from_numpy(x))[0].detach().numpy(), expected, rtol=1e-6, atol=1e-6
    )


def arrays(gates: int, inputs: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) for shape in ((inputs, 5 * gates), (5, 5 * gates), (5 * gates,))]


def test_the_arrays_of_a_keras_lstm_compute_the_documented_equations() -> None:
    kernel, recurrent, bias = arrays(4)
    x = np.random.default_rng(1).normal(size=(2, 6, 3))
    h, c, said = np.zeros((2, 5)), np.zeros((2, 5)), []
    for t in range(6):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)  # Keras: i, f, c, o
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        said.append(h)
    output, (last, cell) = nn.load_keras([kernel, recurrent, bias])(torch.from_numpy(x))
    np.testing.assert_allclose(output.detach().numpy(), np.stack(said, axis=1), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(torch.stack([last[0], cell[0]]).detach().numpy(), [h, c], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("layers", "lesson"),
    [
        ((), "of one kind and one convention here, got nothing"),
        ((arrays(4), arrays(3, 5)), "got GRU, LSTM: convert each alone"),
        ((arrays(4), arrays(4, 7)), r"weight_ih_l1 is \(20, 7\), not \(20, 5\)"),
        ((arrays(1),), "say nonlinearity='tanh'"),
        (([*arrays(4)[:2], np.zeros(5)],), r"the bias of this Keras layer is \(20,\), got \(5,\)"),
        (([np.zeros((3, 10)), np.zeros((5, 10))],), r"got \(3, 10\), \(5, 10\)"),
        (([np.full((3, 20), np.nan), *arrays(4)[1:]],), "weight_ih_l0 holds NaN"),
        ((7,), "a Keras layer or a list of its arrays was expected, got int"),
    ],
)
def test_keras_arrays_that_make_no_layer_are_refused(layers: tuple[Any, ...], lesson: str) -> None:
    with pytest.raises(InputError, match=lesson):
        nn.load_keras(*layers)


def test_a_keras_layer_that_torch_has_no_like_of_is_refused(keras: Any) -> None:
    layers, lstm = keras.layers, keras.layers.LSTM
    for layer, lesson in (
        (lstm(5, activation="relu"), r"activation='relu', but torch's layer has tanh alone"),
        (lstm(5, recurrent_activation="hard_sigmoid"), "recurrent_activation='hard_sigmoid', but the gates"),
        (lstm(5, go_backwards=True), "reads backwards.*build it with go_backwards=False"),
        (layers.Bidirectional(lstm(5), merge_mode="sum"), "merge_mode='sum' adds up"),
        (layers.Dense(5), "from a Keras SimpleRNN, GRU, LSTM or a Bidirectional of one, got Dense"),
    ):
        layer.build((2, 7, 3))
        with pytest.raises(InputError, match=lesson):
            nn.load_keras(layer)
    with pytest.raises(InputError, match="has no weights yet: call it once, or build it"):
        nn.load_keras(lstm(5))


# NeuralForecast


class StandIn(torch.nn.Module):
    """The names and shapes of NeuralForecast 3.3's recurrent models: an encoder of torch's, and an MLP."""

    def __init__(self, encoder: torch.nn.Module) -> None:
        super().__init__()
        self.hist_encoder = encoder
        self.mlp_decoder = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))


@pytest.mark.usefixtures("_torchs_road")
@pytest.mark.parametrize("kind", THEIRS)
def test_the_encoder_of_a_neuralforecast_model_has_the_same_bits_from_every_source(kind: str, tmp_path: Path) -> None:
    model = StandIn(seeded(kind, num_layers=2, batch_first=True))
    save_file(model.state_dict(), tmp_path / "GRU_0.safetensors", {"nf_format": "2", "hyper_parameters": "{}"})
    said = {"rnn": "tanh", "relu": "relu"}.get(kind)
    for source in (model, model.hist_encoder):
        same_outputs(nn.load_neuralforecast(source), model.hist_encoder)
    for source in (model.state_dict(), model.hist_encoder.state_dict(), tmp_path / "GRU_0.safetensors"):
        same_outputs(nn.load_neuralforecast(source, nonlinearity=said), model.hist_encoder)


@pytest.mark.parametrize(
    ("source", "lesson"),
    [
        (StandIn(torch.nn.Linear(3, 5)), "no recurrent encoder in StandIn, whose hist_encoder is Linear"),
        (torch.nn.Linear(3, 5), "no recurrent encoder in Linear. Give a fitted model"),
        ([], "no recurrent encoder in list"),
        ({"mlp_decoder.weight": torch.zeros(3, 3)}, "has weight_ih_l0, weight_hh_l0, which is not among mlp_decoder"),
        (StandIn(seeded("rnn")).state_dict(), "say nonlinearity='tanh'"),
    ],
)
def test_what_holds_no_recurrent_encoder_is_refused(source: object, lesson: str) -> None:
    with pytest.raises(InputError, match=lesson):
        nn.load_neuralforecast(source)


def test_a_checkpoint_that_is_a_pickle_is_refused_unread_with_what_to_do(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(tmp_path / "it-ran"),)

    (tmp_path / "GRU_0.ckpt").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(ArtifactError, match=r"a \.ckpt is a pickle, which can run code.*hand over nf.models\[0\]"):
        nn.load_neuralforecast(tmp_path / "GRU_0.ckpt")
    (tmp_path / "GRU_0.ckpt").rename(tmp_path / "GRU_0.safetensors")
    with pytest.raises(ArtifactError, match=r"GRU_0\.safetensors is damaged: "):
        nn.load_neuralforecast(tmp_path / "GRU_0.safetensors")
    assert not (tmp_path / "it-ran").exists()
    with pytest.raises(ArtifactError, match="is missing"):
        nn.load_neuralforecast(str(tmp_path / "absent.safetensors"))


@pytest.mark.usefixtures("_torchs_road")
def test_a_model_that_neuralforecast_fitted_has_the_same_bits_here(tmp_path: Path) -> None:
    library_of_theirs = pytest.importorskip("neuralforecast", reason="NeuralForecast is not installed")
    from neuralforecast import models  # noqa: PLC0415 - not without NeuralForecast

    pandas = pytest.importorskip("pandas")
    rows = pandas.DataFrame({"unique_id": "a", "ds": pandas.date_range("2024", periods=90, freq="h")})
    rows["y"] = np.sin(np.arange(90) / 3)
    quiet = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
    sizes = {"h": 4, "input_size": 12, "max_steps": 2, "encoder_hidden_size": 6}
    fitted = library_of_theirs.NeuralForecast(
        [kind(**sizes, **quiet) for kind in (models.GRU, models.LSTM, models.RNN)], freq="h"
    )
    fitted.fit(rows)
    fitted.save(str(tmp_path / "saved"))
    for model in fitted.models:
        same_outputs(nn.load_neuralforecast(model), model.hist_encoder, features=1)
        file = tmp_path / "saved" / f"{type(model).__name__}_0.safetensors"
        same_outputs(nn.load_neuralforecast(file, nonlinearity="tanh"), model.hist_encoder, features=1)
