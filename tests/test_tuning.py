"""The search: no worse than the defaults, of comparable trials, blind to the test part."""

import time
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

import gatecast
from builders import poisoned
from gatecast.choosing import choose
from gatecast.data.columns import TableOptions
from gatecast.engines import EngineOptions
from gatecast.errors import MissingExtraError, OptionError, TrainingError
from gatecast.forecaster import RecurrentForecaster
from gatecast.tuning import tune
from gatecast.tuning import working as at_work
from gatecast.tuning.following import followed
from gatecast.tuning.gathering import records
from gatecast.tuning.journal import LOST, WORKER, bury, open_study
from gatecast.tuning.placing import as_toml
from gatecast.tuning.proposing import PLAIN_RANDOM, USUAL, Proposals
from gatecast.tuning.records import TrialRecord
from gatecast.tuning.result import Search
from gatecast.tuning.searching import good_points
from gatecast.tuning.table import Prepared, prepare
from gatecast.tuning.working import Job, options_of, work
from gatecast.workflow.listening import Silent
from gatecast.workflow.options import FitOptions, build_options
from small_tables import wave_table

QUICK = {
    "horizon": 4,
    "season": 12,
    "steps": 8,
    "training.evaluate_every": 2,
    "training.time": 32,
    "training.burn_in": 4,
    "baselines": ("naive", "seasonal_naive"),
}


def counts_table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame({"y": rng.poisson(3 + 2 * (np.arange(200) % 7 == 0), size=200).astype(float)})


TABLES: dict[str, tuple[pl.DataFrame, dict[str, Any]]] = {
    "hours": (wave_table(400), QUICK | {"season": 24}),
    "series": (wave_table(ids=("a", "b")), QUICK),
    "numbered": (wave_table(dated=False), QUICK),
    "counts": (counts_table(), QUICK | {"loss": "negative_binomial", "season": 7}),
    "fed back": (wave_table().drop("x"), QUICK | {"decode": "recursive", "loss": "normal"}),
    "all of the past": (wave_table(400), QUICK | {"lookback": "all"}),
    "windows": (wave_table(400), QUICK | {"lookback": 24, "normalise": "last", "cell": "rnn"}),
    "tried": (wave_table(), {"horizon": 4, "steps": 250, "season": 12}),
}


class Drawing:
    """Proposes at random, as a trial would."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def suggest_int(self, _: str, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def suggest_float(self, _: str, low: float, high: float, *, log: bool) -> float:
        assert log
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def suggest_categorical(self, _: str, choices: Any) -> str:
        return choices[self.rng.integers(len(choices))]


def quick_search(trials: int = 5, **settings: Any) -> Search:
    return tune(wave_table(), trials=trials, **QUICK | settings)


def without_times(trials: tuple[TrialRecord, ...]) -> list[TrialRecord]:
    return [msgspec.structs.replace(trial, seconds=0.0) for trial in trials]


@pytest.mark.parametrize("name", TABLES)
def test_the_first_trial_is_what_fit_would_do(name: str) -> None:
    table, settings = TABLES[name]
    prepared = prepare(table, dict(settings))
    options = options_of(prepared.options, prepared.space.usual())
    assert choose(prepared.panel, prepared.split, options).config == prepared.chosen.config
    assert set(good_points(prepared.space)[0]) >= {"hidden_size", "learning_rate"}


@pytest.mark.parametrize("name", TABLES)
def test_whatever_is_proposed_can_be_trained(name: str) -> None:
    table, settings = TABLES[name]
    prepared = prepare(table, dict(settings))
    for seed in range(25):
        options = options_of(prepared.options, prepared.space.propose(Drawing(seed)))
        config = choose(prepared.panel, prepared.split, options).config
        RecurrentForecaster(config).prepare(prepared.panel, prepared.split)


def test_every_trial_is_judged_by_the_same_cutoffs_in_the_same_unit() -> None:
    table, settings = TABLES["hours"]
    prepared = prepare(table, dict(settings))
    losses: dict[str, list[float]] = {}
    cutoffs = set()
    for seed in range(40):
        options = options_of(prepared.options, prepared.space.propose(Drawing(seed)))
        config = choose(prepared.panel, prepared.split, options).config
        network, course, _ = RecurrentForecaster(config).prepare(prepared.panel, prepared.split)
        cutoffs.add(tuple(course.validation.flatten().tolist()))
        if config.subtract in ("last", "seasonal"):  # an untrained net repeats what it starts from, however it reads
            losses.setdefault(f"{config.subtract} {config.season}", []).append(course.validation_loss(network))
    assert len(cutoffs) == 1
    assert sum(len(same) > 1 for same in losses.values()) >= 2
    for same in losses.values():  # sums of some hundred terms in float32
        assert max(same) - min(same) <= 500 * np.finfo(np.float32).eps * max(same)


def test_the_best_is_no_worse_than_the_defaults_and_is_what_is_fitted() -> None:
    found = quick_search()
    assert len(found.trials) == 5
    assert found.defaults is not None
    assert found.defaults.number == 0
    assert found.best.loss == min(trial.loss for trial in found.trials if trial.loss is not None)
    losses = [step.validation for step in found.model.steps if step.validation is not None]
    assert min(losses) == found.best.loss, "a trial trains as fit does, to the bit"


def test_what_is_said_is_the_same_in_every_trial_and_the_rest_is_searched() -> None:
    found = quick_search(cell="lstm", hidden_size=4, learning_rate=1e-3)
    said = {"network.layer.cell", "network.layer.hidden_size", "training.learning_rate", "horizon"}
    assert not said & set(found.record.searched)
    assert not any(said & set(trial.settings) for trial in found.trials)
    layer = found.model.forecaster.config.network.layer
    assert (layer.cell, layer.hidden_size) == ("lstm", 4)
    assert len({trial.settings["lookback"] for trial in found.trials}) > 1


def job_on(prepared: Prepared, journal: Path, trials: int) -> Job:
    proposals = Proposals(USUAL, 0, good_points(prepared.space))
    fixed = (prepared.panel, prepared.split, prepared.options, prepared.space)
    return Job(0, journal, proposals, *fixed, trials, None)


@pytest.mark.parametrize("poison", [np.nan, 1e9])
def test_no_trial_sees_the_test_part(tmp_path: Path, poison: float) -> None:
    prepared = prepare(wave_table(), dict(QUICK))
    job = job_on(prepared, tmp_path / "clean", 6)
    work(job)
    panel = poisoned(prepared.panel, prepared.split.validation_end, poison)
    work(replace(job, panel=panel, journal=tmp_path / "poisoned"))
    clean, dirty = (records(open_study(tmp_path / name, job.proposals)) for name in ("clean", "poisoned"))
    assert len(clean) == 6
    assert without_times(clean) == without_times(dirty)


def test_a_trial_of_a_dead_process_is_tried_again_and_counts_once(tmp_path: Path) -> None:
    prepared = prepare(wave_table(), dict(QUICK))
    job = job_on(prepared, tmp_path / "journal", 3)
    study = open_study(job.journal, job.proposals)
    for worker in (0, 1):
        trial = study.ask()
        trial.set_user_attr(WORKER, worker)
        prepared.space.propose(trial)
    bury(study, 0)
    assert [LOST in trial.user_attrs for trial in study.trials] == [True, False, False]
    assert study.trials[2].system_attrs["fixed_params"] == study.trials[0].params
    bury(study)
    work(job)
    assert [trial.status in ("done", "pruned") for trial in records(study)] == [True] * 3


class Noting:
    """Remembers what it is told."""

    fit = Silent()

    def __init__(self) -> None:
        self.told: list[float | None] = []

    def searching(self, names: tuple[str, ...], trials: int, seconds: float | None) -> AbstractContextManager[None]:
        raise NotImplementedError(names, trials, seconds)

    def tried(self, trial: TrialRecord, best: TrialRecord | None) -> None:
        assert best is not None
        self.told.append(trial.loss)


def test_every_trial_is_told_of_once_also_where_one_is_given_up_meanwhile(tmp_path: Path) -> None:
    prepared = prepare(wave_table(), dict(QUICK))
    job = job_on(prepared, tmp_path / "journal", 4)
    study, listener = open_study(job.journal, job.proposals), Noting()
    dead = study.ask()
    dead.set_user_attr(WORKER, 1)
    with followed(study, listener):
        work(replace(job, trials=3))  # number 0 is at work elsewhere, so these are told as numbers 1 and 2
        until = time.monotonic() + 30
        while len(listener.told) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        bury(study, 1)
        work(job)
    assert sorted(listener.told) == sorted(trial.loss for trial in records(study))
    assert len(listener.told) == 4


def test_a_combination_that_cannot_be_fails_alone_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = at_work.choose

    def sometimes(panel: Any, split: Any, options: Any) -> Any:
        if options.network.layer.hidden_size > 64:
            raise OptionError("too large for today.")
        return usual(panel, split, options)

    monkeypatch.setattr(at_work, "choose", sometimes)
    found = quick_search(trials=4)
    failed = [trial for trial in found.trials if trial.status == "failed"]
    assert failed
    assert {trial.reason for trial in failed} == {"too large for today."}
    assert found.best.status != "failed"
    monkeypatch.setattr(at_work, "choose", lambda *_: refused())
    with pytest.raises(TrainingError, match="none of 2 trials came to a loss; the first one says: not today"):
        quick_search(trials=2)


def refused() -> None:
    raise OptionError("not today")


def test_the_end_of_the_time_stops_a_trial_at_its_next_look_and_keeps_it() -> None:
    found = tune(wave_table(), trials=50, budget="0.001s", **QUICK)
    assert [trial.status for trial in found.trials] == ["stopped"]
    assert found.best.share == 25, "8 steps, and a look after every second one"
    assert found.model.predict().to_frame().height == 4


def test_other_seeds_try_other_settings_and_the_same_seed_the_same() -> None:
    one, again, other = (quick_search(4, seed=seed).trials for seed in (0, 0, 1))
    assert without_times(one) == without_times(again)
    assert [trial.settings for trial in one[2:]] != [trial.settings for trial in other[2:]]


def test_two_processes_share_the_trials() -> None:
    found = tune(wave_table(), trials=6, engine=EngineOptions(workers=2), **QUICK)
    assert len(found.trials) == 6
    assert found.defaults is not None
    assert found.best.loss <= found.defaults.loss


@pytest.mark.ray
def test_a_cluster_shares_the_trials() -> None:
    pytest.importorskip("ray")
    found = tune(wave_table(), trials=3, engine=EngineOptions("ray", workers=2), **QUICK)
    assert len(found.trials) == 3
    assert found.defaults is not None


def test_what_cannot_be_searched_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="trials counts from 1 up, got 0"):
        tune(wave_table(), trials=0)
    with pytest.raises(OptionError, match="a time budget is a number above 0"):
        tune(wave_table(), budget="soon")
    with pytest.raises(OptionError, match="say which one with out="):
        tune(wave_table(), resume=True)
    with pytest.raises(OptionError, match=r"there is no search to resume in .*: it holds no search.jsonl"):
        tune(wave_table(), resume=True, out=tmp_path)
    with pytest.raises(OptionError, match="share the journal of a search: give out="):
        tune(wave_table(), engine=EngineOptions("ray", address="10.0.0.1:6379"))
    with pytest.raises(OptionError, match="there is no setting 'hiden'"):
        tune(wave_table(), hiden=3)
    with pytest.raises(OptionError, match=r"evaluation\.test=0 keeps no rows to score the net by"):
        tune(wave_table(), test=0)
    monkeypatch.setattr("gatecast.tuning.tuning.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"gatecast tune needs optuna.*gatecast\[tune\]"):
        gatecast.tune(wave_table())


def test_a_search_with_nothing_left_open_is_refused() -> None:
    said = {name: value for name, value in prepare(wave_table(), dict(QUICK)).space.known.items() if value is not None}
    with pytest.raises(OptionError, match=r"every setting that could be searched was said .*take `gatecast fit`"):
        prepare(wave_table(), said)


def test_a_plain_random_search_begins_anywhere_and_stops_no_trial(tmp_path: Path) -> None:
    prepared = prepare(wave_table(), dict(QUICK))
    job = replace(job_on(prepared, tmp_path / "journal", 8), proposals=Proposals(PLAIN_RANDOM, 0))
    work(job)
    trials = records(open_study(job.journal, job.proposals))
    assert {trial.status for trial in trials} == {"done"}
    assert prepared.space.usual() not in [trial.settings for trial in trials]


def test_names_of_any_characters_are_written_as_toml_that_reads_the_same(tmp_path: Path) -> None:
    names = tuple(f"a{chr(code)}b" for code in (*range(32), *range(127, 160), 0x22, 0x5C, 0x2028, 0xFEFF, 0x10FFFF))
    options = FitOptions(table=TableOptions(past=names))
    (tmp_path / "best.toml").write_bytes(as_toml(options).encode())
    assert build_options({}, tmp_path / "best.toml") == options
