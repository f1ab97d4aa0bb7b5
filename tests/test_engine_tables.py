"""The engine over models of other kinds of tables: several targets, covariates and words, numbered rows, sizes."""

from pathlib import Path

import pytest

from engine_makers import engine, log, model, observe, request, run, same_states, told, twin
from gatecast.errors import ColumnError, InputError, TimeError
from gatecast.server.engine import Engine
from gatecast.server.wire import ForecastRequest, Observation, ObserveAnswer
from gatecast.streaming import StreamOptions
from gatecast.workflow import Model

NEXT = ("2024-01-07T16:00:00", "2024-01-07T17:00:00")


def twice(folder: Path, kind: Model, *rows: Observation) -> Engine:
    """An engine that took some rows; its restart and its twin have its bits."""
    with engine(folder, forecaster=kind.forecaster, panel=kind.panel) as first:
        assert observe(first, request(*rows)) == [ObserveAnswer(len(rows))]
        first_answer = first.series(None, 9, "")
    with engine(folder, forecaster=kind.forecaster, panel=kind.panel) as made:
        assert made.series(None, 9, "") == first_answer
        same_states(made.stream, first.stream)
        same_states(made.stream, twin(made, kind.forecaster, kind.panel))
    return made


def test_several_targets_are_told_by_name_or_refused(tmp_path: Path) -> None:
    kind = model(target=("y", "z"))
    rows = [Observation("north", NEXT[0], {"z": None, "y": 11.0}), Observation("north", NEXT[1])]
    made = twice(tmp_path, kind, *rows, Observation("new", NEXT[0], {"y": 1.0, "z": -1.0}))
    found = run(lambda: made.forecast(ForecastRequest(["north", "new"], 2)))
    assert [(each.series, each.target) for each in found] == [
        ("north", "y"),
        ("north", "z"),
        ("new", "y"),
        ("new", "z"),
    ]
    expected = made.stream.forecast(["north", "new"], 2)
    assert [each.mean for each in found] == [expected.mean[n, :, k].tolist() for n in (0, 1) for k in (0, 1)]


def test_targets_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    kind = model(target=("y", "z"))
    with engine(tmp_path, forecaster=kind.forecaster) as made:
        for y in (1.0, {"y": 1.0}, {"y": 1.0, "z": 1.0, "w": 1.0}):
            with pytest.raises(ColumnError, match=r"for each of y, z|one value for each"):
                observe(made, request(Observation("a", NEXT[0], y)))
        assert log(made) == []
        observe(made, request(Observation("a", NEXT[0], {"z": 2.0, "y": None})))
        assert log(made)[0].y == (None, 2.0)


def test_covariates_and_words_are_kept_as_they_were_written(tmp_path: Path) -> None:
    kind = model(past=("x", "sky"))
    rows = [
        Observation("north", NEXT[0], 11.0, {"x": 10.5, "sky": "rain"}),
        Observation("north", NEXT[1], None, {"sky": "frogs"}),
        Observation("new", NEXT[0], 3.0, {"x": None}),
        Observation("new", NEXT[1], {"y": 3.0}),
    ]
    twice(tmp_path, kind, *rows)
    with engine(tmp_path, forecaster=kind.forecaster) as made:
        assert [row.x for row in log(made)[-4:]] == [row.x for row in rows]
        assert {row.x["sky"] for row in log(made)[:-4]} == {"sun", "rain"}
        answers = run(
            lambda: told(
                made.observe(request(Observation("new", "2024-01-07T18:00:00", 1.0, {"wind": 1.0})), None),
                made.observe(request(Observation("new", "2024-01-07T18:00:00", 1.0, {"x": "high"})), None),
                made.observe(request(Observation("new", "2024-01-07T18:00:00", 1.0, {"sky": 7.0})), None),
            )
        )
        assert isinstance(answers[0], ColumnError)
        assert isinstance(answers[1], InputError)
        assert answers[2] == ObserveAnswer(1), "a word may look like a number"


def test_a_model_without_the_covariates_reads_the_log_of_one_that_has_them(tmp_path: Path) -> None:
    rich, plain = model(past=("x", "sky")), model()
    with engine(tmp_path, forecaster=rich.forecaster, panel=rich.panel) as made:
        observe(made, request(Observation("north", NEXT[0], 11.0, {"x": 10.5, "sky": "rain"})))
    with engine(tmp_path, forecaster=plain.forecaster, panel=plain.panel) as made:
        assert made.history("north", 1).y == [11.0]


def test_rows_without_time_are_numbered(tmp_path: Path) -> None:
    kind = model(numbered=True)
    rows = [Observation("north", 160, 11.0), Observation("north", 163, 12.0), Observation("new", -5, 1.0)]
    twice(tmp_path, kind, *rows)
    with engine(tmp_path, forecaster=kind.forecaster) as made:
        found = run(lambda: made.forecast(ForecastRequest(["north"], 2)))[0]
        assert (found.cutoff, found.ds) == (163, [164, 165])
        assert made.history("north", 4).y == [11.0, None, None, 12.0]
        for ds in ("2024-01-01", 2**62, 2**70):
            with pytest.raises(TimeError, match="rows of this model are numbered"):
                observe(made, request(Observation("north", ds, 1.0)))
        with pytest.raises(TimeError, match=r"at most 1,000 missing rows are filled"):
            observe(made, request(Observation("north", 2**62 - 1, 1.0)))
        assert observe(made, request(Observation("far", 2**62 - 1, 1.0))) == [ObserveAnswer(1)]
        assert run(lambda: made.forecast(ForecastRequest(["far"], 2)))[0].ds == [2**62, 2**62 + 1]


def test_numbers_are_no_times_of_a_dated_model(tmp_path: Path) -> None:
    with engine(tmp_path, forecaster=model().forecaster) as made, pytest.raises(TimeError, match="ds=7 is no time"):
        observe(made, request(Observation("north", 7, 1.0)))


def test_what_is_known_in_advance_comes_with_the_forecast(tmp_path: Path) -> None:
    kind = model(future="x")
    made = twice(tmp_path, kind, Observation("north", NEXT[0], 11.0, {"x": 10.0}))
    asked = ForecastRequest(["north"], 2, None, {"north": {"x": [10.0, 10.5]}})
    told_more = ForecastRequest(["north"], 2, None, {"north": {"x": [10.0, 99.0]}})
    found, other = (run(lambda each=each: made.forecast(each))[0] for each in (asked, told_more))
    assert found.mean[0] == other.mean[0]
    assert found.mean[1] != other.mean[1]
    with pytest.raises(InputError, match='"north" needs x for each of 2 rows of the horizon, got 0'):
        run(lambda: made.forecast(ForecastRequest(["north"], 2)))


def test_a_new_series_whose_size_nobody_knows_is_refused_before_anything_is_kept(tmp_path: Path) -> None:
    kind = model(static="size")
    with engine(tmp_path, forecaster=kind.forecaster, panel=kind.panel) as made:
        before = len(log(made))
        with pytest.raises(InputError, match='series "new" is new, and the net reads size of each series'):
            observe(made, request(Observation("north", NEXT[0], 1.0), Observation("new", NEXT[0], 1.0)))
        assert made.ready
        assert len(log(made)) == before
        assert observe(made, request(Observation("north", NEXT[0], 1.0))) == [ObserveAnswer(1)]
    with engine(tmp_path, forecaster=kind.forecaster, panel=kind.panel) as made:
        assert made.names == ["north", "south"]


def test_series_that_are_new_can_be_refused_beside_those_of_the_table(tmp_path: Path) -> None:
    kind = model()
    with engine(tmp_path, StreamOptions(new="refuse"), kind.forecaster, kind.panel) as made:
        with pytest.raises(InputError, match='"new" is new, and this stream takes none'):
            observe(made, request(Observation("new", NEXT[0], 1.0)))
        assert observe(made, request(Observation("south", NEXT[0], 1.0))) == [ObserveAnswer(1)]
