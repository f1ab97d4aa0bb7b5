"""Options: the same names in Python, in flags and in TOML, and an answer to every wrong one."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatecast.cli.flags import JudgingFlags, NetFlags, TableFlags, TrainingFlags
from gatecast.errors import OptionError
from gatecast.evaluation.baselines.catalogue import BASELINES
from gatecast.workflow.options import SHORT_NAMES, FitOptions, all_settings, build_options, flatten


def toml(folder: Path, text: str) -> Path:
    path = folder / "fit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_said_goes_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    file = toml(tmp_path, "horizon = 12\n[training]\nsteps = 100\nseed = 5\n")
    options = build_options({"steps": 7}, file)
    assert (options.horizon, options.training.steps, options.training.seed) == (12, 7, 5)
    assert options.training.patience == FitOptions().training.patience


def test_nothing_said_is_the_defaults_and_none_says_nothing() -> None:
    assert build_options({}) == FitOptions()
    assert build_options(dict.fromkeys([*SHORT_NAMES, *all_settings()])) == FitOptions()


@pytest.mark.parametrize("name", ["cell", "network.layer.cell"])
def test_a_setting_goes_by_its_short_and_by_its_full_name(tmp_path: Path, name: str) -> None:
    assert build_options({name: "lstm"}).network.layer.cell == "lstm"
    assert build_options({}, toml(tmp_path, f'{name} = "lstm"')).network.layer.cell == "lstm"


def test_a_short_name_overrules_the_full_name_of_the_file(tmp_path: Path) -> None:
    file = toml(tmp_path, '[network.layer]\ncell = "lstm"\nhidden_size = 9\n')
    layer = build_options({"cell": "rnn"}, file).network.layer
    assert (layer.cell, layer.hidden_size) == ("rnn", 9)


def test_settings_may_be_nested() -> None:
    options = build_options({"network": {"loss": "mae", "layer": {"cell": "rnn"}}, "training": {"steps": 3}})
    assert (options.network.loss, options.network.layer.cell, options.training.steps) == ("mae", "rnn", 3)


def test_every_short_name_and_every_flag_is_a_setting() -> None:
    settings = all_settings()
    assert set(SHORT_NAMES.values()) <= settings.keys()
    flags = {
        name for group in (TableFlags, NetFlags, TrainingFlags, JudgingFlags) for name in group.__dataclass_fields__
    }
    assert {SHORT_NAMES.get(name, name) for name in flags} <= settings.keys()


def test_a_short_name_is_the_last_part_of_its_full_name_and_unlike_every_full_name() -> None:
    assert all(full.split(".")[-1] == short for short, full in SHORT_NAMES.items())
    assert not SHORT_NAMES.keys() & all_settings().keys()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("0.1,0.5,0.9", (0.1, 0.5, 0.9)),
        ("0.25, 0.5 ,0.75", (0.25, 0.5, 0.75)),
        ([0.5], (0.5,)),
        (["0.2", "0.5"], (0.2, 0.5)),
        (0.5, (0.5,)),
        ("0.5", (0.5,)),
    ],
)
def test_several_values_come_as_a_list_or_with_commas(said: Any, meant: tuple[float, ...]) -> None:
    assert build_options({"quantiles": said}).network.quantiles == meant


@pytest.mark.parametrize("none", ["none", "", ["none"], []])
def test_none_means_an_empty_list(none: Any) -> None:
    options = build_options({"past": none, "calendar": none})
    assert (options.table.past, options.calendar) == ((), ())


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("False", False), ("1", True), (False, False)])
def test_yes_and_no_are_read_from_text(said: Any, meant: bool) -> None:  # noqa: FBT001 - a table of values
    assert build_options({"highway": said}).network.highway is meant


def test_a_column_may_have_any_name() -> None:
    table = build_options({"id": "true", "time": "none", "target": ["a,b"], "past": ["1"]}).table
    assert (table.id, table.time, table.target, table.past) == ("true", "none", ("a,b",), ("1",))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"horizont": 3}, r"there is no setting 'horizont'; did you mean horizon\?"),
    ({"network.layer.cel": "gru"}, r"there is no setting 'network.layer.cel'; did you mean network.layer.cell"),
    ({"horizon.x": 3}, r"there is no setting 'horizon.x'; did you mean horizon\?"),
    ({"zzzzzz": 1}, r"there is no setting 'zzzzzz'; the settings are adapt, base_season, calendar, .*, training.steps"),
    ({"": 1}, "there is no setting ''"),
    ({"cell": "gruu"}, "network.layer.cell='gruu' cannot be; the choices are rnn, lstm, gru"),
    ({"subtract": "first"}, "subtract='first' cannot be; the choices are last, seasonal, mean, none"),
    ({"calendar": "day,moon"}, r"calendar\[1\]='moon' cannot be; the choices are day, week, weekday, year, season"),
    ({"horizon": "many"}, "horizon='many' cannot be: expected `int`, got `str`"),
    ({"horizon": 2.5}, "horizon=2.5 cannot be: expected `int`, got `float`"),
    ({"steps": True}, "training.steps=True cannot be: expected `int`"),
    ({"quantiles": "0.1,x"}, r"network.quantiles\[1\]='x' cannot be: expected `float`"),
    ({"highway": "perhaps"}, "network.highway='perhaps' cannot be: expected `bool`"),
    ({"target": [1]}, r"table.target\[0\]=1 cannot be: expected `str`"),
    ({"horizon": 0}, "^horizon counts rows from 1 up, got horizon=0"),
    ({"steps": -1}, r"^training.steps counts from 1 up, got -1"),
    ({"dropout": 0.3}, "^dropout=0.3 acts between layers"),
    ({"quantiles": "0.1,0.9"}, "^quantiles are ascending levels .* got 0.1 0.9"),
    ({"hidden_size": 10**9}, "hidden_size is a number from 1 to 65536, got 1000000000"),
    ({"test": 1.0}, "^evaluation.test is a share between 0 and 1, got 1.0"),
    ({"test": -0.1}, "^evaluation.test is a share between 0 and 1, got -0.1"),
    ({"validation": 0}, "^evaluation.validation is a share between 0 and 1, got 0"),
    ({"validation": "nan"}, "evaluation.validation is a share between 0 and 1, got nan"),
    ({"validation": 0.5, "test": 0.5}, "leave nothing to train on"),
    ({"windows": 0}, "evaluation.windows counts from 1 up, got 0"),
    ({"baselines": "naive,prophet"}, "there is no baseline 'prophet'. The baselines are: naive, "),
    ({"baselines": "none"}, "leaves the net without a rival; name one"),
    ({"network": 3}, "network is a group of settings, got network=3. Name one of them: .*network.loss"),
    ({"network": 3, "loss": "mae"}, "network is a group of settings"),
]


@pytest.mark.parametrize(("settings", "lesson"), REFUSED)
def test_a_wrong_setting_is_refused_with_what_was_expected_and_got(settings: dict[str, Any], lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        build_options(settings)


@pytest.mark.parametrize(
    ("text", "lesson"),
    [
        ("horizon = = 3", r"fit.toml is not TOML: .* \(at line 1, column 11\)"),
        ("horizon = 1\nhorizon = 2", "is not TOML"),
        ('[network.layer]\ncel = "lstm"', "no setting 'network.layer.cel'; did you mean network.layer.cell"),
        ("[trainning]\nsteps = 3", "no setting 'trainning.steps'; did you mean training.steps"),
        ("network = 3", "network is a group of settings"),
        ("horizon = 2024-01-01", "horizon=.* cannot be: expected `int`"),
        ("[[training]]\nsteps = 3", "training is a group of settings"),
    ],
)
def test_a_wrong_config_file_is_refused_with_the_place(tmp_path: Path, text: str, lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        build_options({}, toml(tmp_path, text))


def test_a_config_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"there is no config file .*absent\.toml"):
        build_options({}, tmp_path / "absent.toml")
    with pytest.raises(OptionError, match="is a folder; give one config file"):
        build_options({}, tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OptionError, match="is not TOML"):
        build_options({}, tmp_path / "binary.toml")


def test_every_baseline_may_be_named() -> None:
    assert build_options({"baselines": ",".join(BASELINES)}).evaluation.baselines == tuple(BASELINES)


def test_options_survive_json_and_their_full_names() -> None:
    options = build_options({"cell": "rnn", "quantiles": "0.5", "past": "none", "calendar": "day", "windows": 3})
    assert msgspec.json.decode(msgspec.json.encode(options), type=FitOptions) == options
    assert build_options(flatten(msgspec.to_builtins(options))) == options
