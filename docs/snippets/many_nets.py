import msgspec
import numpy as np
import polars as pl

from gatecast.data.columns import TableOptions
from gatecast.data.reading import load_panel
from gatecast.data.splits import split_by_time
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.ensemble import build_network, nets_of
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig
from gatecast.training.many import Learner, ManyState, train_many
from gatecast.training.stackable import course_with

wave = np.sin(np.arange(400) / 3) + 0.1 * np.random.default_rng(0).normal(size=400)
panel, guesses = load_panel(pl.DataFrame({"y": wave}), TableOptions())
training = TrainingConfig(steps=60, evaluate_every=20)
config = ForecasterConfig(24, 6, network=NetworkConfig(layer=LayerConfig(hidden_size=8)), training=training)
shape, course, _ = RecurrentForecaster(config).prepare(panel, split_by_time(panel, 6))  # the table is laid out once

learners = []
for seed, rate in enumerate((1e-4, 1e-3, 1e-2, 3e-2)):
    own = msgspec.structs.replace(training, seed=seed, learning_rate=rate)
    (net,) = nets_of(build_network(config.network, shape.sizes, seed))
    learners.append(Learner(net, course_with(course, own), own))

state = ManyState(learners)
for looks in train_many(state):
    print("step", looks[0].step, "inside:", [look.net for look in looks])
    worst = max(looks, key=lambda look: look.validation)
    state.drop([worst.net])
print("the best net is one of the last two:", int(state.best_validation.argmin()) in {2, 3})
