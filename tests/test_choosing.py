"""What is chosen for the user: right on data whose answer is known, and blind to the test part."""

import re

import msgspec
import numpy as np
import pytest

from builders import poisoned, waves
from gatecast.choosing import Asked, AskedTraining, choose, settling
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import split_by_time
from gatecast.errors import OptionError, TooShortError
from gatecast.models.config import NetworkConfig

FED_BACK = NetworkConfig(decode="recursive", loss="normal")


def quick(**said: object) -> Asked:
    """What is asked, with a training so short that nothing is tried before it."""
    return Asked(**({"training": AskedTraining(steps=10)} | said))


def numbered(values: np.ndarray) -> Panel:
    return panel_from_arrays({"a": values[:, None]}, Columns(target=("y",)), parse_frequency("row"))


def sine(season: int, rows: int = 600, noise: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.sin(2 * np.pi * np.arange(rows) / season) + noise * rng.normal(size=rows)


@pytest.mark.parametrize("season", [7, 12, 24, 48])
def test_the_season_of_numbered_rows_is_found(season: int) -> None:
    saw = np.arange(600) % season + 0.3 * np.random.default_rng(1).normal(size=600)
    panel = numbered(saw.astype(np.float64))
    assert choose(panel, split_by_time(panel, 6), quick(horizon=6)).season == season


def test_noise_has_no_season() -> None:
    panel = numbered(np.random.default_rng(0).normal(size=600))
    assert choose(panel, split_by_time(panel, 6), quick(horizon=6)).season == 1


def test_a_seasonal_series_subtracts_its_season_and_a_random_walk_its_last_value() -> None:
    seasonal = numbered(np.tile([0.0, 5.0, 1.0, 8.0, 3.0, 3.0], 100) + 0.1 * sine(50))
    walk = numbered(np.random.default_rng(0).normal(size=600).cumsum())
    for panel, expected in ((seasonal, "seasonal"), (walk, "last")):
        chosen = choose(panel, split_by_time(panel, 6), quick(horizon=6, season=6))
        assert chosen.config.subtract == expected


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.random.default_rng(0).normal(size=600).cumsum(), "repeating the last value is hard to beat"),
        (sine(6, noise=1.0), r"repeating the last 6 rows errs only \d+% less than the last value"),
        (np.r_[sine(6, 360), np.ones(240)], "repeating the last value is hard to beat"),
    ],
    ids=["walk", "weak season", "constant validation part"],
)
def test_the_last_value_is_subtracted_for_the_reason_given(values: np.ndarray, why: str) -> None:
    panel = numbered(values)
    chosen = choose(panel, split_by_time(panel, 6), quick(horizon=6, season=6))
    (guess,) = (guess for guess in chosen.guesses if guess.what == "subtract")
    assert guess.value == "last"
    assert re.search(why, guess.why)


def test_a_weekly_season_of_hours_wins_where_weekends_differ() -> None:
    hours = np.arange(24 * 7 * 20)
    load = np.where(hours // 24 % 7 < 5, 10 + 5 * np.sin(2 * np.pi * hours / 24), 3 + np.sin(2 * np.pi * hours / 24))
    columns = Columns(target=("y",), time="ds")
    panel = panel_from_arrays({"a": load[:, None]}, columns, parse_frequency("1h"))
    chosen = choose(panel, split_by_time(panel, 24), quick(horizon=24))
    assert (chosen.season, chosen.config.season, chosen.config.subtract) == (24, 168, "seasonal")
    assert chosen.config.lookback >= 168


def test_a_cycle_that_training_saw_less_than_twice_is_not_read() -> None:
    panel = waves(rows=24 * 60)
    assert choose(panel, split_by_time(panel, 6), quick(horizon=6)).config.calendar == ("day", "week")


@pytest.mark.parametrize("poison", [np.nan, 1e9])
def test_no_choice_sees_the_test_part(poison: float) -> None:
    panel = waves(rows=600)
    split = split_by_time(panel, 6)
    assert choose(panel, split, quick(horizon=6)) == choose(
        poisoned(panel, split.validation_end, poison), split, quick(horizon=6)
    )


def test_what_the_user_says_is_obeyed_and_not_called_a_guess() -> None:
    panel = waves(rows=600)
    asked = quick(horizon=6, lookback=31, season=9, subtract="none", calendar=(), calibrate=False)
    chosen = choose(panel, split_by_time(panel, 6), asked)
    config = chosen.config
    assert (config.lookback, config.season, config.subtract, config.calendar) == (31, 9, "none", ())
    assert (chosen.calibrate, chosen.guesses) == (False, ())


@pytest.mark.parametrize(
    ("levels", "value", "end"), [((0.1, 0.5, 0.9), "yes", "should lie"), ((0.01, 0.5, 0.9), "no", "take 99")]
)
def test_calibrating_takes_windows_apart_for_the_outermost_level(
    levels: tuple[float, ...], value: str, end: str
) -> None:
    panel = waves(series=1, rows=300)  # 60 rows of validation are ten horizons; the 0.1 quantile takes nine
    chosen = choose(panel, split_by_time(panel, 6), quick(horizon=6, network=NetworkConfig(quantiles=levels)))
    (guess,) = (guess for guess in chosen.guesses if guess.what == "calibrate")
    assert (chosen.calibrate, guess.value) == (value == "yes", value)
    assert guess.why.startswith("the validation part holds 10 windows that do not overlap, ")
    assert guess.why.endswith(end)


def test_a_net_for_a_point_is_calibrated_only_when_asked() -> None:
    panel, point = waves(rows=600), NetworkConfig(loss="mse")
    split = split_by_time(panel, 6)
    chosen = choose(panel, split, quick(horizon=6, network=point))
    assert not chosen.calibrate
    assert all(guess.what != "calibrate" for guess in chosen.guesses)
    assert choose(panel, split, quick(horizon=6, network=point, calibrate=True)).calibrate
    with pytest.raises(OptionError, match="levels are ascending"):
        choose(panel, split, quick(horizon=6, network=NetworkConfig(loss="mse", quantiles=(2.0,)), calibrate=True))


def test_a_short_series_shortens_the_guessed_lookback() -> None:
    panel = waves(rows=80)
    chosen = choose(panel, split_by_time(panel, 12), quick(horizon=12))
    room = int(split_by_time(panel, 12).train_end.min())
    assert chosen.config.lookback + 12 <= room
    assert any("what the shortest training part has room for" in guess.why for guess in chosen.guesses)


def test_a_lookback_longer_than_the_data_is_refused_with_the_numbers() -> None:
    panel = waves(rows=100)
    with pytest.raises(TooShortError, match=r'lookback=90 .* at least 96 rows .* series "s0" has 64\. Shorten'):
        choose(panel, split_by_time(panel, 6), quick(horizon=6, lookback=90))


def test_a_short_lookback_is_obeyed_though_a_longer_season_would_lead() -> None:
    hours = np.arange(24 * 7 * 20)
    panel = panel_from_arrays(
        {"a": np.sin(2 * np.pi * hours / 24)[:, None] + 5}, Columns(target=("y",), time="ds"), parse_frequency("1h")
    )
    config = choose(panel, split_by_time(panel, 6), quick(horizon=6, lookback=12)).config
    assert (config.lookback, config.subtract) == (12, "last")


def test_a_season_longer_than_the_shortest_series_allows_is_not_subtracted() -> None:
    week = np.where(np.arange(24 * 7 * 20) // 24 % 7 < 5, 10.0, 1.0)[:, None]
    columns = Columns(target=("y",), id="unique_id")
    panel = panel_from_arrays({"long": week, "short": week[:300]}, columns, parse_frequency("row"))
    config = choose(panel, split_by_time(panel, 6), quick(horizon=6, season=24)).config
    assert config.season <= config.lookback
    assert config.lookback + 6 <= split_by_time(panel, 6).train_end.min()


def test_forecasts_that_are_fed_back_are_normalised_causally_unless_said_otherwise() -> None:
    panel = numbered(sine(12).cumsum())
    asked = quick(horizon=6, subtract="last", network=FED_BACK)
    split = split_by_time(panel, 6)
    chosen = choose(panel, split, asked)
    assert chosen.config.normalise == "causal"
    assert "normalise" in {guess.what for guess in chosen.guesses}
    for changes in ({"normalise": "last"}, {"season": 40, "lookback": 30}):
        assert choose(panel, split, msgspec.structs.replace(asked, **changes)).config.normalise == "last"


def mode_of(rows: int, **said: object) -> tuple[str, str]:
    """The mode of a random walk, and why."""
    panel = numbered(np.random.default_rng(0).normal(size=rows).cumsum())
    chosen = choose(panel, split_by_time(panel, 6), quick(horizon=6, **said))
    why = [guess.why for guess in chosen.guesses if guess.what == "mode"]
    return chosen.config.mode, "".join(why)


def test_long_series_are_read_in_one_pass_and_short_ones_in_windows() -> None:
    assert mode_of(3000) == ("sequences", "1,800 rows to train on: one pass learns from a forecast at every row")
    assert mode_of(900) == ("windows", "540 rows to train on are few to carry a state over")


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ({"lookback": 48}, "windows"),
        ({"lookback": "all"}, "sequences"),
        ({"mode": "windows"}, "windows"),
        ({"mode": "sequences", "lookback": 48}, "sequences"),
        ({"network": NetworkConfig(segment=4)}, "windows"),
        ({"network": NetworkConfig(decode="seq2seq")}, "windows"),
        ({"network": FED_BACK}, "sequences"),
        ({"network": FED_BACK, "training": AskedTraining(free_running=9)}, "windows"),
        ({"normalise": "standard"}, "windows"),
        ({"normalise": "causal"}, "sequences"),
    ],
)
def test_what_was_said_settles_the_mode(said: dict[str, object], mode: str) -> None:
    assert mode_of(3000, **said)[0] == mode


def test_a_carried_state_reads_all_of_the_past() -> None:
    panel = numbered(np.random.default_rng(0).normal(size=3000).cumsum())
    chosen = choose(panel, split_by_time(panel, 6), quick(horizon=6))
    assert [guess.value for guess in chosen.guesses if guess.what == "lookback"] == ["all"]
    assert chosen.config.normalise == "causal"
    with pytest.raises(OptionError, match="which mode='windows' does not"):
        quick(lookback="all", mode="windows")


def test_flags_of_observation_are_read_where_training_saw_a_gap() -> None:
    walk = np.random.default_rng(0).normal(size=3000).cumsum()
    for place, expected in ((None, False), (100, True), (2900, False)):
        values = walk.copy()
        if place is not None:
            values[place] = np.nan
        panel = numbered(values)
        assert choose(panel, split_by_time(panel, 6), quick(horizon=6)).config.flags == expected


def noisy_season(*, noise: float, growth: float = 0.0) -> Panel:
    """A season of 12 rows that repeats under noise, at a level that grows."""
    rows = np.arange(240)
    season = np.tile(np.random.default_rng(1).normal(size=12), 20)
    values = 3 * season + growth * rows + noise * np.random.default_rng(0).normal(size=len(rows))
    return numbered(values)


@pytest.mark.parametrize(("noise", "growth", "expected"), [(2.0, 0.0, "mean"), (0.1, 0.2, "seasonal")])
def test_the_start_is_what_a_short_training_does_best_from(noise: float, growth: float, expected: str) -> None:
    """Repeating a noisy season repeats its noise; the mean of a window that grows lags behind."""
    panel = noisy_season(noise=noise, growth=growth)
    chosen = choose(panel, split_by_time(panel, 6), Asked(horizon=6, season=12, training=AskedTraining(steps=500)))
    assert chosen.config.subtract == expected
    assert chosen.config.normalise == ("standard" if expected == "mean" else "last")
    (guess,) = (guess for guess in chosen.guesses if guess.what == "subtract")
    assert "after 100 training steps it errs" in guess.why


def test_a_trial_takes_no_more_than_a_fifth_of_the_usual_steps() -> None:
    panel = noisy_season(noise=1.0)
    usual, many = (
        choose(panel, split_by_time(panel, 6), Asked(horizon=6, season=12, training=training))
        for training in (AskedTraining(), AskedTraining(steps=9000))
    )
    assert usual.guesses == many.guesses
    assert any("after 200 training steps it errs" in guess.why for guess in many.guesses)


@pytest.mark.parametrize("poison", [np.nan, 1e9])
def test_trials_see_no_row_of_the_test_part(poison: float) -> None:
    panel = noisy_season(noise=1.0)
    split = split_by_time(panel, 6)
    asked = Asked(horizon=6, season=12, training=AskedTraining(steps=250))
    assert choose(poisoned(panel, split.validation_end, poison), split, asked) == choose(panel, split, asked)


@pytest.mark.parametrize(
    "asked",
    [
        Asked(horizon=6, season=12, subtract="last"),
        Asked(horizon=6, season=12, normalise="last"),
        Asked(horizon=6, season=12, training=AskedTraining(steps=200)),
        Asked(horizon=6, season=12, training=AskedTraining(budget="5s")),
        Asked(horizon=6, season=12, mode="sequences"),
        Asked(horizon=6, season=12, network=FED_BACK),
    ],
    ids=["said", "said how to see", "few steps", "a budget", "a carried state", "fed back"],
)
def test_nothing_is_tried_where_it_was_said_or_would_tell_nothing(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a trial")

    monkeypatch.setattr(settling, "choose_by_trial", refuse)
    panel = noisy_season(noise=1.0)
    assert choose(panel, split_by_time(panel, 6), asked).config.horizon == 6


@pytest.mark.parametrize("said", [{"subtract": "seasonal"}, {}])
def test_a_base_season_that_is_said_is_what_the_forecast_starts_from(said: dict[str, object]) -> None:
    panel = numbered(np.tile(sine(24, 168, noise=1.0), 6))
    split = split_by_time(panel, 6)
    usual = choose(panel, split, quick(horizon=6, season=24, subtract="seasonal"))
    chosen = choose(panel, split, quick(horizon=6, season=24, base_season=168, **said))
    assert (chosen.config.subtract, chosen.config.season, chosen.season) == ("seasonal", 168, 24)
    assert usual.config.season == 24
    assert chosen.config.loss_season == usual.config.loss_season, "losses stay comparable"
