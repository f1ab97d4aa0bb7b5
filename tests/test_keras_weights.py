"""GRU weights from Keras, against Keras itself and against its documented equations in numpy."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gatecast.errors import InputError
from gatecast.nn import gru_from_keras

forms = pytest.mark.parametrize("reset_after", [True, False])


def some_weights(*, reset_after: bool, bias: bool = True) -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    shapes = [(3, 15), (5, 15), (2, 15) if reset_after else (15,)]
    return [rng.normal(size=shape) * 0.6 for shape in shapes[: 3 if bias else 2]]


def keras_in_numpy(weights: list[np.ndarray], x: np.ndarray, *, reset_after: bool) -> np.ndarray:
    """What Keras documents: gates in the order z, r, h; h' = z * h + (1 - z) * hh."""
    kernel, recurrent = weights[:2]
    given = weights[2] if len(weights) == 3 else np.zeros(15)
    on_input, on_state = given if given.ndim == 2 else (given, np.zeros(15))
    h, out = np.zeros((len(x), 5)), []

    def sigmoid(a: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-a))

    for t in range(x.shape[1]):
        a = x[:, t] @ kernel + on_input
        u = h @ recurrent + on_state
        z, r = sigmoid(a[:, :5] + u[:, :5]), sigmoid(a[:, 5:10] + u[:, 5:10])
        inner = r * u[:, 10:] if reset_after else (r * h) @ recurrent[:, 10:]
        h = z * h + (1 - z) * np.tanh(a[:, 10:] + inner)
        out.append(h)
    return np.stack(out, axis=1)


@forms
@pytest.mark.parametrize("bias", [True, False])
def test_imported_weights_compute_what_keras_documents(*, reset_after: bool, bias: bool) -> None:
    weights = some_weights(reset_after=reset_after, bias=bias)
    layer = gru_from_keras(weights, reset_after=None if bias else reset_after)
    x = np.random.default_rng(1).normal(size=(4, 7, 3))
    output, state = layer(torch.from_numpy(x))
    expected = keras_in_numpy(weights, x, reset_after=reset_after)
    np.testing.assert_allclose(output.detach().numpy(), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(state[0].detach().numpy(), expected[:, -1], rtol=1e-12, atol=1e-14)
    assert layer.reset_after == reset_after


@forms
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_imported_weights_compute_what_keras_computes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, reset_after: bool, bias: bool
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    theirs = keras.layers.GRU(5, return_sequences=True, reset_after=reset_after, use_bias=bias, dtype="float64")
    x = np.random.default_rng(1).normal(size=(4, 7, 3))
    theirs.build(x.shape)
    rng = np.random.default_rng(2)
    theirs.set_weights([rng.normal(size=array.shape) * 0.6 for array in theirs.get_weights()])
    layer = gru_from_keras(theirs.get_weights(), reset_after=reset_after)
    expected = theirs(x).detach().cpu().numpy()
    # Keras's general loop, which runs reset_after=False, keeps its state in float32: a few roundings of values below 1.
    exact = {"rtol": 1e-12, "atol": 1e-14} if reset_after else {"rtol": 0, "atol": 8 * np.finfo(np.float32).eps}
    np.testing.assert_allclose(layer(torch.from_numpy(x))[0].detach().numpy(), expected, **exact)


@pytest.mark.parametrize(
    ("weights", "said", "lesson"),
    [
        ([], None, "perhaps a bias, got nothing. Give what layer.get_weights"),
        ([np.zeros((3, 15)), np.zeros((5, 20))], True, r"got \(3, 15\), \(5, 20\)"),
        ([np.zeros((3, 15)), np.zeros((5, 15))], None, "does not show its convention: say reset_after=True or False"),
        ([np.zeros((3, 15)), np.zeros((5, 15)), np.zeros(10)], None, r"is \(2, 15\) with reset_after=True or \(15,\)"),
        ([np.zeros((3, 15)), np.zeros((5, 15)), np.zeros(15)], True, r"shape \(15,\) is of reset_after=False"),
    ],
)
def test_arrays_that_are_not_a_keras_gru_are_refused(
    weights: list[np.ndarray], *, said: bool | None, lesson: str
) -> None:
    with pytest.raises(InputError, match=lesson):
        gru_from_keras(weights, reset_after=said)
