"""What an export is made of: functions of tensors that forecast as gatecast does, and refusals of what they cannot."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

import gatecast
from export_makers import CONFIGS, apart, forecast_of, model_of, model_with_everything, panel_of, small
from gatecast.artifact import About
from gatecast.errors import ArtifactError, DiskError, OptionError
from gatecast.exporting import graph_files, probing
from gatecast.exporting.covering import check_covered
from gatecast.exporting.graph import NEXT, STATE, Machine, Sequence, Step
from gatecast.exporting.graphs import Arrays, Run, checked, first_arrays, inputs_of, machine_of, stepped
from gatecast.exporting.probing import MOST_DIFFERENCE, difference, probe, told_by_gatecast
from gatecast.streaming.calendars import Calendars
from gatecast.streaming.clock import Clock
from gatecast.workflow import FitOptions, Model

GRAPHS = [kind for kind, config in CONFIGS.items() if config.network.loss not in ("normal", "mixture")]
ROWS = 44


def eagerly(machine: Machine, kind: type[Step] | type[Sequence] = Step) -> Run:
    """A graph, before it is traced."""
    module = kind(machine)

    def run(given: Arrays) -> Arrays:
        with torch.no_grad():
            found = module({name: torch.from_numpy(each) for name, each in given.items()})
        return {name: each.numpy() for name, each in found.items()}

    return run


@pytest.mark.parametrize("kind", GRAPHS)
def test_steps_of_tensors_forecast_what_the_whole_table_does(kind: str) -> None:
    model, panel = model_of(kind), panel_of(kind)
    machine, series = machine_of(model), len(panel.ids)
    run, shape, fitted = eagerly(machine), machine.shape, model.forecaster.fitted_
    clock = Clock(fitted.frequency, dated=True)
    calendars = Calendars(clock, None, machine.config.calendar, shape.calendar)
    state, found = first_arrays(machine, series), Arrays()
    for row in range(ROWS):
        places = panel.offsets[:-1] + row
        time = clock.read(panel.times[places[0]])
        given = {
            "centre": fitted.scaling.centre,
            "scale": fitted.scaling.scale,
            "identity": np.arange(series),
            "values": panel.values[places],
            "calendar": np.repeat(calendars.of([time]), series, axis=0),
            "calendar_ahead": np.repeat(calendars.after(time, shape.horizon)[None], series, axis=0),
        }
        found = run({name: given[name] for name in machine.inputs()} | state)
        state = {STATE + name.removeprefix(NEXT): each for name, each in found.items() if name.startswith(NEXT)}
    theirs = forecast_of(model, panel, ROWS)
    assert apart(model, found["mean"], theirs.mean) <= MOST_DIFFERENCE
    assert apart(model, found["quantiles"], theirs.quantiles) <= MOST_DIFFERENCE


def test_words_static_and_future_covariates_go_in_as_they_are() -> None:
    model = model_with_everything()
    machine = machine_of(model)
    assert list(machine.inputs()) == [
        "centre",
        "scale",
        "static",
        "identity",
        "values",
        "calendar",
        "future",
        "calendar_ahead",
    ]
    made = probe(model.forecaster, 2, 20)
    (theirs,) = told_by_gatecast(model.forecaster, model.calibration, made, [20])
    ours = stepped(machine, eagerly(machine), made)
    assert difference(model.forecaster, made, ours, theirs) <= MOST_DIFFERENCE


def test_the_check_sees_a_weight_that_is_off_by_a_thousandth() -> None:
    model = model_of("gru")
    machine = machine_of(model)
    weight = next(machine.network.encoder.layer.parameters())
    weight += 1e-3
    with pytest.raises(ArtifactError, match=r"the graph of one step differs from the model by .*: nothing was written"):
        checked(model, machine, eagerly(machine), eagerly(machine, Sequence))


def test_the_check_passes_both_graphs_of_the_model_itself() -> None:
    model = model_of("gru")
    machine = machine_of(model)
    told = checked(model, machine, eagerly(machine), eagerly(machine, Sequence))
    assert max(told["difference"].values()) <= MOST_DIFFERENCE
    assert [shape["rows"] for shape in told["shapes"]] == [17, 40]


def test_the_check_sees_nan() -> None:
    model = model_of("gru")
    made = probe(model.forecaster, 1, 10)
    (theirs,) = told_by_gatecast(model.forecaster, model.calibration, made, [10])
    wrong = theirs._replace(mean=np.full_like(theirs.mean, np.nan))
    assert difference(model.forecaster, made, wrong, theirs) == float("inf")


def test_nothing_is_written_where_the_check_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "MOST_DIFFERENCE", 0.0)
    with pytest.raises(ArtifactError, match="the runtime of numpy alone differs"):
        gatecast.export(model_of("gru"), tmp_path / "out", to="numpy")
    assert list(tmp_path.iterdir()) == []


def test_what_torch_cannot_trace_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise RuntimeError("an operator is missing\nand a thousand lines more")

    monkeypatch.setattr(graph_files, "traced", refuses)
    with pytest.raises(ArtifactError, match=r"cannot trace this net: an operator is missing\. Try to=numpy"):
        gatecast.export(model_of("gru"), tmp_path / "out", to="torch")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_taken_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(DiskError, match=r"cannot be written: it exists, with something in it\. Give another name"):
        gatecast.export(model_of("gru"), tmp_path / "out", to="numpy")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_model_folder_is_exported_as_the_model_is(tmp_path: Path) -> None:
    folder = gatecast.save(model_of("gru"), tmp_path / "model")
    one = gatecast.export(folder, tmp_path / "one", to="numpy")
    other = gatecast.export(model_of("gru"), tmp_path / "other", to="numpy")
    assert (one / "model.json").read_bytes() == (other / "model.json").read_bytes()
    manifest = msgspec.json.decode((folder / "model.json").read_bytes())
    assert msgspec.json.decode((one / "model.json").read_bytes())["weights_sha256"] == manifest["weights_sha256"]


@pytest.mark.parametrize(
    ("change", "to", "said"),
    [
        ({}, "tflite", "to='tflite' is no export; the exports are onnx, torch, numpy"),
        ({"decode": "recursive", "loss": "mse"}, "numpy", "decode=recursive cannot be exported to numpy.*--to onnx"),
        ({"decode": "recursive", "loss": "normal"}, "onnx", "read off sample paths.*gatecast serve"),
        ({"loss": "normal"}, "onnx", "loss=normal cannot be exported to onnx.*take --to numpy"),
        ({"loss": "student"}, "numpy", "loss=student cannot be exported to numpy"),
        ({"loss": "negative_binomial"}, "torch", "loss=negative_binomial cannot be exported to torch"),
    ],
)
def test_what_is_not_covered_is_refused_by_name(change: dict[str, str], to: str, said: str) -> None:
    model = with_network(model_of("gru"), **change)
    with pytest.raises(OptionError, match=said):
        check_covered(model, to)


def test_intervals_that_go_on_moving_are_refused() -> None:
    model = model_of("gru")
    moving = Model(model.forecaster, msgspec.structs.replace(model.options, adapt=True), 1, (), About())
    with pytest.raises(OptionError, match="adapt=True cannot be exported to numpy"):
        check_covered(moving, "numpy")


def with_network(model: Model, **change: str) -> Model:
    """The same with another configuration, which is all that is looked at."""
    from gatecast.forecaster import RecurrentForecaster  # noqa: PLC0415

    config = small(model.forecaster.config, steps=1)
    network = msgspec.structs.replace(config.network, **change)
    scaled = {"scaler": "none", "subtract": "none"} if network.loss == "negative_binomial" else {}
    forecaster = RecurrentForecaster(msgspec.structs.replace(config, network=network, **scaled))
    forecaster.fitted_ = model.forecaster.fitted_
    return Model(forecaster, FitOptions(), 1, (), About())


def test_rows_that_are_made_up_are_a_function_of_their_number() -> None:
    forecaster = model_of("gru").forecaster
    one, other = probe(forecaster, 2, 30), probe(forecaster, 2, 30)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))
    assert 0.02 < np.isnan(one.values).mean() < 0.2
    assert inputs_of(machine_of(model_of("gru")), one)["values"].shape == (2, 30, 3)
