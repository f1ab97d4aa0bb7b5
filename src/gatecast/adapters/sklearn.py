"""scikit-learn: a regressor whose every row is one window, read by a recurrent net.

    a row of X      x1[-3] x2[-3] | x1[-2] x2[-2] | x1[-1] x2[-1]        lookback=3, two features, oldest step first
    the net reads   step 1          step 2          step 3               from a state of zeros, and says y

Rows know nothing of each other, so whatever scikit-learn does with rows (shuffles, splits, takes some) is meant.  That
none holds what comes after its answer is settled where they are made: `flat_windows` makes them from a table.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64

from gatecast.data.columns import Columns
from gatecast.data.frequency import Frequency
from gatecast.data.reach import FARTHEST
from gatecast.data.scalers import Scaling, Standard
from gatecast.data.tensors import PanelTensors
from gatecast.errors import InputError, MissingExtraError, OptionError
from gatecast.forecaster import ForecasterConfig, network_sizes
from gatecast.forecaster.room import check_room
from gatecast.models.config import NetworkConfig
from gatecast.models.ensemble import Network, build_network
from gatecast.models.losses import POINT_LOSSES, LossName
from gatecast.nn import LayerConfig
from gatecast.nn.config import CellName
from gatecast.training import TrainingConfig, TrainingState, train
from gatecast.training.courses import Windows

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.utils import Tags, check_random_state
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise MissingExtraError("scikit-learn", "sklearn", "GatecastRegressor") from error

AT_ONCE = 1024  # windows


class GatecastRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A recurrent net that maps a window to a number, or to several; learns and predicts as scikit-learn's do.

    The last rows of `fit` are set aside and choose the weights, so rows in the order of time are chosen by the newest.
    Neither scaling nor weights are learnt from them.

    Args:
        lookback: steps in each window; the columns of X are that many times the features of a step, oldest step first.
            None takes each column for one step of one feature.
        cell: as in `gatecast.nn.LayerConfig`, as are `hidden_size`, `num_layers` and `dropout` (between layers).
        hidden_size: units of each layer.
        num_layers: layers on top of each other.
        dropout: share of units dropped between layers while training.
        loss: `mse`, `mae` or `huber`.
        steps: the most training steps; early stopping may take fewer.
        batch_size: windows a step.
        learning_rate: the highest of the schedule.
        patience: looks at the rows set aside, one every 20 steps, without a better loss before training stops.
        validation_fraction: the share of the rows that is set aside.
        random_state: of the first weights and of the order of the windows.

    Attributes:
        network_: the net, which works on scaled values.
        lookback_: steps in each window.
        x_scaling_: centre and scale of the features of a step.
        y_scaling_: those of the outputs.
        n_outputs_: numbers that a window is mapped to.
        history_: what was logged of each training step.
    """

    def __init__(  # noqa: PLR0913 - scikit-learn searches and clones by arguments
        self,
        *,
        lookback: int | None = None,
        cell: CellName = "gru",
        hidden_size: int = 32,
        num_layers: int = 1,
        dropout: float = 0.0,
        loss: LossName = "mse",
        steps: int = 600,
        batch_size: int = 64,
        learning_rate: float = 1e-2,
        patience: int = 10,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.lookback = lookback
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.loss = loss
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        """Several outputs are learnt together."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> "GatecastRegressor":  # noqa: ANN401 - whatever scikit-learn takes
        """Learn from windows and what each is mapped to.

        Args:
            X: (windows, lookback * features), in the order of time.
            y: (windows,) or (windows, outputs).

        Raises:
            OptionError: an argument cannot be.
            TrainingError: the loss is no longer a number.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, ensure_min_samples=2)
        windows, outputs = X.reshape(len(X), self._steps(X.shape[1]), -1), y.reshape(len(y), -1).astype(np.float64)
        learnt = len(X) - self._set_aside(len(X))
        self.lookback_, self.n_outputs_ = windows.shape[1], outputs.shape[1]
        self.x_scaling_ = Standard().fit(windows[:learnt].reshape(-1, windows.shape[2]))
        self.y_scaling_ = Standard().fit(outputs[:learnt])
        table = _tensors(_scaled(windows, self.x_scaling_), _scaled(outputs, self.y_scaling_))
        config = self._config()
        columns = Columns(target=_names("y", table.targets), past=_names("x", windows.shape[2]))
        sizes = network_sizes(config, columns, Frequency("row"), series=1)
        check_room(config, sizes)
        self.network_: Network = build_network(config.network, sizes, config.training.seed)
        places = _places(table)
        state = TrainingState(self.network_, config.training)
        course = Windows(table, places[learnt:], places[:learnt], config.training)
        self.history_ = tuple(train(self.network_, course, config.training, state))
        self.network_.load_state_dict(state.best_weights)
        self.network_.eval()
        return self

    def predict(self, X: Any) -> Float64[np.ndarray, "..."]:  # noqa: ANN401
        """What each window is mapped to: (windows,), or (windows, outputs) where there are several.

        Raises:
            InputError: a value is so far from those learnt from that no net can compute with it.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        windows = _scaled(X.reshape(len(X), self.lookback_, -1), self.x_scaling_)
        parts = [self._read(windows[first : first + AT_ONCE]) for first in range(0, len(windows), AT_ONCE)]
        outputs = self.y_scaling_.inverse(np.concatenate(parts).astype(np.float64), 0)
        return outputs[:, 0] if self.n_outputs_ == 1 else outputs

    @torch.inference_mode()
    def _read(self, windows: Float32[np.ndarray, "some lookback features"]) -> Float32[np.ndarray, "some outputs"]:
        table = _tensors(windows, np.zeros((len(windows), self.n_outputs_), dtype=np.float32))
        return np.asarray(self.network_(table.gather(_places(table)))[:, 0, :, 0])

    def _steps(self, columns: int) -> int:
        """How many steps a window has."""
        if self.lookback is None:
            return columns
        if self.lookback < 1 or columns % self.lookback:
            raise OptionError(
                f"a row of X is one window: lookback={self.lookback} steps of as many features each, oldest first, and "
                f"{columns} columns cannot be that. Give another lookback, or make X by flat_windows."
            )
        return self.lookback

    def _set_aside(self, rows: int) -> int:
        """How many of the last rows choose the weights."""
        if not 0 < self.validation_fraction < 1:
            raise OptionError(f"validation_fraction is a share between 0 and 1, got {self.validation_fraction}.")
        return min(max(1, int(rows * self.validation_fraction)), rows - 1)

    def _config(self) -> ForecasterConfig:
        if self.loss not in POINT_LOSSES:
            raise OptionError(f"loss={self.loss!r} cannot be; the losses are {', '.join(POINT_LOSSES)}.")
        layer = LayerConfig(
            cell=self.cell, hidden_size=self.hidden_size, num_layers=self.num_layers, dropout=self.dropout
        )
        training = TrainingConfig(
            steps=self.steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            patience=self.patience,
            evaluate_every=20,
            seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
        )
        return ForecasterConfig(
            lookback=self.lookback_,
            horizon=1,
            subtract="none",
            normalise="none",
            flags=False,
            ahead=False,
            network=NetworkConfig(layer=layer, loss=self.loss, highway=False),
            training=training,
        )


def _scaled(values: Float[np.ndarray, "*rows columns"], scaling: Scaling) -> Float32[np.ndarray, "*rows columns"]:
    """Values as the net reads them."""
    scaled = scaling.transform(values, 0)
    if len(scaled) and np.abs(scaled).max() > FARTHEST:
        raise InputError(
            f"a value lies more than {FARTHEST:g} times the spread of those learnt from away from them, and no net can "
            f"compute with that. Correct it, or leave its row out."
        )
    return scaled.astype(np.float32)


def _tensors(
    windows: Float32[np.ndarray, "windows lookback features"], outputs: Float32[np.ndarray, "windows outputs"]
) -> PanelTensors:
    """Each window as a series of its own, whose one row to forecast holds the outputs.

    The net's own targets have no past here: their channels are zero up to the cutoff.
    """
    (count, lookback, features), targets = windows.shape, outputs.shape[1]
    table = np.zeros((count, lookback + 1, targets + features + targets), dtype=np.float32)
    table[:, :lookback, targets:-targets] = windows
    table[:, lookback, :targets] = outputs
    table[:, lookback, -targets:] = 1  # observed
    return PanelTensors(
        starts=torch.arange(count + 1) * (lookback + 1),
        table=torch.from_numpy(table.reshape(-1, table.shape[2])),
        static=torch.zeros(count, 0),
        identity=torch.full((count,), -1),
        weight=torch.ones(count, targets),
        steps=torch.arange(-lookback, 1),
        channels=targets + features,
        causal=0,
        ahead=[],
        flags=targets,
        targets=targets,
        lookback=lookback,
        horizon=1,
    )


def _places(table: PanelTensors) -> torch.Tensor:
    """The one window of each series."""
    starts = table.starts[:-1]
    return torch.stack([torch.arange(len(starts)), starts + table.lookback], dim=1)


def _names(letter: str, count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{number}" for number in range(count))
