"""What a forecast rests on: integrated gradients, occlusion, and covariates that are shuffled."""

import numpy as np
import pytest
import torch
from torch import Tensor

from builders import small_config, waves, with_values
from gatecast import nn
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import scoring_origins, split_by_time
from gatecast.errors import OptionError
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.inspection import integrated_gradients, occlusion, permutation_importance, probe
from gatecast.models.config import NetworkConfig
from gatecast.training.config import TrainingConfig


def reader() -> "Reader":
    torch.manual_seed(0)
    return Reader()


class Reader(torch.nn.Module):
    """A net of somebody's own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.output = torch.nn.LSTM(3, 8, batch_first=True), torch.nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return 5 * self.output(self.layer(x)[0][:, -1])


def test_integrated_gradients_sum_to_the_difference_of_the_outputs() -> None:
    net, x, baseline = reader(), 3 * torch.randn(4, 20, 3), torch.randn(20, 3)
    parts = integrated_gradients(net, x, baseline)
    difference = (net(x) - net(baseline[None])).detach()[:, 0]
    assert float(difference.abs().min()) > 0.01, "there is something to explain"
    torch.testing.assert_close(parts.sum(dim=(1, 2)), difference, rtol=0, atol=1e-3)


def test_integrated_gradients_of_a_linear_net_are_its_weights_times_the_inputs() -> None:
    weights = torch.randn(5, 2)
    x = torch.randn(3, 5, 2)
    parts = integrated_gradients(lambda given: (given * weights).sum(dim=(1, 2)), x, points=1)
    torch.testing.assert_close(parts, x * weights)


def test_integrated_gradients_of_a_forecast_sum_to_how_it_differs_from_that_of_its_mean() -> None:
    panel = waves(1, 240, past=1)
    split = split_by_time(panel, 6, 0.2, 0.2)
    forecaster = RecurrentForecaster(small_config(mode="sequences")).fit(panel, split)
    asked = probe(forecaster, panel, 0, [200, 230], 60)
    baseline = asked.values.mean(dim=1, keepdim=True).expand_as(asked.values)
    parts = integrated_gradients(asked, asked.values, baseline, points=128)
    difference = (asked(asked.values) - asked(baseline)).sum(dim=(1, 2)).detach()
    torch.testing.assert_close(parts.sum(dim=(1, 2)), difference, rtol=0, atol=1e-3)


def test_occlusion_is_what_is_lost_where_each_block_is_hidden_newest_first() -> None:
    net, x, baseline = reader(), torch.randn(2, 7, 3), torch.zeros(7, 3)
    found = occlusion(net, x, baseline, rows=3)
    assert found.shape == (2, 3, 3), "two whole blocks and the oldest row"
    for block, hidden in enumerate((slice(4, 7), slice(1, 4), slice(0, 1))):
        for feature in range(3):
            changed = x.clone()
            changed[:, hidden, feature] = 0
            expected = (net(x) - net(changed)).detach()[:, 0]
            torch.testing.assert_close(found[:, block, feature], expected)


@pytest.mark.parametrize("explain", [integrated_gradients, occlusion])
def test_a_layer_of_gatecast_is_explained_as_one_of_torch_is(explain: object) -> None:
    torch.manual_seed(0)
    ours = nn.GRU(3, 8, batch_first=True)
    theirs = torch.nn.GRU(3, 8, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 6, 3)
    found = [explain(lambda given, net=net: net(given)[0][:, -1], x) for net in (ours, theirs)]  # type: ignore[operator]
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


def test_wrong_counts_are_refused_by_name() -> None:
    x = torch.randn(1, 3, 3)
    with pytest.raises(OptionError, match="points counts places on the way from 1 up, got 0"):
        integrated_gradients(reader(), x, points=0)
    with pytest.raises(OptionError, match="rows counts the rows that are hidden together from 1 up, got 0"):
        occlusion(reader(), x, rows=0)


USEFUL, COVARIATES = 2, 5


def one_of_five(seed: int) -> Panel:
    """The third covariate leads the target by a row; the others are noise like it."""
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(401, COVARIATES))
    y = covariates[:-1, USEFUL] + 0.3 * rng.normal(size=400)
    names = tuple(f"x{i}" for i in range(COVARIATES))
    columns = Columns(target=("y",), past=names, id="unique_id", time="ds")
    values = np.column_stack([np.concatenate([[0.0], y])[:-1], covariates[:-1]])
    return panel_from_arrays({"a": values}, columns, parse_frequency("1h"))


@pytest.mark.parametrize("seed", range(20))
def test_shuffling_finds_the_one_useful_covariate_among_five(seed: int) -> None:
    panel = one_of_five(seed)
    split = split_by_time(panel, 1, 0.2, 0.2)
    training = TrainingConfig(steps=120, batch_size=64, evaluate_every=20, learning_rate=1e-2, seed=seed)
    config = ForecasterConfig(
        lookback=6,
        horizon=1,
        subtract="none",
        normalise="none",
        calendar=(),
        network=NetworkConfig(),
        training=training,
    )
    forecaster = RecurrentForecaster(config).fit(panel, split)
    origins = scoring_origins(split.validation_end, split.test_end, 1, None)
    first, *others = permutation_importance(forecaster, panel, origins, 1)
    assert first.covariate == f"x{USEFUL}"
    assert first.increase > 0.3
    assert all(abs(other.increase) < first.increase / 3 for other in others)


def test_importance_is_how_much_larger_the_error_of_a_shuffled_column_is() -> None:
    panel = waves(2, 240, past=1)
    split = split_by_time(panel, 6, 0.2, 0.2)
    forecaster = RecurrentForecaster(small_config()).fit(panel, split)
    origins = scoring_origins(split.validation_end, split.test_end, 6, None)
    (found,) = permutation_importance(forecaster, panel, origins, 6, shuffles=1, seed=3)
    rng, values = np.random.default_rng(3), panel.values.copy()
    for series in range(2):
        values[panel.rows(series), 1] = rng.permutation(values[panel.rows(series), 1])
    errors = []
    for each in (panel, with_values(panel, values)):
        said = forecaster.forecast(each, origins, 6).mean[..., 0]
        total = []
        for window, (series, position) in enumerate(zip(origins.series, origins.position, strict=True)):
            own = panel.targets[panel.rows(int(series)), 0].astype(np.float64)
            unit = np.abs(np.diff(own)).mean()
            total.append(np.abs(said[window] - own[position : position + 6]) / unit)
        errors.append(np.mean(total))
    assert found.increase == pytest.approx(errors[1] / errors[0] - 1, rel=1e-6)


def test_static_covariates_are_shuffled_between_series() -> None:
    panel = waves(4, 240)
    columns = Columns(target=("y",), static=("size",), id="unique_id", time="ds")
    static = np.arange(4, dtype=np.float32)[:, None]
    panel = Panel(columns, panel.frequency, panel.ids, panel.offsets, panel.times, panel.values, static)
    split = split_by_time(panel, 6, 0.2, 0.2)
    forecaster = RecurrentForecaster(small_config()).fit(panel, split)
    origins = scoring_origins(split.validation_end, split.test_end, 6, None)
    (found,) = permutation_importance(forecaster, panel, origins, 6, shuffles=3)
    assert found.covariate == "size"
    assert found.increase != 0


def test_no_shuffles_are_refused() -> None:
    panel = waves(1, 240, past=1)
    split = split_by_time(panel, 6, 0.2, 0.2)
    forecaster = RecurrentForecaster(small_config(steps=1)).fit(panel, split)
    origins = scoring_origins(split.validation_end, split.test_end, 6, None)
    with pytest.raises(OptionError, match="shuffles counts from 1 up, got 0"):
        permutation_importance(forecaster, panel, origins, 6, shuffles=0)
