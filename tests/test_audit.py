"""The audit: every check fails the forecaster that cheats in just that way, and passes the honest ones."""

import json
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

import audit_cheats as cheats
import gatecast as gc
from builders import SEASON, small_config, waves, with_values
from evaluation_panels import panel_of
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Origins, scoring_origins, split_by_time
from gatecast.errors import OptionError
from gatecast.evaluation.audit import CLAIMS, Audit, AuditOptions, Check, audit_forecaster, audit_to_json
from gatecast.evaluation.audit.batching import ROUNDOFF, TERMS, is_rounding
from gatecast.evaluation.audit.carrying import closed, continued
from gatecast.evaluation.audit.changes import POISONS, changed, unknown
from gatecast.evaluation.baselines import BASELINES
from gatecast.forecast import Forecaster
from gatecast.forecaster import RecurrentForecaster
from gatecast.workflow.checking import audit_net
from small_tables import SMALL, wave_table

HORIZON = 6


def audit(forecaster: Forecaster, panel: Panel | None = None, **settings: object) -> Audit:
    panel = waves(past=1) if panel is None else panel
    split = split_by_time(panel, HORIZON)
    origins = scoring_origins(split.validation_end, split.test_end, HORIZON)
    refit = settings.pop("refit", None)
    options = msgspec.convert({"drift_rows": 4000, "context": 50} | settings, AuditOptions)
    return audit_forecaster(forecaster, panel, origins, HORIZON, split.validation_end, refit=refit, options=options)  # type: ignore[arg-type]


def check(name: str, forecaster: Forecaster, panel: Panel | None = None, **settings: object) -> Check:
    return next(each for each in audit(forecaster, panel, **settings).checks if each.name == name)


def shop(rows: int = 400) -> Panel:
    """A target with a plan: the first rows of `promo` are those that `y` reacts to."""
    rng = np.random.default_rng(0)
    promo = (rng.random(rows) < 0.3).astype(float)
    columns = Columns(target=("y",), future=("promo",), time="ds")
    y = 20 + 5 * promo + rng.normal(size=rows)
    return panel_from_arrays({"shop": np.column_stack([y, promo])}, columns, parse_frequency("1h"))


# The honest ones pass


def by_name(found: Audit) -> dict[str, str]:
    return {each.name: each.status for each in found.checks}


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("panel", [waves(past=1), waves(1, targets=2), panel_of([waves(1).values[:, 0]] * 2, "row")])
def test_every_baseline_passes_but_the_seasonal_one_which_reads_no_newest_row(name: str, panel: Panel) -> None:
    ends = split_by_time(panel, HORIZON).validation_end
    found = audit(
        BASELINES[name](SEASON).fit(panel, ends),
        panel,
        refit=lambda table, ends: BASELINES[name](SEASON).fit(table, ends),
    )
    assert [each.name for each in found.failures] == (["newest_row"] if name == "seasonal_naive" else [])
    status = by_name(found)
    assert status["future"] == status["batch"] == status["fitting"] == "passed"
    assert status["other_series"] == ("passed" if len(panel.ids) > 1 else "skipped")
    assert status["past_covariates"] == ("passed" if panel.columns.past else "skipped")


@pytest.mark.parametrize("panel", [waves(past=1), waves(1, targets=2), shop()], ids=["past", "targets", "future"])
def test_a_small_trained_net_passes(panel: Panel) -> None:
    split = split_by_time(panel, HORIZON)
    net = RecurrentForecaster(small_config(steps=60, learning_rate=0.02)).fit(panel, split)
    origins = scoring_origins(split.validation_end, split.test_end, HORIZON)
    found = audit_net(net, panel, origins, split.validation_end, split, AuditOptions())
    assert found.passed, str(found)
    status = by_name(found)
    assert status["future"] == status["newest_row"] == status["batch"] == status["fitting"] == "passed"
    planned = next(each for each in found.checks if each.name == "future_covariates")
    assert planned.measured.get("steps_moved", 0) == (3 if panel.columns.future else 0)
    assert "Training was cut to 2 steps" in found.checks[-1].meaning


def test_somebody_elses_model_of_ten_lines_passes() -> None:
    found = audit(cheats.Peer())
    assert found.passed
    assert [each.name for each in found.checks] == list(CLAIMS)
    assert [each.name for each in found.checks if each.status == "skipped"] == [
        "future_covariates", "drift", "stream", "fitting",
    ]  # fmt: skip


def staggered() -> Panel:
    """Two dated series, the second a fifth of the way later than the first."""
    first, second = waves(1, 300), waves(1, 240)
    return Panel(
        columns=first.columns,
        frequency=first.frequency,
        ids=("a", "b"),
        offsets=np.array([0, 300, 540]),
        times=np.concatenate([first.times, second.times + np.timedelta64(80, "h")]),
        values=np.concatenate([first.values, second.values]),
        static=np.zeros((2, 0), np.float32),
    )


def test_series_that_begin_and_end_apart_are_no_reason_to_fail() -> None:
    assert audit(cheats.Peer(), staggered()).passed


# The future


@pytest.mark.parametrize(
    ("cheat", "by"),
    [
        (cheats.ReadsOneRowTooFar, "1e9"),
        (cheats.ScalesOverTheWholeSeries, "1e9"),
        (cheats.LeaksButClips, "their own values in reverse"),
        (cheats.RefusesAFutureWithHoles, r"missing values \(ValueError: the table has holes\)"),
        (cheats.ReadsOthersFuture, "1e9"),
    ],
)
def test_reading_the_future_fails(cheat: type[cheats.Peer], by: str) -> None:
    found = check("future", cheat(), waves())
    assert found.status == "failed"
    assert 0 < found.measured["moved"] <= found.measured["windows"] == 8
    assert found.measured["largest"] > 0
    assert re.search(by, found.meaning)


def test_the_size_of_a_leak_is_told_in_spreads_of_the_series() -> None:
    found = check("future", cheats.ReadsOneRowTooFar(), waves(1))
    spread = waves(1).values[:192].std()
    assert found.measured["largest"] == pytest.approx(1e9 / spread, rel=1e-3)


def test_filling_backwards_fails_where_the_newest_row_is_missing() -> None:
    panel = waves(1)
    assert check("future", cheats.FillsBackwards(), panel).status == "passed"
    values = panel.values.copy()
    values[np.arange(191, 240)] = np.where(np.arange(191, 240)[:, None] % HORIZON == 5, np.nan, values[191:240])
    assert check("future", cheats.FillsBackwards(), with_values(panel, values)).status == "failed"


def test_a_leak_in_one_series_of_many_numbered_ones_is_counted_alone() -> None:
    panel = panel_of([waves(1, 200, seed=k).values[:, 0] for k in range(3)], "row")

    class LeaksInTheSecond(cheats.Peer):
        def one(self, panel: Panel, series: int, position: int, horizon: int) -> np.ndarray:
            honest = super().one(panel, series, position, horizon)
            return honest + np.nan_to_num(cheats.own(panel, series)[position, :1]) * (series == 1)

    found = check("future", LeaksInTheSecond(), panel)
    assert found.measured["moved"] * 3 == found.measured["windows"] == 12


def test_origins_at_the_end_of_the_table_have_no_future_to_replace() -> None:
    panel = waves(1)
    at_the_end = Origins(np.array([0]), np.array([240]))
    found = audit_forecaster(cheats.Peer(), panel, at_the_end, HORIZON, np.array([240]))
    assert found.checks[0].status == "skipped"
    assert "give earlier origins" in found.checks[0].meaning


@pytest.mark.parametrize("name", POISONS)
def test_a_poison_spares_the_past_and_what_is_known_in_advance(name: str) -> None:
    panel = shop()
    poisoned = changed(panel, np.array([300]), POISONS[name], unknown(panel))
    np.testing.assert_array_equal(poisoned.values[:300], panel.values[:300])
    np.testing.assert_array_equal(poisoned.values[:, 1], panel.values[:, 1])
    assert not np.array_equal(poisoned.values[300:, 0], panel.values[300:, 0])
    assert panel.values[300:].max() < 1e3, "the panel itself is left as it was"


# The newest row


def test_a_forecast_that_is_h_minus_1_rows_late_fails_and_the_first_step_to_move_is_named() -> None:
    found = check("newest_row", cheats.IsLate())
    assert (found.status, found.measured["moved"], found.measured["first_step_moved"]) == ("failed", 0, HORIZON)
    assert f"Step {HORIZON} is the first to move: step 1 has not seen the newest row" in found.meaning


def test_a_model_that_reads_every_third_row_fails_in_the_other_windows() -> None:
    panel = panel_of([waves(1).values[:, 0]] * 2)
    split = split_by_time(panel, HORIZON)
    origins = Origins(np.zeros(6, np.int64), np.arange(200, 206))
    found = audit_forecaster(
        cheats.StridesBy(), panel, origins, HORIZON, split.validation_end, options=AuditOptions(cutoffs=6)
    ).checks[1]
    assert (found.status, found.measured["moved"], found.measured["windows"]) == ("failed", 2, 6)
    assert "In 4 of 6 windows step 1 does not move" in found.meaning


def test_the_response_is_the_share_of_the_change_that_reaches_step_one() -> None:
    assert check("newest_row", cheats.Peer()).measured["response"] == pytest.approx(0.5, rel=1e-3)
    found = check("newest_row", cheats.Hardly())
    assert found.status == "passed"
    assert "That is next to nothing" in found.meaning


def test_a_failure_by_design_is_shown_and_does_not_count_once_it_is_expected() -> None:
    naive = BASELINES["seasonal_naive"](SEASON)
    assert not audit(naive).passed
    found = audit(naive, expected=("newest_row",))
    assert found.passed
    assert found.checks[1].verdict() == "failed as expected"
    assert "1 failed as expected" in found.summary()


def test_a_net_that_kept_the_seasonal_naive_forecast_is_not_blamed_for_it() -> None:
    panel = waves()
    split = split_by_time(panel, HORIZON)
    net = RecurrentForecaster(small_config(subtract="seasonal"))
    net.keep_best(net.prepare(panel, split)[2])
    origins = scoring_origins(split.validation_end, split.test_end, HORIZON)
    found = audit_net(net, panel, origins, split.validation_end, split, AuditOptions())
    assert found.passed
    assert (found.checks[1].status, found.checks[1].expected) == ("failed", True)


def test_windows_whose_newest_row_is_missing_cannot_tell() -> None:
    panel = waves(1)
    values = panel.values.copy()
    values[191:240] = np.nan
    assert check("newest_row", cheats.Peer(), with_values(panel, values)).status == "skipped"


# Covariates


def test_reading_a_past_covariate_beyond_the_origin_fails() -> None:
    found = check("past_covariates", cheats.ReadsPastCovariatesAhead())
    assert (found.status, found.measured["moved"]) == ("failed", 8)
    assert "themselves, one row late, missing values" in found.meaning
    assert check("past_covariates", cheats.Peer()).status == "passed"


def test_a_plan_read_at_its_own_step_passes_and_one_row_off_fails() -> None:
    found = check("future_covariates", cheats.Planned(), shop())
    assert (found.status, found.measured["steps_moved"], found.measured["astray"]) == ("passed", 3, 0)
    late = check("future_covariates", cheats.PlannedLate(), shop())
    assert late.status == "failed"
    assert "windows move with what is planned after their last step" in late.meaning
    early = check("future_covariates", cheats.PlannedEarly(), shop())
    assert early.status == "failed"
    assert "What is planned for step 1 moves step 2 and not its own" in early.meaning


def test_a_plan_that_is_not_used_is_said_to_be_so() -> None:
    found = check("future_covariates", cheats.Peer(), shop())
    assert (found.status, found.meaning) == ("passed", "They are not used: no step moves with what is planned.")


# Batches and other series


@pytest.mark.parametrize("cheat", [cheats.NormalisesOverTheBatch, cheats.RemembersTheLastCall])
def test_a_forecast_that_depends_on_the_windows_beside_it_fails(cheat: type[cheats.Peer]) -> None:
    found = check("batch", cheat())
    assert found.status == "failed"
    assert found.measured["largest"] > 0.01
    assert "more than rounding" in found.meaning


def test_a_forecaster_that_cannot_forecast_one_window_fails() -> None:
    panel = waves()
    split = split_by_time(panel, HORIZON)
    origins = scoring_origins(split.validation_end, split.test_end, HORIZON)
    found = audit_forecaster(cheats.WantsABatch(), panel, origins, HORIZON, split.validation_end)
    assert found.checks[4].status == "failed"
    assert "RuntimeError: more than 1 window wanted" in found.checks[4].meaning


def test_float32_rounding_passes_and_is_told() -> None:
    found = check("batch", cheats.Rounds())
    assert (found.status, found.measured["differing"] > 0) == ("passed", True)
    assert "are rounding" in found.meaning
    assert check("batch", cheats.Peer()).measured["largest"] == 0


def test_rounding_is_as_much_as_sums_in_another_order_can_differ() -> None:
    rng = np.random.default_rng(0)
    products = rng.normal(size=(200, TERMS)).astype(np.float32)
    products /= np.abs(products).sum(axis=1, keepdims=True)
    orders = [np.add.accumulate(each, axis=1)[:, -1] for each in (products, products[:, ::-1])]
    left, right = (total.astype(np.float64)[:, None, None, None] for total in orders)
    spread = np.ones((200, 1))
    assert (left != right).any()
    assert is_rounding(left, right, spread)
    assert not is_rounding(left, left + 2 * ROUNDOFF * (TERMS + 2), spread)


def test_reading_other_series_fails() -> None:
    found = check("other_series", cheats.ReadsOtherSeries())
    assert found.status == "failed"
    assert found.measured["moved"] == 6, "from the first two origins everything else was learnt from"
    assert check("other_series", cheats.Peer()).status == "passed"
    assert check("other_series", cheats.ReadsOtherSeries(), waves(1)).status == "skipped"


# Fitting


def test_scaling_with_the_test_part_fails() -> None:
    panel = waves()
    ends = split_by_time(panel, HORIZON).validation_end
    assert check("fitting", cheats.Centred(panel, ends), panel, refit=cheats.Centred).status == "passed"
    cheat = cheats.scaled_with_the_test_part(panel, ends)
    found = check("fitting", cheat, panel, refit=cheats.scaled_with_the_test_part)
    assert (found.status, found.measured["moved"]) == ("failed", 8)
    assert "Fit scalers on the training part" in found.meaning


def test_a_net_whose_scalers_see_the_test_part_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = waves()
    split = split_by_time(panel, HORIZON)
    from gatecast.forecaster import recurrent as module  # noqa: PLC0415

    honest = module.fit_scaling
    monkeypatch.setattr(module, "fit_scaling", lambda name, table, _ends: honest(name, table, table.lengths))
    net = RecurrentForecaster(small_config(subtract="none")).fit(panel, split)
    origins = scoring_origins(split.validation_end, split.test_end, HORIZON)
    found = audit_net(net, panel, origins, split.validation_end, split, AuditOptions())
    assert by_name(found)["fitting"] == "failed"


def test_a_fit_that_differs_from_itself_proves_nothing() -> None:
    rng = np.random.default_rng(0)

    def unseeded(panel: Panel, ends: np.ndarray) -> Forecaster:
        return cheats.Centred(panel, ends - rng.integers(1, 40))

    found = check("fitting", cheats.Peer(), refit=unseeded)
    assert found.status == "skipped"
    assert "two fits on the same table differ" in found.meaning


def test_a_fit_that_fails_on_a_poisoned_test_part_has_seen_it() -> None:
    def touchy(panel: Panel, ends: np.ndarray) -> Forecaster:
        if panel.values.max() > 1e6:
            raise FloatingPointError("the loss is inf")
        return cheats.Centred(panel, ends)

    assert check("fitting", cheats.Peer(), refit=touchy).status == "failed"


# Carried state, streams


def test_a_carried_state_that_drifts_fails() -> None:
    assert check("drift", cheats.Carries()).status == "passed"
    found = check("drift", cheats.Drifts())
    assert found.status == "failed"
    assert found.measured["rows"] == 4000
    assert found.measured["ratio_near"] < found.measured["ratio_far"]


def test_without_a_carried_state_there_is_nothing_to_drift() -> None:
    assert "no carried state" in check("drift", cheats.Peer()).meaning
    found = check("drift", cheats.CarriesNothing())
    assert (found.status, found.meaning) == ("skipped", "no carried state: this net reads windows.")
    assert check("drift", cheats.Carries(), context=1000).status == "skipped"


def test_a_continued_series_keeps_its_range_and_jumps_nowhere() -> None:
    panel = waves(2, past=1)
    trend = panel.values + np.linspace(0, 50, len(panel.values), dtype=np.float32)[:, None]
    long = continued(with_values(panel, trend), 1, 5000)
    assert (long.ids, long.lengths.tolist()) == (("s1",), [5000])
    assert (np.diff(long.times) == np.timedelta64(1, "h")).all()
    own = trend[240:]
    assert np.abs(np.diff(long.values, axis=0)).max() <= np.abs(np.diff(own, axis=0)).max() + 0.2
    assert np.ptp(long.values[:, 0]) < np.ptp(own[:, 0])
    np.testing.assert_allclose(closed(own)[[0, -1]], own[[0, 0]], rtol=1e-6)


def test_a_continued_series_ends_with_the_calendar() -> None:
    yearly = panel_from_arrays({"a": waves(1).values}, waves(1).columns, parse_frequency("1y"))
    long = continued(yearly, 0, 100_000)
    assert long.times[-1] < np.datetime64("9999-01-02")
    assert long.lengths[0] > 7000


@pytest.mark.parametrize(
    ("cheat", "status"),
    [(cheats.Streams, "passed"), (cheats.StreamsOtherwise, "failed"), (cheats.StreamsFromTheTable, "failed")],
)
def test_a_stream_that_differs_from_the_batch_fails(cheat: type[cheats.Streams], status: str) -> None:
    found = check("stream", cheat(), waves(1))
    assert found.status == status
    assert found.measured["rows"] == 42
    assert (found.measured["differing"] > 0) == (status == "failed")


def test_a_stream_that_raises_fails_with_what_it_raised() -> None:
    found = check("stream", cheats.StreamsUntilItBreaks(), waves(1))
    assert (found.status, found.meaning) == ("failed", "On the way it raised ZeroDivisionError: no rows yet")


def test_what_cannot_be_streamed_is_skipped_with_its_reason() -> None:
    assert (
        check("stream", cheats.StreamsNothing()).meaning == "it takes no single observations: this net reads windows."
    )


# Options, results, and the public function


def test_an_audit_can_be_read_as_text_table_and_json() -> None:
    found = audit(cheats.ReadsOneRowTooFar(), waves())
    told = str(found)
    assert told.startswith("peer: ")
    assert "failed: the future moves nothing (windows 8, moved 8, largest" in told
    frame = found.to_frame()
    assert frame.columns == ["check", "claim", "status", "measured", "meaning"]
    assert frame["check"].to_list() == list(CLAIMS)
    stored = json.loads(audit_to_json(found))
    assert stored["passed"] is False
    assert [each["status"] for each in stored["checks"]] == frame["status"].to_list()


@pytest.mark.parametrize(
    ("settings", "lesson"),
    [
        ({"cutoffs": 0}, "cutoffs counts from 1 up, got cutoffs=0"),
        ({"expected": ("newest",)}, "expected names checks, and there is none 'newest'; they are future, newest_row"),
    ],
)
def test_impossible_options_are_refused(settings: dict[str, object], lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        AuditOptions(**settings)  # type: ignore[arg-type]


def test_without_origins_there_is_nothing_to_audit() -> None:
    none = Origins(np.zeros(0, np.int64), np.zeros(0, np.int64))
    with pytest.raises(OptionError, match="needs origins to forecast from, got none"):
        audit_forecaster(cheats.Peer(), waves(), none, HORIZON, np.array([190, 190]))


def test_a_forecast_that_is_no_number_is_refused_as_in_a_backtest() -> None:
    class Nothing(cheats.Peer):
        def one(self, *_: object) -> np.ndarray:
            return np.array([np.nan])

    with pytest.raises(OptionError, match="peer returned NaN or infinity in window 0"):
        audit(Nothing())


def test_the_public_audit_takes_a_model_its_own_table_or_a_new_one() -> None:
    model = gc.fit(wave_table(ids=("a", "b")), **SMALL)
    found = gc.audit(model)
    assert found.passed, str(found)
    assert found == model.audit()
    assert by_name(found)["fitting"] == "passed"
    elsewhere = gc.audit(model, wave_table(220, ids=("a", "b")))
    assert elsewhere.passed, str(elsewhere)
    fitting = elsewhere.checks[-1]
    assert (fitting.status, fitting.meaning) == ("skipped", "this is another table than the one it was fitted on.")
    with pytest.raises(OptionError, match="a model knows its own horizon, columns and fit"):
        gc.audit(model, horizon=3)


def test_the_public_audit_takes_any_forecaster_and_any_table(tmp_path: Path) -> None:
    wave_table().write_csv(tmp_path / "waves.csv")
    table = gc.TableOptions(target=("y",), past=("x",))
    found = gc.audit(cheats.Peer(), tmp_path / "waves.csv", horizon=4, table=table, refit=cheats.Centred)
    assert found.passed
    assert by_name(found)["fitting"] == "passed"
    assert by_name(gc.audit(cheats.ReadsOneRowTooFar(), waves(), horizon=4))["future"] == "failed"


def test_what_cannot_be_audited_is_refused() -> None:
    with pytest.raises(OptionError, match=r"audit takes a model, or a forecaster .* got list"):
        gc.audit([1, 2])
    with pytest.raises(OptionError, match="the audit of a forecaster such as peer needs a table and horizon="):
        gc.audit(cheats.Peer(), waves())


def test_a_series_that_the_net_was_not_trained_on_is_scaled_by_the_first_origin_asked_for() -> None:
    model = gc.fit(wave_table(ids=("a", "b")), **SMALL)
    found = gc.audit(model, wave_table(220, ids=("a", "new")))
    assert found.passed, str(found)
    batch = next(each for each in found.checks if each.name == "batch")
    assert batch.verdict() == "failed as expected"
    assert "scaled by its rows before the first origin asked for" in batch.meaning


def test_a_net_on_many_series_is_audited_on_some_of_them() -> None:
    panel = waves(40, 120)
    split = split_by_time(panel, HORIZON)
    net = RecurrentForecaster(small_config()).fit(panel, split)
    origins = scoring_origins(split.validation_end, split.test_end, HORIZON)
    found = audit_net(net, panel, origins, split.validation_end, split, AuditOptions(cutoffs=2))
    assert found.passed, str(found)
    assert found.checks[0].measured["windows"] == 32
