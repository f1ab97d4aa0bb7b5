"""Settings that cannot be, whoever says them: keywords, files, the environment, the server, a search, a stream."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ledger import Ledger
from odd_settings import FILES, KEYWORDS, PAIRS, READ
from trying import tried

import gatecast
from gatecast.data.partitioning import PartitionOptions
from gatecast.engines import EngineOptions
from gatecast.forecaster import room
from gatecast.server.options import Limits, ServeOptions
from gatecast.streaming import StreamOptions
from gatecast.tuning import tune
from gatecast.workflow.options import build_options
from small_tables import SMALL, wave_table

LEDGER = Ledger("Settings")


def enter(abuse: str, ask: Callable[[], Any], place: Path | None = None) -> None:
    LEDGER.enter(abuse, f"refused: {tried(ask, place).refused()}")


@pytest.mark.parametrize("abuse", KEYWORDS)
def test_a_keyword_that_cannot_be_is_refused(abuse: str) -> None:
    enter(f"gatecast.fit(table, {abuse})", partial(gatecast.fit, wave_table(40), **KEYWORDS[abuse]))


@pytest.mark.parametrize("abuse", PAIRS)
def test_two_options_that_cannot_be_together_are_refused(abuse: str) -> None:
    enter(f"{abuse}, which contradict each other", partial(gatecast.fit, wave_table(), **(dict(SMALL) | PAIRS[abuse])))


@pytest.mark.parametrize("abuse", READ)
def test_what_can_only_mean_one_thing_is_read_as_it(abuse: str) -> None:
    settings, meant, value = READ[abuse]
    options: Any = tried(lambda: build_options(settings)).accepted()
    for part in meant.split("."):
        options = getattr(options, part)
    assert options == value
    LEDGER.enter(abuse, f"read: {meant} is {value!r}")


@pytest.mark.parametrize("abuse", FILES)
def test_a_config_file_that_is_none_is_refused(abuse: str, tmp_path: Path) -> None:
    path = tmp_path / "fit.toml"
    path.write_bytes(FILES[abuse])
    enter(f"a config file: {abuse}", lambda: build_options({}, path), tmp_path)


def test_what_is_no_file_is_no_config_file(tmp_path: Path) -> None:
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    (tmp_path / "folder.toml").mkdir()
    for abuse, name in {"a folder": "folder.toml", "not there": "absent.toml", "a link to itself": "loop.toml"}.items():
        enter(f"a config file: {abuse}", partial(build_options, {}, tmp_path / name), tmp_path)
    enter("a config file: a name with a NUL", lambda: build_options({}, "a\0.toml"))
    enter("a config file: /dev/zero, which never ends", lambda: build_options({}, "/dev/zero"))
    for ending in ("toml", "txt"):
        (tmp_path / f"empty.{ending}").touch()
        assert build_options({}, tmp_path / f"empty.{ending}") == build_options({})
    LEDGER.enter("a config file: empty", "read: the defaults")


def test_settings_nested_in_themselves_and_far_too_many_are_refused() -> None:
    round_about: dict[str, Any] = {}
    round_about["network"] = round_about
    enter("a mapping of settings that holds itself", lambda: build_options(round_about))
    enter("a million settings at once", lambda: build_options({f"s{number}": 1 for number in range(10**6)}))


def test_a_net_without_room_is_refused_before_it_takes_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "memory", lambda: 8 * 2**30)
    sizes: dict[str, dict[str, Any]] = {
        "hidden_size=65536": {"hidden_size": 65_536},
        "hidden_size=8192, num_layers=64": {"hidden_size": 8192, "num_layers": 64},
        "hidden_size=2048, ensemble=1000": {"hidden_size": 2048, "ensemble": 1000},
        "batch_size=65536, hidden_size=1024": {"batch_size": 65_536, "hidden_size": 1024},
    }
    for abuse, said in sizes.items():
        fit = partial(gatecast.fit, wave_table(), **(dict(SMALL) | said))
        outcome = tried(fit, most=256)
        LEDGER.enter(f"{abuse}, on a machine of 8 GiB", f"refused: {outcome.refused()}")


ENVIRONMENT = (("GATECAST_KERNELS", "fast"), ("WORLD_SIZE", "many"), ("WORLD_SIZE", "-1"))


@pytest.mark.parametrize(("name", "value"), ENVIRONMENT)
def test_an_environment_that_makes_no_sense_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gatecast.kernels.library import library  # noqa: PLC0415 - its answer is remembered

    library.cache_clear()
    monkeypatch.setenv(name, value)
    enter(f"{name}={value} in the environment", lambda: gatecast.fit(wave_table(), **SMALL))
    library.cache_clear()


OTHERS: dict[str, Callable[[], Any]] = {
    "server: port=70000": lambda: ServeOptions(port=70_000),
    "server: port=-1": lambda: ServeOptions(port=-1),
    "server: host=0.0.0.0 without keys": lambda: ServeOptions(host="0.0.0.0"),  # noqa: S104 - it is refused
    "server: host is empty, which means everybody": lambda: ServeOptions(host=""),
    "server: limits.body=0": lambda: Limits(body=0),
    "server: limits.rate=nan": lambda: Limits(rate=float("nan")),
    "server: limits.connections=-5": lambda: Limits(connections=-5),
    "stream: every=0": lambda: StreamOptions(every=0),
    "stream: warm_up=1": lambda: StreamOptions(warm_up=1),
    "stream: most_missed=10^12": lambda: StreamOptions(most_missed=10**12),
    "stream: rate=nan": lambda: StreamOptions(rate=float("nan")),
    "stream: alarm=-1": lambda: StreamOptions(alarm=-1.0),
    "partition: rows=0": lambda: PartitionOptions(rows=0),
    "partition: parts=10^9": lambda: PartitionOptions(parts=10**9),
    "tune: trials=-1": lambda: tune(wave_table(), trials=-1),
    "tune: trials=10^12": lambda: tune(wave_table(), trials=10**12),
    "tune: budget=soon": lambda: tune(wave_table(), budget="soon"),
    "tune: budget=0": lambda: tune(wave_table(), budget=0.0),
    "tune: resume=True without out": lambda: tune(wave_table(), resume=True),
    "workers=0": lambda: EngineOptions(workers=0),
    "workers=10^9": lambda: EngineOptions(workers=10**9),
    "address without engine=ray": lambda: EngineOptions(address="10.0.0.1:6379"),
}


@pytest.mark.parametrize("abuse", OTHERS)
def test_what_else_cannot_be_is_refused(abuse: str) -> None:
    enter(abuse, OTHERS[abuse])
