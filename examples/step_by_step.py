"""The same in its parts: every storey can be used alone, and the training loop is yours."""

import numpy as np

from gatecast.data.reading import load_panel
from gatecast.data.splits import rolling_origins, split_by_time
from gatecast.datasets import load_dataset
from gatecast.evaluation.backtest import backtest, score
from gatecast.evaluation.baselines import Naive, SeasonalNaive
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.training import TrainingConfig, train

panel, _ = load_panel(load_dataset("elnino"))
split = split_by_time(panel, horizon=12)

config = ForecasterConfig(
    lookback=36,
    horizon=12,
    season=12,
    subtract="seasonal",
    network=NetworkConfig(layer=LayerConfig(cell="lstm", hidden_size=32)),
    training=TrainingConfig(steps=200),
)
forecaster = RecurrentForecaster(config)
network, course, state = forecaster.prepare(panel, split)
for record in train(network, course, config.training, state):
    if record.validation is not None:
        print(f"step {record.step:4d}  loss {record.loss:.4f}  validation {record.validation:.4f}")
forecaster.keep_best(state)

origins = rolling_origins(split.validation_end, split.test_end, horizon=12, stride=12)
simple = [baseline.fit(panel, split.validation_end) for baseline in (Naive(), SeasonalNaive(12))]
result = backtest([forecaster, *simple], panel, origins, horizon=12)
print(score(result, 12, split.validation_end, "lstm").verdict.text)
print(np.round(result.forecasts["lstm"].mean[-1, :, 0], 1))
