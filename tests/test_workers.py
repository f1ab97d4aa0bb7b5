"""Several workers that train one net: the same losses as one worker, the same bits in each, whoever holds what."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from builders import small_config
from gatecast.data.sampling import MOST_SHUFFLED, Sampler
from gatecast.errors import OptionError
from gatecast.forecaster import Mode
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.training.group import ALONE, Alone, group_here
from gatecast.training.workers import BY_ITSELF, Held, Slice, Workers
from gloo_workers import Task, train_alone, train_together

SMALL = LayerConfig(hidden_size=8)
LONG = {"steps": 200, "evaluate_every": 25, "patience": 99}


@pytest.mark.parametrize("apart", [False, True], ids=["all_hold_the_table", "each_holds_its_series"])
@pytest.mark.parametrize("mode", ["windows", "sequences"])
def test_the_loss_curve_does_not_depend_on_the_number_of_workers(mode: Mode, apart: bool, tmp_path: Path) -> None:  # noqa: FBT001
    task = Task(small_config(mode=mode, **LONG), apart)
    alone = train_alone(task)
    assert len(alone.losses) == 200
    assert alone.losses[-1] < 0.7 * alone.losses[0], "it learns"
    for world in (2, 4):
        together = train_together(task, world, tmp_path)
        assert len({worker.weights for worker in together}) == 1, "every worker has the same bits"
        np.testing.assert_allclose(together[0].losses, alone.losses, rtol=0, atol=1e-5)
        np.testing.assert_allclose(together[0].validation, alone.validation, rtol=0, atol=1e-5)
        assert together[-1].scaling == alone.scaling, "each knows the scaling of all series, in their order"


@pytest.mark.parametrize("apart", [False, True], ids=["all_hold_the_table", "each_holds_its_series"])
@pytest.mark.parametrize("kind", ["windows", "ensemble", "dropout"])
def test_of_the_same_pieces_any_number_of_workers_makes_the_same_bits(kind: str, apart: bool, tmp_path: Path) -> None:  # noqa: FBT001
    task = Task(IN_PIECES[kind], apart, pieces=4)
    alone = train_alone(task)
    for world in (2, 4):
        for worker in train_together(task, world, tmp_path):
            assert worker.weights == alone.weights
            assert worker.losses == alone.losses
            assert worker.validation == alone.validation
    whole = train_alone(Task(IN_PIECES[kind], apart=False))
    if kind != "dropout":  # which draws its masks for each piece
        np.testing.assert_allclose(alone.losses, whole.losses, rtol=0, atol=1e-5)
    assert alone.weights != whole.weights, "pieces are summed in another order than a whole step"


@pytest.mark.parametrize("apart", [False, True], ids=["all_hold_the_table", "each_holds_its_series"])
def test_pieces_go_on_from_the_states_that_other_workers_left(apart: bool, tmp_path: Path) -> None:  # noqa: FBT001
    unbroken = train_alone(Task(IN_PIECES["ensemble"], apart, pieces=4))
    through = train_together(Task(IN_PIECES["ensemble"], apart, pieces=4, break_at=5), 2, tmp_path)
    assert {worker.weights for worker in through} == {unbroken.weights}


IN_PIECES = {
    "windows": small_config(),
    "ensemble": small_config(mode="sequences", network=NetworkConfig(layer=SMALL, ensemble=2)),
    "dropout": small_config(layer=LayerConfig(hidden_size=8, variational_dropout=0.2)),
}

KINDS = {
    "ensemble": small_config(mode="sequences", network=NetworkConfig(layer=SMALL, ensemble=2)),
    "embedding": small_config(network=NetworkConfig(layer=SMALL, embedding=2)),
    "point": small_config(network=NetworkConfig(layer=SMALL, loss="mse", ensemble=3)),
    "in_units_of_each_series": structs.replace(small_config(), loss_season=12),
    "fewer_streams_than_workers": small_config(mode="sequences", streams=2),
}


@pytest.mark.parametrize("apart", [False, True], ids=["all_hold_the_table", "each_holds_its_series"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_net_learns_the_same_among_others(kind: str, apart: bool, tmp_path: Path) -> None:  # noqa: FBT001
    task = Task(KINDS[kind], apart)
    alone, together = train_alone(task), train_together(task, 3, tmp_path)
    assert len({worker.weights for worker in together}) == 1
    np.testing.assert_allclose(together[0].losses, alone.losses, rtol=0, atol=1e-5)
    np.testing.assert_allclose(together[0].validation, alone.validation, rtol=0, atol=1e-5)


@pytest.mark.parametrize("apart", [False, True], ids=["all_hold_the_table", "each_holds_its_series"])
def test_states_of_all_workers_join_and_part_again_without_loss(apart: bool, tmp_path: Path) -> None:  # noqa: FBT001
    config, other = KINDS["ensemble"], tmp_path / "other"
    other.mkdir()
    unbroken = train_together(Task(config, apart), 2, tmp_path)
    through = train_together(Task(config, apart, break_at=5), 2, other)
    assert [worker.weights for worker in through] == [worker.weights for worker in unbroken]


@pytest.mark.parametrize("world", [1, 2, 3, 5, 8])
def test_every_item_of_a_step_is_read_by_exactly_one_worker(world: int) -> None:
    items = np.random.default_rng(world).integers(0, 40, size=17)
    slices = [Slice(rank, world).of(items) for rank in range(world)]
    assert np.concatenate(slices).tolist() == list(range(17))
    assert max(map(len, slices)) - min(map(len, slices)) <= 1, "slices are alike in size"
    ends = [0, *np.sort(np.random.default_rng(9).integers(0, 40, size=world - 1)).tolist(), 40]
    parts = [Held(first, last, first - 2) for first, last in pairwise(ends)]
    assert sorted(np.concatenate([part.of(items) for part in parts]).tolist()) == list(range(17))
    for part in parts:
        own = part.own(items[part.of(items)])
        assert ((own >= 2) & (own < 2 + part.last - part.first)).all()


def test_one_worker_reads_everything() -> None:
    numbers = np.arange(10)
    assert BY_ITSELF.parts(numbers)[0].of(numbers).tolist() == numbers.tolist()
    assert BY_ITSELF.joined(numbers) is numbers
    assert BY_ITSELF.names(("a", "b")) == ("a", "b")
    assert [some.tolist() for some in BY_ITSELF.some(numbers, 4)] == [[0, 3, 6, 9]]
    assert (ALONE.gather(3), ALONE.first(3)) == ([3], 3)


def test_pieces_that_workers_cannot_share_evenly_are_refused() -> None:
    three = Alone()
    three.world = 3
    with pytest.raises(OptionError, match=r"training.pieces=4 cannot be shared out evenly among 3 workers"):
        Workers(three, 4)


def test_a_process_that_nobody_started_into_a_group_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with group_here() as group:
        assert group is ALONE
    monkeypatch.setenv("WORLD_SIZE", "1")
    with group_here() as group:
        assert group is ALONE


def test_more_windows_than_can_be_shuffled_are_drawn() -> None:
    sampler = Sampler(10 * MOST_SHUFFLED, 64, seed=1)
    one, other = sampler.batch(7), sampler.batch(8)
    assert one.tolist() == Sampler(10 * MOST_SHUFFLED, 64, seed=1).batch(7).tolist()
    assert one.tolist() != other.tolist()
    assert one.max() > 5 * MOST_SHUFFLED
    assert sampler.steps_per_epoch == 10 * MOST_SHUFFLED // 64
    mean = np.mean([sampler.batch(step).mean() for step in range(200)]) / (10 * MOST_SHUFFLED)
    assert abs(mean - 0.5) < 5 / np.sqrt(12 * 64 * 200), "evenly over all of them"
