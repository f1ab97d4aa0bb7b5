"""Windows and batches: where rows lie, and that none crosses a cutoff."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from builders import waves, with_values
from gatecast.data.filling import carry_forward
from gatecast.data.panel import Panel
from gatecast.data.sampling import Sampler
from gatecast.data.scalers import fit_scaling
from gatecast.data.splits import Origins
from gatecast.data.tabulating import Layout, panel_tensors
from gatecast.data.tensors import PanelTensors
from gatecast.data.windows import thin, windows_between
from gatecast.errors import OptionError, TooShortError

ZERO = np.array([0, 0])


def tensors_of(panel: Panel, lookback: int = 4, horizon: int = 3) -> PanelTensors:
    scaling = fit_scaling("none", panel, panel.lengths)
    return panel_tensors(panel, scaling, panel.static.astype(np.float64), Layout(lookback, horizon))


@given(lookback=st.integers(1, 30), horizon=st.integers(1, 20), start=st.integers(0, 60), end=st.integers(1, 100))
def test_windows_are_exactly_those_that_a_slow_loop_finds(lookback: int, horizon: int, start: int, end: int) -> None:
    panel = waves(rows=100)
    expected = [p for p in range(101) if p >= max(start, lookback) and p + horizon <= end]
    starts, ends = np.array([start, 0]), np.array([end, 0])
    if not expected:
        with pytest.raises(TooShortError):
            windows_between(panel, starts, ends, lookback, horizon)
        return
    found = windows_between(panel, starts, ends, lookback, horizon)
    assert found.position.tolist() == expected
    assert set(found.series.tolist()) == {0}


def test_windows_without_any_observed_target_are_left_out() -> None:
    panel = waves(series=1, rows=30)
    values = panel.values.copy()
    values[10:20] = np.nan
    found = windows_between(with_values(panel, values), np.array([0]), np.array([30]), lookback=2, horizon=3)
    assert not {10, 11, 17}.intersection(found.position.tolist())
    assert {9, 18}.issubset(found.position.tolist())


@pytest.mark.parametrize(("lookback", "horizon"), [(0, 3), (3, 0)])
def test_a_lookback_or_horizon_of_zero_is_refused(lookback: int, horizon: int) -> None:
    with pytest.raises(OptionError, match="count rows from 1 up"):
        windows_between(waves(), ZERO, np.array([99, 99]), lookback, horizon)


def test_thinning_keeps_both_ends() -> None:
    origins = Origins(np.zeros(1000, dtype=np.int64), np.arange(1000))
    assert len(thin(origins, 7)) == 7
    assert thin(origins, 7).position[[0, -1]].tolist() == [0, 999]


def test_a_gathered_batch_equals_a_slow_loop() -> None:
    panel = waves(series=2, rows=40, past=1)
    tensors = tensors_of(panel)
    origins = Origins(np.array([1, 0, 1]), np.array([4, 20, 37]))
    batch = tensors.gather(tensors.place(origins))
    for window, (series, position) in enumerate(zip(origins.series.tolist(), origins.position.tolist(), strict=True)):
        rows = panel.values[panel.rows(series)]
        np.testing.assert_array_equal(batch.past[window].numpy(), rows[position - 4 : position])
        np.testing.assert_array_equal(batch.actual[window].numpy(), rows[position : position + 3, :1])


PLACES = {
    "shorter than the lookback": ((1, 0, 2), (1, 20, 40)),
    "long enough": ((1, 0, 2), (4, 20, 40)),
    "neighbours": ((1, 1, 1, 1), (7, 8, 9, 10)),
    "one": ((2,), (40,)),
    "none": ((), ()),
    "two apart": ((0, 0), (7, 9)),
    "backwards": ((0, 0), (8, 7)),
    "the last of one and the first of the next": ((0, 1), (40, 0)),
}


@pytest.mark.parametrize("came", [True, False])
@pytest.mark.parametrize("where", list(PLACES))
def test_cutoffs_are_those_of_the_windows_at_the_same_places(where: str, *, came: bool) -> None:
    panel = waves(series=3, rows=40, targets=2, past=1)
    tensors = tensors_of(panel)
    series, positions = PLACES[where]
    places = tensors.place(Origins(np.array(series, dtype=np.int64), np.array(positions, dtype=np.int64)))
    found, expected = tensors.cutoffs(places, came=came), tensors.gather(places).cutoffs()
    for name in ("past", "spread", "known", "actual", "mask"):
        masked = torch.zeros_like(expected.actual)
        wanted = getattr(expected, name) if came or name not in {"actual", "mask"} else masked
        assert torch.equal(getattr(found, name), wanted), name


def test_a_window_beyond_the_end_has_a_calendar_but_no_actual() -> None:
    panel = waves(series=2, rows=40)
    tensors = tensors_of(panel)
    batch = tensors.gather(tensors.place(Origins(np.array([0]), np.array([40]))))
    assert batch.mask.sum() == 0
    inside = tensors_of(waves(series=2, rows=43))
    expected = inside.gather(inside.place(Origins(np.array([0]), np.array([40])))).known
    torch.testing.assert_close(batch.known, expected, rtol=0, atol=0)


def test_a_young_series_repeats_its_first_row_and_not_its_neighbour() -> None:
    panel = waves(series=2, rows=40)
    tensors = tensors_of(panel, lookback=10)
    batch = tensors.gather(tensors.place(Origins(np.array([1]), np.array([3]))))
    own = panel.values[panel.rows(1)][:3]
    np.testing.assert_array_equal(batch.past[0].numpy(), np.concatenate([np.repeat(own[:1], 7, axis=0), own]))


def test_missing_targets_are_masked_and_missing_inputs_carried_forward_with_a_flag() -> None:
    panel = waves(series=1, rows=20)
    values = panel.values.copy()
    values[[8, 9, 12]] = np.nan
    tensors = tensors_of(with_values(panel, values))
    batch = tensors.gather(tensors.place(Origins(np.array([0]), np.array([10]))))
    assert batch.past[0, :, 0].tolist() == values[[6, 7, 7, 7], 0].tolist()
    assert batch.observed[0, :, 0].tolist() == [1, 1, 0, 0]
    assert batch.mask[0, :, 0].tolist() == [1, 1, 0]


def test_carrying_forward_stops_at_the_series_border() -> None:
    values = np.array([[1.0], [np.nan], [np.nan], [2.0]])
    assert carry_forward(values, np.array([0, 2, 4])).ravel().tolist() == [1, 1, 0, 2]


def test_every_epoch_sees_every_window_once_and_batches_depend_on_seed_and_step_alone() -> None:
    sampler = Sampler(windows=103, batch_size=10, seed=3)
    epoch = np.concatenate([sampler.batch(step) for step in range(sampler.steps_per_epoch)])
    assert sorted(epoch.tolist()) == list(range(103))
    later = Sampler(windows=103, batch_size=10, seed=3).batch(17)
    assert later.tolist() == sampler.batch(17).tolist()
    assert sampler.batch(0).tolist() != sampler.batch(sampler.steps_per_epoch).tolist()
    assert sampler.batch(0).tolist() != Sampler(windows=103, batch_size=10, seed=4).batch(0).tolist()
