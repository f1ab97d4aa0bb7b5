"""Nets and training that have gone wrong: what they forecast is a number, or refused."""

import math
import re

import msgspec
import numpy as np
import pytest
import torch
from ledger import Ledger
from number_makers import HORIZON, ROWS, SERIES, config, fitted, judged, stream, table, wave
from trying import tried

from gatecast.data.splits import Origins, split_by_time
from gatecast.errors import OptionError
from gatecast.forecast import Forecast
from gatecast.forecaster import Mode, RecurrentForecaster
from gatecast.models.distributions import COUNTS, DENSITIES
from gatecast.models.losses import POINT_LOSSES
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import train

LEDGER = Ledger("Numbers: nets and training")
AT_END = Origins(np.arange(2), np.full(2, ROWS))
FILLS = {"0": 0.0, "100 (every gate saturated)": 100.0, "-100": -100.0, "1e30": 1e30}


def filled(value: float, mode: Mode = "windows") -> RecurrentForecaster:
    """A net all of whose weights are one number."""
    net = fitted(config(mode=mode), wave())
    for weight in net.network_.parameters():
        torch.nn.init.constant_(weight, value)
    return net


def forecast(net: RecurrentForecaster) -> Forecast:
    return net.forecast(table(wave()), AT_END, HORIZON)


@pytest.mark.parametrize("name", FILLS)
def test_a_net_of_one_weight_forecasts_numbers_or_is_refused(name: str) -> None:
    outcome = tried(lambda: forecast(filled(FILLS[name])))
    said = f"refused: {outcome.message}"
    if outcome.refusal is None:
        assert np.isfinite(outcome.accepted().quantiles).all()
        said = "read: finite forecasts"
    if name == "0":
        np.testing.assert_allclose(outcome.accepted().mean[:, :, 0], wave()[-1], rtol=1e-6)
        said = "read: the last value, as the naive forecast"
    LEDGER.enter(f"a net whose weights are all {name}", said)


def test_a_state_that_grew_without_bound_is_refused_by_name() -> None:
    """As that of a relu cell whose weights double it at every row does."""
    live = stream(layer=LayerConfig(cell="indrnn", hidden_size=8))
    for name, state in live.machine.residents.views().items():
        if name == "output" or name.startswith("state"):
            state[:] = np.inf
    abuse = tried(lambda: live.forecast("hurt"))
    assert 'series "hurt"' in abuse.refused()
    LEDGER.enter("a stream whose state has grown past float32", f"refused: {abuse.refused()}")


@pytest.mark.parametrize("optimiser", ["adam", "adamw"])
@pytest.mark.parametrize("rate", [1e6, 1e30])
def test_a_learning_rate_far_too_high_keeps_the_untrained_net_or_is_refused(rate: float, optimiser: str) -> None:
    made = config(loss="mse")
    training = msgspec.structs.replace(made.training, learning_rate=rate, optimiser=optimiser)
    outcome = tried(lambda: forecast(fitted(msgspec.structs.replace(made, training=training), wave())))
    said = re.sub("loss is .* at step", "loss is ... and the gradient norm ... at step", f"refused: {outcome.message}")
    if outcome.refusal is None:
        said = judged(outcome.accepted(), wave())
        np.testing.assert_allclose(outcome.accepted().mean[0, :, 0], wave()[-1], rtol=1e-5)
        said = "read: the untrained net, whose forecast is the naive one, for training found nothing better"
    LEDGER.enter(f"training.learning_rate={rate:g}, optimiser={optimiser}", said)


@pytest.mark.parametrize("name", ["learning_rate", "weight_decay", "clip_norm"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_setting_that_is_no_number_is_refused(name: str, value: float) -> None:
    outcome = tried(lambda: TrainingConfig(**{name: value}))
    assert isinstance(outcome.refusal, OptionError)
    LEDGER.enter(f"training.{name}={value:g}", f"refused: {outcome.refused()}")


@pytest.mark.parametrize("loss", [*POINT_LOSSES, "quantile", *(name for name in DENSITIES if name not in COUNTS)])
def test_gradients_are_numbers_where_a_training_row_is_1e15(loss: str) -> None:
    panel = table(SERIES["one spike of 1e15 in the training part"])
    made = config(loss)
    network, course, state = RecurrentForecaster(made).prepare(panel, split_by_time(panel, HORIZON))
    norms = [record.gradient_norm for record in train(network, course, made.training, state)]
    assert len(norms) > 1
    assert np.isfinite(norms).all()
    LEDGER.enter(f"training on a spike of 1e15, loss={loss}", "read: every gradient is a number")
