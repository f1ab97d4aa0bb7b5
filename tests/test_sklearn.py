"""The regressor in scikit-learn's manner, and the windows that it reads."""

import importlib
import pickle
import sys
from typing import Any

import numpy as np
import polars as pl
import pytest

from gatecast.data.columns import TableOptions
from gatecast.errors import InputError, MissingExtraError, OptionError, TooShortError
from small_tables import wave_table

pytest.importorskip("sklearn", reason="needs pip install 'gatecast[sklearn]'")

from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_regressors_train, estimator_checks_generator

from gatecast.adapters.flat_windows import flat_windows
from gatecast.adapters.sklearn import GatecastRegressor

QUICK: dict[str, Any] = {"hidden_size": 4, "steps": 20}


NEEDS_MORE_STEPS = "check_regressors_train"
NEEDS_UNCHECKED_TYPES = "check_do_not_raise_errors_in_init_or_set_params"  # the tests refuse steps="a" where it is said
LEARNS: dict[str, Any] = {"hidden_size": 16, "steps": 160, "learning_rate": 0.03}


def name_of(check: Any) -> str:
    return str(check.func.__name__)


CHECKS = [
    check
    for _, check in estimator_checks_generator(GatecastRegressor(hidden_size=2, steps=3), mark=None)
    if name_of(check) not in (NEEDS_MORE_STEPS, NEEDS_UNCHECKED_TYPES)
]


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
def test_it_is_an_estimator_as_scikit_learn_wants_it(check: Any) -> None:
    check(GatecastRegressor(hidden_size=2, steps=3))


def test_it_learns_what_scikit_learn_wants_learnt() -> None:
    check_regressors_train("GatecastRegressor", GatecastRegressor(**LEARNS))


def sums(rows: int = 300, lookback: int = 6, features: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Windows whose answer is the last but one step of the second feature, far from zero and in other units."""
    windows = np.random.default_rng(seed).normal(size=(rows, lookback, features))
    return windows.reshape(rows, -1), 1000 + 50 * windows[:, -2, 1]


def test_a_row_is_read_as_steps_of_features_with_the_oldest_first() -> None:
    X, y = sums()
    net = GatecastRegressor(lookback=6, **LEARNS).fit(X[:250], y[:250])
    assert net.score(X[250:], y[250:]) > 0.9
    assert net.lookback_ == 6
    assert net.network_.sizes.channels == 1 + 2
    backwards = X.reshape(-1, 6, 2)[:, ::-1].reshape(len(X), -1)
    assert net.score(backwards[250:], y[250:]) < 0.5


def test_what_is_set_aside_moves_neither_the_scaling_nor_any_step() -> None:
    X, y = sums(rows=100)
    other, answers = X.copy(), y.copy()
    other[90:], answers[90:] = 1e6, -1e6  # the last tenth
    nets = [GatecastRegressor(lookback=6, **QUICK).fit(*each) for each in ((X, y), (other, answers))]
    assert [step.loss for step in nets[0].history_] == [step.loss for step in nets[1].history_]
    np.testing.assert_array_equal(nets[0].x_scaling_.centre, nets[1].x_scaling_.centre)
    np.testing.assert_allclose(nets[0].x_scaling_.centre[0], X[:90].reshape(-1, 2).mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(nets[0].y_scaling_.scale[0, 0], y[:90].std(), rtol=1e-14)


def test_predictions_do_not_depend_on_the_rows_beside_them() -> None:
    X, y = sums(rows=1100)
    net = GatecastRegressor(lookback=6, **QUICK).fit(X[:100], y[:100])
    alone = np.concatenate([net.predict(X[row : row + 1]) for row in range(1020, 1030)])
    np.testing.assert_array_equal(alone, net.predict(X)[1020:1030])


def test_the_same_arguments_give_the_same_net_and_a_copy_predicts_as_it_does() -> None:
    X, y = sums(rows=80)
    one, two = (GatecastRegressor(lookback=6, **QUICK).fit(X, y) for _ in range(2))
    other = GatecastRegressor(lookback=6, random_state=1, **QUICK).fit(X, y)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    np.testing.assert_array_equal(one.predict(X), pickle.loads(pickle.dumps(one)).predict(X))  # noqa: S301 - our own
    assert not np.array_equal(one.predict(X), other.predict(X))


def test_several_outputs_are_learnt_together() -> None:
    X, y = sums()
    both = np.column_stack([y, -3 * y])
    net = GatecastRegressor(lookback=6, **LEARNS).fit(X[:250], both[:250])
    assert net.predict(X).shape == both.shape
    assert net.score(X[250:], both[250:]) > 0.9


def test_it_can_be_searched_in_a_pipeline_over_splits_by_time() -> None:
    windows = flat_windows(wave_table(120), lookback=6, table=TableOptions(target=("y",)))
    steps = make_pipeline(StandardScaler(), GatecastRegressor(lookback=6, **QUICK))
    grid = {"gatecastregressor__cell": ["gru", "rnn"], "gatecastregressor__hidden_size": [2, 4]}
    search = GridSearchCV(steps, grid, cv=TimeSeriesSplit(2)).fit(windows.X, windows.y)
    assert set(search.best_params_) == set(grid)
    assert search.predict(windows.newest).shape == (1,)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"lookback": 5},
            "a row of X is one window: lookback=5 steps of as many features each, oldest first, and 12 col",
        ),
        ({"lookback": 0}, "Give another lookback, or make X by flat_windows"),
        ({"validation_fraction": 1.0}, r"validation_fraction is a share between 0 and 1, got 1\.0"),
        ({"loss": "quantile"}, "loss='quantile' cannot be; the losses are mae, mse, huber"),
        ({"cell": "grd"}, "cell='grd' is unknown; the cells are rnn, lstm, gru"),
        ({"steps": 0}, "training.steps counts from 1 up, got 0"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_fitted(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        GatecastRegressor().set_params(**wrong).fit(*sums(rows=20))


def test_a_value_that_no_net_can_compute_with_is_refused() -> None:
    X, y = sums(rows=30)
    net = GatecastRegressor(lookback=6, **QUICK).fit(X, y)
    X[3, 3] = 1e300
    with pytest.raises(InputError, match=r"more than 1e\+16 times the spread of those learnt from"):
        net.predict(X)


def test_flat_windows_hold_what_a_slow_loop_finds_in_the_order_of_time() -> None:
    table = wave_table(30, ids=("b", "a"))
    late = table.filter((pl.col("shop") == "b") | (pl.col("ds").dt.day() > 1) | (pl.col("ds").dt.hour() > 4))
    found = flat_windows(late, lookback=3, horizon=2, table=TableOptions(target=("y",), past=("x",)))
    expected = []
    for shop in ("b", "a"):
        rows = late.filter(pl.col("shop") == shop)
        for last in range(2, len(rows) - 2):
            window = [rows[name][row] for row in range(last - 2, last + 1) for name in ("y", "x")]
            expected.append((rows["ds"][last + 2], shop, window, rows["y"][last + 2]))
    expected.sort(key=lambda each: each[0])
    assert found.ids == tuple(each[1] for each in expected)
    assert found.times.tolist() == [each[0] for each in expected]
    np.testing.assert_array_equal(found.X, np.float32([each[2] for each in expected]))
    np.testing.assert_array_equal(found.y, np.float32([each[3] for each in expected]))
    assert found.columns == ("y[-2]", "x[-2]", "y[-1]", "x[-1]", "y[0]", "x[0]")
    assert found.newest_ids == ("b", "a")
    np.testing.assert_array_equal(found.newest[1, -2:], np.float32([late["y"][-1], late["x"][-1]]))


def test_flat_windows_read_nothing_after_their_cutoff() -> None:
    table, options = wave_table(60), TableOptions(target=("y",), past=("x",))
    later = table.with_row_index().with_columns(
        pl.when(pl.col("index") < 40).then(pl.col(name)).otherwise(1e6 + pl.col("index")).alias(name) for name in "xy"
    )
    seen, poisoned = (flat_windows(each, lookback=5, table=options) for each in (table, later.drop("index")))
    np.testing.assert_array_equal(seen.X[:36], poisoned.X[:36])  # the window before row 40 is the 36th
    assert not np.array_equal(seen.X[36], poisoned.X[36])


def test_a_window_with_a_missing_value_is_left_out() -> None:
    table = (
        wave_table(20).with_row_index().with_columns(pl.when(pl.col("index") != 9).then("y").alias("y")).drop("index")
    )
    found = flat_windows(table, lookback=3, table=TableOptions(target=("y",)))
    assert len(found.y) == 20 - 3 - 4  # three windows read row 9, and it is the target of one
    assert np.isfinite(found.X).all()
    assert np.isfinite(found.y).all()


def test_windows_that_cannot_be_are_refused() -> None:
    with pytest.raises(TooShortError, match="lookback=30 and horizon=1 need at least 31 rows"):
        flat_windows(wave_table(20), lookback=30)
    with pytest.raises(OptionError, match="a flat window holds targets and past covariates alone"):
        flat_windows(wave_table(20), lookback=3, table=TableOptions(target=("y",), future=("x",)))


def test_linear_regression_reads_the_same_windows_and_is_right_where_the_rule_is_linear() -> None:
    steps = np.arange(200)
    windows = flat_windows(pl.DataFrame({"y": np.sin(2 * np.pi * steps / 12)}), lookback=2)
    fitted = LinearRegression().fit(windows.X[:100], windows.y[:100])
    # sin(a + d) = 2 cos(d) sin(a) - sin(a - d)
    np.testing.assert_allclose(fitted.coef_, [-1, 2 * np.cos(2 * np.pi / 12)], atol=1e-5)  # float32 windows


def test_rows_may_be_predicted_out_of_fold() -> None:
    X, y = sums(rows=60)
    assert cross_val_predict(GatecastRegressor(lookback=6, **QUICK), X, y, cv=3).shape == (60,)


def test_without_scikit_learn_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "gatecast.adapters.sklearn")
    with pytest.raises(MissingExtraError, match=r"Run: pip install 'gatecast\[sklearn\]'"):
        importlib.import_module("gatecast.adapters.sklearn")
