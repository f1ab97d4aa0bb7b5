"""The ten mistakes of docs/ten_mistakes.md: each demonstration makes its point, and its test catches the mistake."""

import runpy
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from builders import small_config, waves
from gatecast.cells import GRUEquations, count_parameters
from gatecast.data.reading import load_panel
from gatecast.data.scalers import fit_scaling
from gatecast.data.splits import rolling_origins, split_by_time
from gatecast.data.windows import windows_between
from gatecast.errors import OptionError
from gatecast.forecaster import RecurrentForecaster
from gatecast.models.losses import masked_mean
from gatecast.nn import LayerConfig
from gatecast.workflow.options import EvaluationOptions

DOCS = Path(__file__).parents[1] / "docs"
DEMONSTRATIONS = (
    "scaler_on_all_data",
    "target_in_window",
    "window_reversed",
    "epoch_chosen_on_test",
    "broadcast_in_loss",
    "last_sample_not_last_step",
    "dropout_on_one_layer",
    "last_window_missing",
    "parameters_without_biases",
    "no_baseline",
)


@cache
def demonstration(name: str) -> dict[str, Any]:
    """What a file leaves behind after it ran."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS / "mistakes")  # as when it is run: small_net.py lies beside it
        return runpy.run_path(str(DOCS / "mistakes" / f"{name}.py"))


def test_the_page_shows_every_demonstration_and_there_are_ten() -> None:
    page = DOCS.joinpath("ten_mistakes.md").read_text(encoding="utf-8")
    shown = [f"<!-- {kind}: docs/mistakes/{name}.py -->" for name in DEMONSTRATIONS for kind in ("file", "output")]
    shown.insert(0, "<!-- file: docs/mistakes/small_net.py -->")
    assert [line for line in page.splitlines() if line.startswith("<!-- ")] == shown
    written = sorted(path.stem for path in DOCS.joinpath("mistakes").glob("*.py"))
    assert written == sorted([*DEMONSTRATIONS, "small_net"])


@pytest.mark.parametrize("name", DEMONSTRATIONS)
@pytest.mark.filterwarnings("ignore:dropout option")
def test_the_test_of_each_mistake_fails_on_the_mistake_and_passes_on_what_is_right(name: str) -> None:
    ran = demonstration(name)
    ran["check"](ran["correct"])
    with pytest.raises(AssertionError):
        ran["check"](ran["mistaken"])


def test_a_scaler_that_sees_the_future_makes_the_test_error_look_half_as_large() -> None:
    ran = demonstration("scaler_on_all_data")
    assert ran["wrong"] < 0.6 * ran["right"]
    assert abs(ran["wrong_linear"] / ran["right_linear"] - 1) < 0.25, "and hardly matters with a linear output"
    assert ran["naive"] < ran["wrong_linear"], "and none of them is as good as tomorrow = today"


def test_a_window_that_holds_its_target_forecasts_noise() -> None:
    ran = demonstration("target_in_window")
    assert ran["wrong"] < 1e-20
    assert 0.9 < ran["right"] < 1.2


def test_a_reversed_window_hides_the_newest_value_from_the_net() -> None:
    ran = demonstration("window_reversed")
    assert ran["wrong"] > 3 * ran["right"]
    assert ran["right"] < 1.5
    assert ran["right_gru"] < ran["wrong_gru"] < ran["wrong"], "gates carry it further, at a price"


def test_an_epoch_chosen_on_the_test_part_promises_more_than_comes() -> None:
    ran = demonstration("epoch_chosen_on_test")
    assert ran["wrong"] < ran["right"] - 0.03
    assert ran["wrong"] < ran["wrong_later"] - 0.03
    assert abs(ran["right"] - ran["right_later"]) < 0.03


def test_a_broadcast_loss_learns_the_mean_and_nothing_else() -> None:
    ran = demonstration("broadcast_in_loss")
    variance = np.var(2 * np.linspace(-1, 1, 64))
    assert ran["wrong"] == pytest.approx(variance, rel=1e-6)
    assert ran["right"] < 1e-6


def test_mse_loss_of_torch_broadcasts_with_a_warning_and_fails_only_where_shapes_do_not_broadcast() -> None:
    target = torch.arange(8.0)
    with pytest.warns(UserWarning, match="incorrect results due to broadcasting"):
        assert nn.MSELoss()(target[:, None], target) == 2 * target.var(correction=0), "a perfect forecast has a loss"
    with pytest.warns(UserWarning, match="broadcasting"), pytest.raises(RuntimeError, match="must match"):
        nn.MSELoss()(torch.zeros(8, 2), target)


def test_reading_the_last_sample_learns_nothing() -> None:
    ran = demonstration("last_sample_not_last_step")
    assert ran["wrong"] > 0.7
    assert ran["right"] < 0.1


def test_dropout_on_one_layer_drops_nothing_and_warns() -> None:
    ran = demonstration("dropout_on_one_layer")
    assert ran["wrong"] == 0
    assert ran["right"] > 0.9
    assert len(ran["caught"]) == 1
    assert "num_layers greater than 1" in str(ran["caught"][0].message)


def test_one_window_too_few_loses_the_newest_row() -> None:
    ran = demonstration("last_window_missing")
    assert (ran["wrong"], ran["right"]) == (98, 99)


def test_the_formula_without_biases_counts_11136_parameters_too_few() -> None:
    ran = demonstration("parameters_without_biases")
    assert ran["right"] == sum(each.numel() for each in nn.GRU(10, 64, 2).parameters())
    assert ran["right"] - ran["wrong"] == 11_136


def test_a_net_worse_than_tomorrow_equals_today_has_a_splendid_r_squared() -> None:
    ran = demonstration("no_baseline")
    assert ran["wrong"] > 0.95
    assert ran["right"] < 0
    assert ran["naive"] > ran["wrong"]


# What the page says that gatecast does about each.


@pytest.mark.parametrize("name", ["standard", "minmax", "robust", "meanabs"])
def test_gatecast_fits_its_scalers_before_the_cutoff(name: str) -> None:
    panel, ends = waves(series=2, rows=100), np.array([60, 70])
    poisoned = np.array(panel.values)
    poisoned[60:100] = poisoned[170:] = 1e9
    with_future = type(panel)(**{**vars(panel), "values": poisoned})
    first, second = fit_scaling(name, panel, ends), fit_scaling(name, with_future, ends)
    assert np.array_equal(first.centre, second.centre)
    assert np.array_equal(first.scale, second.scale)


def test_gatecasts_windows_end_before_their_target_run_forwards_and_reach_the_newest_row() -> None:
    panel = waves(series=1, rows=100)
    values = np.arange(100, dtype=np.float32)[:, None]  # a row's value is its number
    numbered = type(panel)(**{**vars(panel), "values": values})
    forecaster = RecurrentForecaster(small_config())  # lookback 24, horizon 6
    network, course, _ = forecaster.prepare(numbered, split_by_time(numbered, 6))
    batch = course.tensors.gather(course.train)
    unscaled = fit_scaling("standard", numbered, split_by_time(numbered, 6).train_end)
    past = unscaled.inverse(batch.past.double().numpy(), 0)[..., 0]
    actual = unscaled.inverse(batch.actual.double().numpy(), 0)[..., 0]
    assert network.sizes.lookback == past.shape[1] == 24
    assert np.allclose(np.diff(np.concatenate([past, actual], axis=1)), 1, atol=1e-3)

    every = windows_between(numbered, np.array([0]), np.array([100]), 24, 6)
    assert every.position.tolist() == list(range(24, 95))
    assert rolling_origins(np.array([50]), np.array([100]), 6, 6).position[-1] + 6 == 100


def test_gatecast_turns_a_file_that_has_its_newest_row_first() -> None:
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 3, 31), eager=True)
    table = pl.DataFrame({"ds": days, "y": np.arange(len(days), dtype=float)}).reverse()
    panel, _ = load_panel(table)
    assert panel.targets[:, 0].tolist() == list(range(len(days)))


def test_gatecast_refuses_shapes_that_would_broadcast_while_tests_run() -> None:
    with pytest.raises(Exception, match="masked_mean") as refused:
        masked_mean(torch.ones(8, 1, 1, 1), torch.ones(8))
    assert "jaxtyping" in type(refused.value).__module__.lower()


def test_gatecast_refuses_dropout_on_one_layer() -> None:
    with pytest.raises(OptionError, match="acts between layers, and num_layers=1 has no between"):
        LayerConfig(dropout=0.5)
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        nn.GRU(1, 1, dropout=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LayerConfig(dropout=0.5, num_layers=2)


def test_gatecast_counts_parameters_as_torch_does() -> None:
    assert count_parameters(GRUEquations(), 10, 64, 2) == demonstration("parameters_without_biases")["right"]


def test_gatecast_refuses_a_score_without_a_baseline() -> None:
    with pytest.raises(OptionError, match="leaves the net without a rival"):
        EvaluationOptions(baselines=())
