"""The recursion of causal features, row by row, against the whole table at once."""

import numpy as np
import pytest
import torch

from gatecast.data.causal import causal, covariate_places
from gatecast.data.causal_state import CausalState

RNG = np.random.default_rng(0)
ROWS = np.concatenate([RNG.normal(size=(200, 3)).cumsum(axis=0), np.ones((300, 3)), 1e3 * RNG.normal(size=(4500, 3))])
WHOLE = np.array([0, len(ROWS)])


@pytest.mark.parametrize("season", [1, 7])
def test_row_by_row_has_the_bits_of_the_whole_table(season: int) -> None:
    found = causal(ROWS, WHOLE, targets=2, season=season)
    state = CausalState.start(batch=1, channels=3, targets=2, season=season)
    for t, row in enumerate(torch.from_numpy(ROWS)):
        features, state = state.advance(row[None])
        assert np.array_equal(features[0].numpy(), found.features[t]), t
        assert np.array_equal(state.unit[0].numpy(), found.spread[t]), t


def test_series_of_different_ages_go_on_side_by_side() -> None:
    rows, young = torch.from_numpy(ROWS), CausalState.start(batch=1, channels=3, targets=3, season=7)
    old = young
    for t in range(20):
        _, old = old.advance(rows[t, None])
    pairs = zip(_parts(old), _parts(young), strict=True)
    both = CausalState(*(torch.cat(pair) for pair in pairs), targets=3)
    expected = causal(ROWS, np.array([0, 100, len(ROWS)]), targets=3, season=7).features
    for t in range(20, 100):
        features, both = both.advance(rows[[t, 80 + t]])
        assert np.array_equal(features.numpy(), expected[[t, 80 + t]])


def _parts(state: CausalState) -> list[torch.Tensor]:
    return [state.rows, state.fast, state.slow, state.spread, state.recent]


@pytest.mark.parametrize("season", [1, 7])
@pytest.mark.parametrize("rows", [1, 2, 5, 7, 50, 199, 3000])
def test_what_the_table_says_of_a_row_is_enough_to_go_on_from_it(season: int, rows: int) -> None:
    found = causal(ROWS, WHOLE, targets=2, season=season)
    own = [places for places in range(found.features.shape[1]) if places not in covariate_places(3, 2, season)]
    first = np.concatenate([found.features, found.spread], axis=1)[rows - 1]
    recent = ROWS[np.maximum(np.arange(rows - season, rows), 0), :2]
    state = CausalState.after(
        torch.from_numpy(recent)[None], torch.from_numpy(first)[None], torch.tensor([rows]), channels=3
    )
    for t in range(rows, rows + 30):
        features, state = state.advance(torch.from_numpy(ROWS[t : t + 1, :2]))
        np.testing.assert_allclose(features[0], found.features[t, own], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(state.unit[0], found.spread[t], rtol=1e-12)


@pytest.mark.parametrize("season", [1, 7])
def test_features_of_covariates_alone_are_those_that_targets_do_not_move(season: int) -> None:
    moved = ROWS.copy()
    moved[:, :2] = RNG.normal(size=(len(ROWS), 2))
    before, after = (causal(rows, WHOLE, targets=2, season=season).features for rows in (ROWS, moved))
    still = np.flatnonzero((before == after).all(axis=0))
    assert still.tolist() == covariate_places(3, 2, season)
