"""Many nets trained at once: each ends as it does alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec
import pytest
import torch
from torch.testing import assert_close

from builders import small_config, waves
from gatecast.data.splits import split_by_time
from gatecast.errors import OptionError
from gatecast.forecaster import ForecasterConfig, Mode, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.ensemble import build_network
from gatecast.models.losses import LossName
from gatecast.models.network import RecurrentNetwork
from gatecast.models.passing import outputs_at
from gatecast.models.stack import repeat_net, stack_nets
from gatecast.models.stack_passing import outputs_of
from gatecast.nn import LayerConfig
from gatecast.nn.config import CellName
from gatecast.training.loop import TrainingState, train
from gatecast.training.many import Learner, ManyState, NetLook, train_many
from gatecast.training.optimiser import EPSILON
from gatecast.training.stackable import course_with

STEPS = 12
Trials = Sequence[Mapping[str, object]]

TRIALS: Trials = (
    {"seed": 0, "learning_rate": 2e-3},
    {"seed": 1, "learning_rate": 1e-2, "weight_decay": 0.1},
    {"seed": 2, "learning_rate": 5e-3, "clip_norm": 0.05, "optimiser": "adam", "weight_decay": 1e-3},
    {"seed": 3, "learning_rate": 5e-3, "batch_size": 7, "schedule": "constant"},
)
FURTHEST = STEPS * 1e-2 * torch.finfo(torch.float64).eps * 1e3 / EPSILON
"""What rounding may do to a weight: Adam divides the error of a gradient, some hundred roundings, by 1e-8 at least."""


def learners(config: ForecasterConfig, trials: Trials = TRIALS) -> list[Learner]:
    """Nets of one shape over one table, in float64, so that rounding cannot hide a fault."""
    panel = waves(rows=300)
    forecaster = RecurrentForecaster(config)
    network, course, _ = forecaster.prepare(panel, split_by_time(panel, config.horizon))
    tensors = replace(course.tensors, table=course.tensors.table.double(), weight=course.tensors.weight.double())
    course = replace(course, tensors=tensors)
    found = []
    for trial in trials:
        training = msgspec.structs.replace(config.training, **trial)
        net = build_network(config.network, network.sizes, training.seed)
        assert isinstance(net, RecurrentNetwork)
        found.append(Learner(net.double(), course_with(course, training), training))
    return found


def alone(learner: Learner) -> tuple[TrainingState, list[float]]:
    """The same net trained by the loop of one net, and its validation losses."""
    net = build_network(learner.net.config, learner.net.sizes).double()
    net.load_state_dict(learner.net.state_dict())
    state = TrainingState(net, learner.config)
    seen = [record.validation for record in train(net, learner.course, learner.config, state)]
    return state, [loss for loss in seen if loss is not None]


def looks_of(net: int, looks: list[tuple[NetLook, ...]]) -> list[float]:
    return [look.validation for each in looks for look in each if look.net == net]


def assert_each_ends_as_alone(config: ForecasterConfig, trials: Trials = TRIALS) -> None:
    many = learners(config, trials)
    state = ManyState(many)
    looks = list(train_many(state))
    for number, learner in enumerate(many):
        single, losses = alone(learner)
        assert_close(looks_of(number, looks), losses, rtol=FURTHEST, atol=FURTHEST)
        assert state.best_step[number] == single.best_step
        best = state.best(number)
        assert set(best) == set(single.best_weights)
        for name, weight in single.best_weights.items():
            assert_close(best[name], weight, rtol=FURTHEST, atol=FURTHEST)
            assert not torch.equal(weight, learner.net.state_dict()[name]) or single.best_step == 0


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "mingru", "slstm"])
@pytest.mark.parametrize("mode", ["windows", "sequences"])
def test_a_net_among_others_ends_as_it_does_alone(cell: CellName, mode: Mode) -> None:
    assert_each_ends_as_alone(small_config(layer=LayerConfig(cell=cell, hidden_size=5), mode=mode, steps=STEPS))


@pytest.mark.parametrize("loss", ["mse", "normal", "mixture", "student"])
def test_it_does_so_for_every_kind_of_loss(loss: LossName) -> None:
    network = NetworkConfig(layer=LayerConfig(hidden_size=4), loss=loss)
    assert_each_ends_as_alone(small_config(network=network, steps=STEPS))


def test_nets_that_run_out_of_patience_leave_and_the_others_end_as_they_do_alone() -> None:
    trials: Trials = ({"learning_rate": 0.5, "patience": 1}, {"seed": 1}, {"seed": 2, "steps": 7})
    many = learners(small_config(steps=STEPS, evaluate_every=2), trials)
    state = ManyState(many)
    looks = list(train_many(state))
    taken = [max(look.step for each in looks for look in each if look.net == net) for net in range(3)]
    assert taken[0] < STEPS, "the first trial has to get worse for this test to tell anything"
    assert taken == [alone(learner)[0].step for learner in many] == [taken[0], STEPS, 7]
    for number, learner in enumerate(many[1:], start=1):
        single, losses = alone(learner)
        assert_close(looks_of(number, looks), losses, rtol=FURTHEST, atol=FURTHEST)
        assert state.best_step[number] == single.best_step


def test_a_net_that_is_dropped_keeps_its_best_weights_and_the_others_go_on() -> None:
    many = learners(small_config(steps=STEPS))
    unbroken, pruned = ManyState(many), ManyState(many)
    whole = list(train_many(unbroken))
    looks = []
    for seen in train_many(pruned):
        looks.append(seen)
        if seen[0].step == 4:
            kept = pruned.best(1)
            pruned.drop([1])
    assert looks_of(1, looks) == looks_of(1, whole)[:1]
    assert all(torch.equal(weight, kept[name]) for name, weight in pruned.best(1).items())
    for number in (0, 2, 3):
        assert_close(looks_of(number, looks), looks_of(number, whole), rtol=FURTHEST, atol=FURTHEST)


def test_a_net_that_loses_its_way_keeps_what_it_had_and_the_others_go_on() -> None:
    # Of a net whose errors no float holds, the gradient is no number from the start.
    many = learners(small_config(network=NetworkConfig(layer=LayerConfig(hidden_size=4), loss="mse"), steps=STEPS))
    with torch.no_grad():
        next(many[2].net.decoder.parameters()).fill_(1e200)
    state = ManyState(many)
    looks = list(train_many(state))
    assert state.lost == {2: 1}
    assert {look.net for each in looks for look in each} == {0, 1, 3}
    assert_close(looks_of(0, looks), alone(many[0])[1], rtol=FURTHEST, atol=FURTHEST)


def test_losses_and_gradients_of_a_stack_are_those_of_its_nets() -> None:
    many = learners(small_config(layer=LayerConfig(cell="lstm", hidden_size=5)))
    state = ManyState(many)
    losses, _ = state.lessons.losses(state.stack, state.inside, 0, ())
    (gradient,) = torch.autograd.grad(losses.sum(), state.stack.weights)
    for number, learner in enumerate(many):
        loss, _ = learner.course.loss(learner.net, 0, ())
        own = torch.autograd.grad(loss, list(learner.net.parameters()))
        assert_close(losses[number], loss, rtol=1e-12, atol=1e-12)
        assert_close(gradient[number], torch.cat([part.flatten() for part in own]), rtol=1e-10, atol=1e-12)
        assert float(gradient[number].norm()) > 0


@pytest.mark.parametrize("cell", ["gru", "lstm", "mingru"])
def test_kernels_give_a_stack_the_gradients_of_its_nets(cell: CellName) -> None:
    config = small_config(layer=LayerConfig(cell=cell, hidden_size=5))
    panel = waves(rows=300)
    network, course, _ = RecurrentForecaster(config).prepare(panel, split_by_time(panel, config.horizon))
    assert isinstance(network, RecurrentNetwork)
    nets = [network, *(build_network(config.network, network.sizes, seed) for seed in (1, 2))]
    singles = [net for net in nets if isinstance(net, RecurrentNetwork)]
    state = ManyState([Learner(net, course, config.training) for net in singles])
    losses, _ = state.lessons.losses(state.stack, state.inside, 0, ())
    (gradient,) = torch.autograd.grad(losses.sum(), state.stack.weights)
    for number, net in enumerate(singles):
        loss, _ = course.loss(net, 0, ())
        own = torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(net.parameters()))])
        assert_close(losses[number], loss, rtol=1e-5, atol=1e-6)
        assert_close(gradient[number], own, rtol=1e-4, atol=1e-5 * float(own.abs().max()))


def test_a_net_rebuilt_from_its_slice_of_the_stack_forecasts_the_same() -> None:
    many = learners(small_config(steps=STEPS))
    state = ManyState(many)
    list(train_many(state))
    stack = stack_nets([learner.net for learner in many])
    stack.weights = state.best_weights
    stack.train(mode=False)
    course = many[0].course
    batch = course.tensors.gather(course.validation.repeat(len(many), 1))
    forecasts = stack.forecasts(batch)
    for number, learner in enumerate(many):
        learner.net.load_state_dict(state.best(number))
        own = learner.net.eval()(course.tensors.gather(course.validation))
        assert_close(forecasts[number], own, rtol=1e-10, atol=1e-12)
    assert not torch.allclose(forecasts[0], forecasts[1])


def test_one_pass_of_a_stack_reads_out_what_each_net_reads_out_alone() -> None:
    many = learners(small_config(mode="sequences"))
    stack, course = stack_nets([learner.net for learner in many]), many[0].course
    stack.train(mode=False)
    series = [course.validation[course.validation[:, 0] == number][:9] for number in (0, 1, 1)]
    both = torch.cat([series[0][:4], series[1][:5]])  # a net that reads two series among nets that read one
    places = torch.stack([series[0], both, *series[1:]])
    outputs = outputs_of(stack, course.tensors, places)
    for number, learner in enumerate(many):
        own = outputs_at(learner.net.eval(), course.tensors, places[number])
        assert_close(outputs[number], own, rtol=1e-10, atol=1e-12)


def test_a_net_repeated_is_a_stack_of_its_copies() -> None:
    net = learners(small_config())[1].net
    stack = repeat_net(net, 3)
    assert len(stack) == 3
    for row in stack.weights:
        assert all(torch.equal(weight, net.state_dict()[name]) for name, weight in stack.weights_of(row).items())


def test_what_cannot_be_trained_at_once_is_refused() -> None:
    many = learners(small_config(steps=STEPS))

    def refused(reason: str, changed: list[Learner]) -> None:
        with pytest.raises(OptionError, match=reason):
            ManyState(changed)

    def other(**settings: object) -> list[Learner]:
        config = msgspec.structs.replace(many[0].config, **settings)
        return [many[0]._replace(config=config), *many[1:]]

    refused("got none: give one at least", [])
    refused("share training.evaluate_every, got 3, 4: train those", other(evaluate_every=3))
    refused("training.budget='60s' needs a loop of its own", other(budget="60s"))
    refused("training.free_running=2 needs a loop of its own", other(free_running=2))
    refused("on one table and in one mode", [many[0], *learners(small_config(steps=STEPS))[1:]])
    wide = learners(small_config(layer=LayerConfig(hidden_size=9)))[0].net
    refused("net 1 has another config or other sizes than net 0", [many[0], many[1]._replace(net=wide)])
    noisy = NetworkConfig(layer=LayerConfig(hidden_size=4), output_dropout=0.1)
    refused("dropout, zoneout .* needs a loop of its own", learners(small_config(network=noisy)))
