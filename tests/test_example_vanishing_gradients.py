"""The claims of examples/vanishing_gradients.py, the first part of docs/what_your_net_remembers.md."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from PIL import Image

from example_scripts import Example

EXAMPLE = Example("vanishing_gradients")


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return EXAMPLE.load()


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.5])
def test_at_rest_the_gradient_is_the_power_of_the_matrix(example: ModuleType, radius: float) -> None:
    """Measured beside numpy, without autograd."""
    layer = example.elman(radius)
    norms, _ = example.flow(layer, example.inputs()["at rest"])
    matrix, gradient = layer.weight_hh_l0.detach().numpy(), np.ones(100)
    for lag, norm in enumerate(norms):
        assert norm == pytest.approx(np.linalg.norm(gradient) / 10, rel=1e-9), lag
        gradient = matrix.T @ gradient
    assert_allclose(norms[60] / norms[50], radius**10, rtol=0.05)
    assert radius**40 / norms[40] == pytest.approx(14, abs=0.5)


def test_the_spectral_radius_of_a_step_is_that_of_the_matrix_at_rest_and_smaller_in_noise(example: ModuleType) -> None:
    given = example.inputs()
    for radius in example.RADII:
        layer = example.elman(radius)
        assert example.spectral_radius(layer) == pytest.approx(radius, rel=1e-9)
        assert example.flow(layer, given["at rest"]).radius == pytest.approx(radius, rel=1e-9)
        assert example.flow(layer, given["reading noise"]).radius < radius


def test_in_noise_tanh_ends_the_explosion_and_not_the_vanishing(example: ModuleType) -> None:
    noise = example.inputs()["reading noise"]
    vanishing, _ = example.flow(example.elman(0.5), noise)
    exploding, radius = example.flow(example.elman(1.5), noise)
    assert vanishing[40] < 1e-13
    assert exploding[1:].min() > 0.1
    assert exploding.max() < 2
    assert radius == pytest.approx(1, abs=0.05)


def test_first_weights_of_torch_vanish() -> None:
    torch.manual_seed(0)
    own = torch.linalg.eigvals(torch.nn.RNN(1, 100).weight_hh_l0.detach()).abs().max()
    assert float(own) == pytest.approx(0.65, abs=0.005)


def test_the_page_shows_what_is_printed_and_the_picture_is_written(tmp_path: Path) -> None:
    done = EXAMPLE.run("--out", tmp_path)
    assert done.returncode == 0, done.stderr
    page = EXAMPLE.path.parents[1].joinpath("docs/what_your_net_remembers.md").read_text(encoding="utf-8")
    shown, printed = (
        [
            float(word)
            for line in text.splitlines()
            if line.startswith(("at rest", "reading"))
            for word in line.split()[2:]
        ]
        for text in (page, done.stdout)
    )
    assert len(shown) == 6 * 6
    assert_allclose(printed, shown, rtol=0.1)
    assert Image.open(tmp_path / "by_lag.png").format == "PNG"
