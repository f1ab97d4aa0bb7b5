"""What can be said of a recurrent stack, where it is said, and what is refused."""

from typing import Any

import pytest

from gatecast.cells import CELL_TYPES
from gatecast.cli.app import app
from gatecast.cli.flags import NetFlags, said
from gatecast.errors import OptionError
from gatecast.nn import CELLS, LayerConfig
from gatecast.nn.config import SHARES, WITHOUT_MATRIX
from gatecast.workflow.options import build_options

MEANT: dict[str, Any] = {
    "residual": True,
    "dilations": (1, 2, 4),
    "layer_norm": True,
    "variational_dropout": 0.1,
    "weight_dropout": 0.2,
    "zoneout": 0.3,
}
FLAGS = (
    "--residual --dilations 1 2 4 --layer-norm --variational-dropout 0.1 --weight-dropout 0.2 --zoneout 0.3 "
    "--num-layers 3"
)


def test_every_option_is_a_flag() -> None:
    _, given, _ = app.parse_args(f"fit table.csv {FLAGS}", print_error=False, exit_on_error=False)
    net = given.arguments["net"]
    assert isinstance(net, NetFlags)
    assert build_options(said(net)).network.layer == LayerConfig(num_layers=3, **MEANT)


def test_every_option_is_a_setting_as_text_and_in_a_file(tmp_path: Any) -> None:
    texts = {"residual": "true", "dilations": "1,2,4", "layer_norm": "1", "num_layers": "3", "weight_dropout": "0.2"}
    meant = LayerConfig(num_layers=3, **MEANT)
    assert build_options(texts | {"variational_dropout": "0.1", "zoneout": "0.3"}).network.layer == meant
    file = tmp_path / "fit.toml"
    file.write_text(
        "num_layers = 3\nresidual = true\ndilations = [1, 2, 4]\nlayer_norm = true\n"
        "variational_dropout = 0.1\nweight_dropout = 0.2\nzoneout = 0.3\n"
    )
    assert build_options({}, file).network.layer == meant
    assert build_options({"dilations": "none"}).network.layer == LayerConfig()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"residual": True}, "^residual=True goes around the layers above the first, and num_layers=1 has no such layer: "),
    ({"dilations": (1, 2), "num_layers": 3}, "^dilations=1 2 are 2, but num_layers=3: give one for each"),
    ({"dilations": (0,)}, "^dilations count steps from 1 to 65536, got 0"),
    ({"dilations": (2, 10**9), "num_layers": 2}, "^dilations count steps from 1 to 65536, got 2 1000000000"),
    ({"dilations": (2,), "bidirectional": True}, "^dilations=2 skip back in time, in one direction: set bidirectional"),
    ({"layer_norm": True, "hidden_size": 1}, "^layer_norm=True compares the units of a layer, and hidden_size=1"),
    *(({name: share}, f"^{name} is a share from 0 up to") for name in SHARES for share in (-0.1, 1.0, float("nan"))),
    *(
        ({"weight_dropout": 0.1, "cell": cell}, "^weight_dropout=0.1 drops entries of the recurrent matrix, and cell=")
        for cell in WITHOUT_MATRIX
    ),
]


@pytest.mark.parametrize(("settings", "lesson"), REFUSED)
def test_what_cannot_be_is_refused_by_name(settings: dict[str, Any], lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        LayerConfig(**settings)
    with pytest.raises(OptionError, match=lesson):
        build_options(settings)


@pytest.mark.parametrize("cell", CELLS)
def test_the_cells_without_a_matrix_are_those_whose_recurrent_weights_are_none(cell: str) -> None:
    shape = dict(CELL_TYPES[cell](3, 4).named_parameters()).get("weight_hh")
    assert (cell in WITHOUT_MATRIX) == (shape is None or shape.dim() < 2)


@pytest.mark.parametrize("name", SHARES)
def test_a_config_knows_whether_training_draws_numbers(name: str) -> None:
    assert LayerConfig(num_layers=2, **{name: 0.1}).is_random
    assert not LayerConfig(num_layers=2, residual=True, dilations=(1, 2), layer_norm=True).is_random
