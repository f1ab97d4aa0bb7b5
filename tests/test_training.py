"""Training: the same arithmetic as torch.optim, the same result again, and resumed = unbroken."""

import itertools
import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from builders import poisoned, small_config, waves
from gatecast.data.splits import Split, split_by_time
from gatecast.errors import ArtifactError, OptionError, TrainingError
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.network import RecurrentNetwork
from gatecast.nn import LayerConfig
from gatecast.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from gatecast.training.config import TrainingConfig
from gatecast.training.interrupt import stop_on_interrupt
from gatecast.training.log import StepLog, TensorBoardLog, read_steps
from gatecast.training.loop import StepRecord, train
from gatecast.training.optimiser import Adam, clip, flat, learning_rate

DROPOUT = LayerConfig(hidden_size=8, num_layers=2, dropout=0.3)


def weights(network: RecurrentNetwork) -> dict[str, torch.Tensor]:
    return dict(network.state_dict())


def assert_same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    assert left.keys() == right.keys()
    for name, tensor in left.items():
        torch.testing.assert_close(tensor, right[name], rtol=0, atol=0)


def run(config: ForecasterConfig) -> tuple[RecurrentNetwork, list[StepRecord]]:
    panel = waves()
    network, course, state = RecurrentForecaster(config).prepare(panel, split_by_time(panel, 6))
    return network, list(train(network, course, config.training, state))


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam_takes_the_steps_of_torch_optim(*, decoupled: bool, weight_decay: float) -> None:
    torch.manual_seed(0)
    start = [torch.randn(4, 3, dtype=torch.float64), torch.randn(5, dtype=torch.float64)]
    ours = [torch.nn.Parameter(p.clone()) for p in start]
    theirs = [torch.nn.Parameter(p.clone()) for p in start]
    oracle_class = torch.optim.AdamW if decoupled else torch.optim.Adam
    oracle = oracle_class(theirs, lr=0.01, weight_decay=weight_decay)
    adam = Adam(ours, weight_decay=weight_decay, decoupled=decoupled)
    for number in range(1, 51):
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = torch.sin(mine.detach() * number)
            other.grad = torch.sin(other.detach() * number)
        adam.step(adam.gradient(), number, 0.01)
        oracle.step()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("most", [0.5, 1e6])
def test_gradient_clipping_is_that_of_torch(most: float) -> None:
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.zeros(shape)) for shape in ((4, 3), (7,), (2, 2, 2))]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    gradient = flat(parameter.grad for parameter in parameters)
    norm = clip(gradient, most)
    assert norm == pytest.approx(float(torch.nn.utils.clip_grad_norm_(parameters, most)), rel=1e-6)
    torch.testing.assert_close(gradient, flat(parameter.grad for parameter in parameters), rtol=1e-5, atol=0)


def test_the_cosine_schedule_warms_up_peaks_once_and_ends_at_a_hundredth() -> None:
    config = TrainingConfig(steps=1000, learning_rate=0.1)
    rates = [learning_rate(config, step) for step in range(config.steps)]
    assert max(rates) == pytest.approx(0.1)
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(0.001, rel=0.01)


def test_training_lowers_the_loss_below_the_naive_forecast_it_starts_from() -> None:
    config = small_config(steps=150, learning_rate=0.01, evaluate_every=50)
    panel = waves()
    network, course, state = RecurrentForecaster(config).prepare(panel, split_by_time(panel, 6))
    first = next(iter(train(network, course, config.training, state)))
    untrained = state.best_validation
    list(train(network, course, config.training, state))
    assert first.loss > 0
    assert state.best_validation < 0.5 * untrained


@pytest.mark.parametrize("layer", [LayerConfig(hidden_size=8), DROPOUT])
def test_the_same_seed_gives_the_same_net_bit_for_bit(layer: LayerConfig) -> None:
    first, records = run(small_config(layer=layer))
    torch.manual_seed(999)
    second, again = run(small_config(layer=layer))
    assert records == again
    assert_same(weights(first), weights(second))


def test_another_seed_gives_another_net() -> None:
    first, _ = run(small_config())
    second, _ = run(small_config(seed=1))
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_training_leaves_the_callers_random_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(small_config(layer=DROPOUT))
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


@pytest.mark.parametrize("layer", [LayerConfig(hidden_size=8), DROPOUT])
@pytest.mark.parametrize("broken_at", [4, 7])
def test_resumed_run_equals_unbroken_run(tmp_path: Path, layer: LayerConfig, broken_at: int) -> None:
    config = small_config(layer=layer)
    panel = waves()
    split = split_by_time(panel, 6)
    network, course, state = RecurrentForecaster(config).prepare(panel, split)
    unbroken = list(train(network, course, config.training, state))

    stopped, course, stopped_state = RecurrentForecaster(config).prepare(panel, split)
    for record in train(stopped, course, config.training, stopped_state):
        if record.step == broken_at:
            break
    path = save_checkpoint(tmp_path, stopped, stopped_state)

    resumed, course, resumed_state = RecurrentForecaster(config).prepare(panel, split)
    load_checkpoint(path, resumed, resumed_state)
    assert list(train(resumed, course, config.training, resumed_state)) == unbroken[broken_at:]
    assert_same(weights(network), weights(resumed))
    assert_same(state.best_weights, resumed_state.best_weights)
    assert (state.best_step, state.best_validation) == (resumed_state.best_step, resumed_state.best_validation)


def test_only_the_newest_two_checkpoints_are_kept(tmp_path: Path) -> None:
    config = small_config()
    panel = waves()
    network, course, state = RecurrentForecaster(config).prepare(panel, split_by_time(panel, 6))
    for _ in train(network, course, config.training, state):
        save_checkpoint(tmp_path, network, state)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000011.safetensors", "step-00000012.safetensors"]


def test_a_damaged_checkpoint_or_that_of_another_net_is_refused(tmp_path: Path) -> None:
    panel = waves()
    split = split_by_time(panel, 6)
    network, _, state = RecurrentForecaster(small_config()).prepare(panel, split)
    path = save_checkpoint(tmp_path, network, state)
    other, _, other_state = RecurrentForecaster(small_config(layer=DROPOUT)).prepare(panel, split)
    with pytest.raises(ArtifactError, match="belongs to another net"):
        load_checkpoint(path, other, other_state)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ArtifactError, match=r"is damaged: .*Remove it to go on from the one before"):
        load_checkpoint(path, network, state)


def test_states_carried_by_many_nets_come_back_in_their_order(tmp_path: Path) -> None:
    network = NetworkConfig(layer=LayerConfig(cell="lstm", hidden_size=4), ensemble=6)
    config, panel = small_config(mode="sequences", network=network), waves()
    nets, course, state = RecurrentForecaster(config).prepare(panel, split_by_time(panel, 6))
    next(iter(train(nets, course, config.training, state)))
    path, carried = save_checkpoint(tmp_path, nets, state), state.carried
    load_checkpoint(path, nets, state)
    assert len(carried) == 12, "more than ten, so that names in the order of the alphabet are out of order"
    assert all(torch.equal(one, other) for one, other in zip(carried, state.carried, strict=True))


@pytest.mark.parametrize("poison", [np.nan, 1e9])
def test_training_never_sees_the_test_part(poison: float) -> None:
    panel = waves(past=1)
    split = split_by_time(panel, 6)
    clean = RecurrentForecaster(small_config()).fit(panel, split)
    dirty = RecurrentForecaster(small_config()).fit(poisoned(panel, split.validation_end, poison), split)
    assert_same(weights(clean.network_), weights(dirty.network_))


def test_the_validation_part_chooses_the_weights_but_moves_none() -> None:
    panel = waves()
    split = split_by_time(panel, 6)
    config = small_config(patience=100)
    dirty = poisoned(panel, split.train_end, 1e3)
    runs = []
    for data in (panel, dirty):
        network, training, state = RecurrentForecaster(config).prepare(data, split)
        losses = [record.loss for record in train(network, training, config.training, state)]
        runs.append((losses, weights(network)))
    assert runs[0][0] == runs[1][0]
    assert_same(runs[0][1], runs[1][1])


def test_early_stopping_waits_for_its_patience_and_keeps_the_best_weights() -> None:
    config = small_config(steps=500, learning_rate=1.0, patience=2)
    panel = waves()
    forecaster = RecurrentForecaster(config)
    network, course, state = forecaster.prepare(panel, split_by_time(panel, 6))
    records = list(train(network, course, config.training, state))
    assert records[-1].step == state.best_step + 2 * config.training.evaluate_every
    assert records[-1].step < 500
    forecaster.keep_best(state)
    assert_same(weights(forecaster.network_), state.best_weights)


def test_a_loss_that_is_not_a_number_stops_with_advice() -> None:
    panel = waves()
    config = small_config()
    network, course, state = RecurrentForecaster(config).prepare(panel, split_by_time(panel, 6))
    with torch.no_grad():
        network.decoder.context.weight.fill_(math.inf)
    with pytest.raises(TrainingError, match=r"Lower training\.learning_rate"):
        list(train(network, course, config.training, state))


@pytest.mark.parametrize(
    ("setting", "lesson"),
    [
        ({"steps": 0}, r"training\.steps counts from 1 up, got 0"),
        ({"learning_rate": float("nan")}, r"training\.learning_rate must be above 0 and at most 1e\+30, got nan"),
        ({"weight_decay": -1.0}, r"training\.weight_decay must be from 0 to 100, got -1"),
        ({"seed": -1}, r"training\.seed must not be below 0"),
    ],
)
def test_an_impossible_training_setting_is_refused(setting: dict[str, float], lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        TrainingConfig(**setting)


def test_the_step_log_survives_a_cut_line_and_drops_what_a_resume_will_repeat(tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    records = [StepRecord(step, step / 10, 0.5, 1e-3, 1.0) for step in range(1, 6)]
    with closing(StepLog(path)) as log:
        for record in records:
            log.write(record)
    path.write_bytes(path.read_bytes()[:-5])
    assert read_steps(path) == records[:4]
    with closing(StepLog(path, resumed_at=2)) as log:
        log.write(records[2])
    assert read_steps(path) == records[:3]


def test_the_step_log_ends_where_a_power_cut_left_zeros(tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    record = StepRecord(1, 0.1, 0.5, 1e-3, 1.0)
    with closing(StepLog(path)) as log:
        log.write(record)
    line = path.read_bytes()
    path.write_bytes(line + bytes(len(line)) + line)
    assert read_steps(path) == [record]


def test_a_damaged_line_in_the_log_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    path.write_bytes(b'{"step": 1, "epoch"\n')
    with pytest.raises(ArtifactError, match=r"steps\.jsonl is damaged .* Remove it"):
        read_steps(path)


def test_a_checkpoint_from_before_any_finite_validation_loss_is_restored(tmp_path: Path) -> None:
    panel = waves()
    network, _, state = RecurrentForecaster(small_config()).prepare(panel, split_by_time(panel, 6))
    assert math.isinf(state.best_validation)
    path = save_checkpoint(tmp_path, network, state)
    state.best_validation = 1.0
    load_checkpoint(path, network, state)
    assert math.isinf(state.best_validation)


def test_first_interrupt_asks_and_second_interrupts() -> None:
    with stop_on_interrupt() as flag:
        os.kill(os.getpid(), signal.SIGINT)
        assert flag.stopped
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    seen = []

    def body() -> None:
        with stop_on_interrupt() as flag:
            seen.append(flag.stopped)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [False]


def test_tensorboard_files_hold_scalars_and_histograms(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    config = small_config(steps=32)
    panel = waves()
    network, course, state = RecurrentForecaster(config).prepare(panel, split_by_time(panel, 6))
    log = TensorBoardLog(tmp_path, histograms_every=4)
    records = list(train(network, course, config.training, state))
    for record in records:
        log.write(record, network)
    log.close()
    events = accumulator.EventAccumulator(str(tmp_path))
    events.Reload()
    tags = events.Tags()
    assert {"loss/step", "loss/epoch", "loss/validation", "learning_rate", "gradient_norm"} <= set(tags["scalars"])
    assert [e.value for e in events.Scalars("loss/step")] == pytest.approx([r.loss for r in records])
    names = {name for name, _ in network.named_parameters()}
    assert {f"weights/{name}" for name in names} <= set(tags["histograms"])
    assert {f"gradients/{name}" for name in names} <= set(tags["histograms"])


def test_the_first_training_step_does_not_import_the_compiler() -> None:
    code = """
        import sys
        from builders import small_config, waves
        from gatecast.data.splits import split_by_time
        from gatecast.forecaster import RecurrentForecaster
        RecurrentForecaster(small_config()).fit(waves(), split_by_time(waves(), 6))
        print(", ".join(name for name in ("torch._dynamo", "statsmodels", "matplotlib") if name in sys.modules))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("\n", "")


def test_a_split_that_leaves_no_room_names_what_is_missing() -> None:
    panel = waves(rows=60)
    split = Split(np.array([20, 20]), np.array([40, 40]), np.array([60, 60]))
    with pytest.raises(ValueError, match="lookback=24 and horizon=6 need at least 30 rows"):
        RecurrentForecaster(small_config()).prepare(panel, split)


def test_configs_survive_json() -> None:
    config = small_config(layer=DROPOUT, seed=7)
    assert msgspec.json.decode(msgspec.json.encode(config), type=ForecasterConfig) == config


@pytest.mark.parametrize(("said", "meant"), [("60s", 60), ("5min", 300), ("1.5h", 5400), (90, 90), ("2 m", 120)])
def test_a_time_budget_is_read_as_people_say_it(said: str | float, meant: float) -> None:
    assert TrainingConfig(budget=said).most_seconds == meant


@pytest.mark.parametrize("said", ["", "soon", "-5s", "0", "5 days", "nan"])
def test_a_time_budget_that_is_no_time_is_refused(said: str) -> None:
    with pytest.raises(OptionError, match="a time budget is a number above 0 with s, min or h"):
        TrainingConfig(budget=said)


def test_training_ends_within_its_budget_after_a_last_look(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr("gatecast.training.loop.time.perf_counter", lambda: 0.25 * next(ticks))
    config = small_config(budget="20s", steps=5, evaluate_every=7, patience=1000)
    panel = waves()
    network, course, state = RecurrentForecaster(config).prepare(panel, split_by_time(panel, 6))
    records = list(train(network, course, config.training, state))
    assert 20 * 0.9 < 0.25 * (next(ticks) - 1) / 2 <= 20, "half of the ticks lie between a start and an end"
    assert len(records) > 5, "steps do not limit a run with a budget"
    assert records[-1].validation is not None
    assert [r.validation is not None for r in records[:-1]] == [r.step % 7 == 0 for r in records[:-1]]
    assert records[-1].learning_rate < 0.05 * max(r.learning_rate for r in records)


def test_a_resumed_run_has_what_is_left_of_its_budget(tmp_path: Path) -> None:
    config = small_config(budget="1h")
    panel = waves()
    network, _, state = RecurrentForecaster(config).prepare(panel, split_by_time(panel, 6))
    state.seconds = 1234.5
    path = save_checkpoint(tmp_path, network, state)
    other, _, other_state = RecurrentForecaster(config).prepare(panel, split_by_time(panel, 6))
    load_checkpoint(path, other, other_state)
    assert other_state.done(config.training) == 1234.5 / 3600
