"""Splits and rolling origins: where the parts of a series end."""

import numpy as np
import pytest

from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import part_starts, rolling_origins, scoring_origins, split_by_time
from gatecast.errors import TooShortError


def panel(lengths: list[int], *, dated: bool = True) -> Panel:
    columns = Columns(target=("y",), id="unique_id", time="ds" if dated else None)
    series = {f"s{i}": np.arange(n, dtype=np.float32)[:, None] for i, n in enumerate(lengths)}
    return panel_from_arrays(series, columns, parse_frequency("1h" if dated else "row"))


def test_parts_are_whole_horizons_and_in_order() -> None:
    split = split_by_time(panel([100]), horizon=6)
    assert (split.train_end[0], split.validation_end[0], split.test_end[0]) == (64, 82, 100)


def test_dated_series_are_cut_at_the_same_date() -> None:
    split = split_by_time(panel([100, 90]), horizon=6)
    assert split.validation_end.tolist() == [82, 82]
    assert split.test_end.tolist() == [100, 90]


def test_numbered_series_are_cut_from_their_own_end() -> None:
    split = split_by_time(panel([100, 90], dated=False), horizon=6)
    assert split.validation_end.tolist() == [82, 72]


def test_numbered_series_of_very_different_lengths_are_all_cut() -> None:
    split = split_by_time(panel([2000, 80], dated=False), horizon=13)
    assert split.train_end.tolist() == [2000 - 2 * 390, 80 - 2 * 13]


def test_a_dated_series_that_starts_late_is_refused_with_the_reason() -> None:
    early = panel([100])
    late = Panel(
        columns=early.columns,
        frequency=early.frequency,
        ids=("s0", "s1"),
        offsets=np.array([0, 100, 140]),
        times=np.concatenate([early.times, early.times[60:]]),
        values=np.concatenate([early.values, early.values[60:]]),
        static=np.zeros((2, 0), dtype=np.float32),
    )
    with pytest.raises(TooShortError, match=r'of the 40 rows of series "s1" only 4 lie before'):
        split_by_time(late, horizon=6)


def test_a_short_series_is_refused_by_name() -> None:
    with pytest.raises(TooShortError, match=r'series "s1" has 30\. .* min_rows=48'):
        split_by_time(panel([100, 30], dated=False), horizon=12)


@pytest.mark.parametrize("dated", [True, False])
def test_without_a_test_part_every_row_is_learnt_from_or_chosen_by(*, dated: bool) -> None:
    table = panel([100, 90], dated=dated)
    split = split_by_time(table, horizon=6, test=0.0)
    assert split.validation_end.tolist() == split.test_end.tolist() == [100, 90]
    assert split.train_end.tolist() == ([82, 82] if dated else [82, 72])
    validation, test = part_starts(table, split)
    assert (validation, test) == ((table.times[82], table.times[99] + np.timedelta64(1, "h")) if dated else (82, 100))


def test_without_a_test_part_three_horizons_are_enough() -> None:
    assert split_by_time(panel([9]), horizon=3, test=0.0).train_end.tolist() == [6]
    with pytest.raises(TooShortError, match=r"horizon=3 needs at least 9 rows .two horizons to train on, one to"):
        split_by_time(panel([8]), horizon=3, test=0.0)


def test_last_origin_forecasts_the_last_rows_and_first_stays_inside() -> None:
    origins = rolling_origins(np.array([80]), np.array([100]), horizon=6, stride=6)
    assert origins.position.tolist() == [82, 88, 94]


def test_most_keeps_the_latest_origins() -> None:
    origins = rolling_origins(np.array([80, 50]), np.array([100, 90]), horizon=6, stride=1, most=2)
    assert origins.series.tolist() == [0, 0, 1, 1]
    assert origins.position.tolist() == [93, 94, 83, 84]


def test_few_windows_are_spread_closer_but_stay_in_the_test_part() -> None:
    origins = scoring_origins(np.array([96]), np.array([144]), horizon=12)
    assert origins.position.tolist() == list(range(96, 133, 3))
    assert len(scoring_origins(np.array([100]), np.array([400]), horizon=12)) == 25
    assert len(scoring_origins(np.array([96]), np.array([144]), horizon=12, most=2)) == 2
