"""Words as covariates: their codes, their vocabularies, and that the future cannot change either."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast import artifact
from gatecast.data.categories import recode, seen_categories, unknown_words, word_codes, words_of
from gatecast.data.columns import Columns, Guess, TableOptions
from gatecast.data.frequency import parse_frequency
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel, load_panel_like
from gatecast.data.splits import split_by_time
from gatecast.errors import ColumnError, OptionError, TableError
from gatecast.saved import seal
from gatecast.workflow import fit, load
from small_tables import SMALL, wave_table

ROWS = 60
SKY = ["dry", "dry", "wet", "fog"] * 15


def hours(rows: int = ROWS) -> pl.Series:
    start = pl.datetime(2024, 1, 1)
    return pl.datetime_range(start, start + pl.duration(hours=rows - 1), "1h", eager=True)


def table(sky: list[Any] = SKY, **columns: Any) -> pl.DataFrame:
    wave = np.sin(np.arange(len(sky)))
    return pl.DataFrame({"ds": hours(len(sky)), "sky": sky} | columns | {"y": wave})


def read(frame: pl.DataFrame, **options: Any) -> tuple[Panel, list[str]]:
    panel, guesses = load_panel(frame, TableOptions(**options))
    return panel, list(map(str, guesses))


def test_few_words_are_read_and_said() -> None:
    panel, guesses = read(table())
    assert panel.columns.channels == ("y", "sky")
    assert panel.columns.categories == {"sky": ("dry", "wet", "fog")}
    assert panel.values[:5, 1].tolist() == [1, 1, 2, 3, 1]
    assert "categorical, past = sky (3 words) (few different words, not known ahead)" in guesses


def test_columns_say_which_channels_are_words_and_how_many() -> None:
    columns = read(table(shop=["a"] * ROWS), static=("shop",))[0].columns
    assert columns.levels == {"shop": 2, "sky": 4}, "and one for words that nobody knows"
    assert columns.categorical_channels == (False, True)
    assert columns.categorical_static == (True,)


def test_a_missing_word_is_missing_and_an_unknown_one_is_zero() -> None:
    panel, _ = read(table([None, "dry", "NA", "wet"] * 15))
    assert np.array_equal(panel.values[:4, 1], [np.nan, 1, np.nan, 2], equal_nan=True)
    like = load_panel_like(table(["hail", None, "wet", "dry"] * 15), panel.columns, panel.frequency)
    assert np.array_equal(like.values[:4, 1], [0, np.nan, 2, 1], equal_nan=True)
    assert unknown_words(like) == ('15 rows of "sky" hold words that training has not seen; they are read as unknown',)
    assert unknown_words(panel) == ()


def test_a_gap_in_time_has_no_word() -> None:
    panel, _ = read(table()[[row for row in range(ROWS) if row not in (7, 8)]])
    assert np.isnan(panel.values[7:9, 1]).all()


@given(words=st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1), known=st.permutations(["a", "b"]))
def test_codes_equal_a_slow_loop(words: list[str | None], known: list[str]) -> None:
    expected = [np.nan if word is None else known.index(word) + 1 if word in known else 0 for word in words]
    assert np.array_equal(word_codes(pl.Series(words, dtype=pl.String), tuple(known)), expected, equal_nan=True)


def test_numbers_named_categorical_are_words() -> None:
    for codes in ([1, 2, 2, 7] * 15, [1.0, 2.0, 2.0, 7.0] * 15, ["1", "2", "2", "7"] * 15):
        panel, _ = read(table(codes), categorical=("sky",))
        assert panel.columns.categories == {"sky": ("1", "2", "7")}
        assert (panel.columns.target, panel.columns.past) == (("y",), ("sky",))
    assert words_of(pl.Series([1.0, 1.5, float("nan"), None])).to_list() == ["1", "1.5", None, None]


def test_words_may_be_known_ahead_or_the_same_in_a_series() -> None:
    two = pl.concat([table(shop=["a"] * ROWS, town=["x"] * ROWS), table(shop=["b"] * ROWS, town=["z"] * ROWS)])
    panel, _ = read(two, id="shop", future=("sky",), static=("town",))
    assert (panel.columns.future, panel.columns.static) == (("sky",), ("town",))
    assert panel.columns.categories == {"sky": ("dry", "wet", "fog"), "town": ("x", "z")}
    assert panel.static.tolist() == [[1], [2]]
    wrong = two.with_columns(town=pl.Series(["x"] * ROWS + ["x"] * 20 + ["z"] * 40))
    with pytest.raises(TableError, match=r'static="town" must have one value .* "b" has x \(row 60 .* and z \(row 80'):
        read(wrong, id="shop", static=("town",))


def test_a_word_for_each_series_is_guessed_to_be_static() -> None:
    shops = [table(shop=[name] * ROWS, town=[town] * ROWS) for name, town in (("a", "x"), ("b", "z"), ("c", "x"))]
    panel, guesses = read(pl.concat(shops), id="shop")
    assert (panel.columns.past, panel.columns.static) == (("sky",), ("town",))
    assert panel.static.tolist() == [[1], [2], [1]]
    assert "categorical, static = town (2 words) (one word for each series)" in guesses


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (["dry"] * 240, "never changes"),
        ([f"note {row}" for row in range(240)], "many different words; those named under categorical= are read"),
        ([f"{row % 24} o'clock" for row in range(240)], "follows from the time"),
    ],
)
def test_words_that_say_nothing_are_left_out(column: list[str], why: str) -> None:
    panel, guesses = read(table(column))
    assert panel.columns.channels == ("y",)
    assert f"left out = sky ({why})" in guesses


def test_a_second_name_of_the_series_is_left_out() -> None:
    shops = [table(shop=[name] * ROWS, name=[f"shop {name}"] * ROWS) for name in "ab"]
    assert "left out = name (names the series once more)" in read(pl.concat(shops), id="shop")[1]


def test_no_words_are_read_where_none_are_wanted() -> None:
    panel, guesses = read(table(), categorical=())
    assert panel.columns.channels == ("y",)
    assert "left out = sky (not numbers)" in guesses
    with pytest.raises(ColumnError, match='column "sky" must hold numbers'):
        read(table(), categorical=(), past=("sky",))
    assert read(table(), past=())[0].columns.channels == ("y",)


@pytest.mark.parametrize(
    ("options", "lesson"),
    [
        ({"categorical": ("sky",), "target": ("sky",)}, 'column "sky" is named as target, and only covariates'),
        ({"categorical": ("skye",)}, r'no column "skye" \(categorical=\)\. Did you mean "sky"'),
        ({"categorical": ("sky",), "past": ()}, "categorical= names sky, which play no part"),
    ],
)
def test_what_cannot_be_categorical_is_refused(options: dict[str, Any], lesson: str) -> None:
    with pytest.raises(ColumnError, match=lesson):
        read(table(), **options)


def test_too_many_words_are_refused_by_name() -> None:
    with pytest.raises(ColumnError, match='column "sky" has 60 different words in 60 rows, too many'):
        read(table([f"note {row}" for row in range(ROWS)]), past=("sky",))
    with pytest.raises(ColumnError, match='column "sky" has 1,001 different words in 2,002 rows'):
        read(table([f"note {row % 1001}" for row in range(2002)]), categorical=("sky",))


def test_wide_layouts_have_no_room_for_words() -> None:
    with pytest.raises(OptionError, match="layout=columns has no columns for categorical="):
        read(table(), layout="columns", categorical=("sky",))


def test_repeated_rows_keep_their_last_word_where_numbers_take_the_mean() -> None:
    again = pl.concat([table(), table()[:1].with_columns(sky=pl.lit("fog"), y=pl.lit(8.0))])
    panel, _ = read(again, duplicates="mean", past=("sky",))
    y, code = panel.values[0].tolist()
    assert (y, panel.columns.categories["sky"][int(code) - 1]) == (4, "fog")


# The future changes nothing


def changed(frame: pl.DataFrame, first: int, words: list[str]) -> pl.DataFrame:
    """Other words from row `first` of each series on."""
    rows = np.arange(frame.height) % ROWS
    new = [words[row % len(words)] for row in rows.tolist()]
    keep = pl.Series(rows < first)
    return frame.with_columns(sky=pl.when(keep).then(pl.col("sky")).otherwise(pl.Series(new)))


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("words", [["hail", "snow", "dry", "wet"], ["fog", "wet"]])
def test_later_words_change_no_earlier_code(words: list[str], dated: bool) -> None:  # noqa: FBT001
    frame = pl.concat([table(shop=["a"] * ROWS), table(SKY[::-1], shop=["b"] * ROWS)])
    frame = frame if dated else frame.drop("ds")
    ends = np.array([40, 30])
    panels = [read(each, id="shop")[0] for each in (frame, changed(frame, 40, words))]
    learnt = [recode(panel, seen_categories(panel, ends)) for panel in panels]
    before = np.arange(2 * ROWS) % ROWS < np.repeat(ends, ROWS)
    assert learnt[0].columns == learnt[1].columns
    assert (learnt[0].values[before] == learnt[1].values[before]).all()
    if dated:
        assert (panels[0].values[before] == panels[1].values[before]).all()


def test_words_first_seen_after_training_are_unknown() -> None:
    frame = changed(table(), 40, ["hail", "fog"])
    panel, _ = read(frame)
    learnt = recode(panel, seen_categories(panel, np.array([40])))
    assert learnt.columns.categories == {"sky": ("dry", "wet", "fog")}
    assert learnt.values[40:44, 1].tolist() == [0, 3, 0, 3]
    assert learnt.values[:40].tolist() == panel.values[:40].tolist()
    assert recode(learnt, learnt.columns.categories) is learnt


def test_numbered_series_are_coded_by_what_their_training_parts_show() -> None:
    values = np.array([[0.0, 1], [0, 2], [0, 1], [0, 3], [0, 1], [0, 3]], dtype=np.float32)
    columns = Columns(target=("y",), past=("sky",), id="k", categories={"sky": ("late", "fog", "dry")})
    numbers = np.array([0, 1, 2, 3, 0, 1])
    panel = Panel(
        columns, parse_frequency("row"), ("a", "b"), np.array([0, 4, 6]), numbers, values, np.zeros((2, 0), np.float32)
    )
    assert seen_categories(panel, np.array([2, 0])) == {"sky": ("late", "fog")}
    assert seen_categories(panel, np.array([0, 2])) == {"sky": ("late", "dry")}
    learnt = recode(panel, seen_categories(panel, np.array([2, 0])))
    assert learnt.values[:, 1].tolist() == [1, 2, 1, 0, 1, 0]


# Whole runs


def weather(rows: int = 160) -> pl.DataFrame:
    return wave_table(rows).with_columns(sky=pl.Series((["dry", "wet", "fog", "dry"] * rows)[:rows]))


def test_a_run_with_words_trains_predicts_and_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "weather.csv"
    weather().write_csv(path)
    model = fit(path, out=tmp_path / "run", **SMALL)
    assert model.panel is not None
    assert model.panel.columns.categories == {"sky": ("dry", "wet", "fog")}
    again = load(tmp_path / "run")
    assert again.forecaster.fitted_.columns == model.panel.columns
    assert again.panel is not None
    assert (again.panel.values == model.panel.values).all()
    new = weather().with_columns(sky=pl.Series(["wet", "hail"] * 80))
    predicted = again.predict(new)
    assert predicted.panel.values[:2, -1].tolist() == [2, 0]
    assert "80 rows of" in again.backtest(new).metrics.notes[-1]


def test_words_after_the_training_part_change_no_step_of_training() -> None:
    early = int(split_by_time(load_panel(weather())[0], SMALL["horizon"]).train_end[0])
    keep = pl.Series(np.arange(160) < early)
    poisoned = weather().with_columns(sky=pl.when(keep).then(pl.col("sky")).otherwise(pl.lit("hail")))
    models = [fit(frame, **SMALL) for frame in (weather(), poisoned)]
    assert [step.loss for step in models[0].steps] == [step.loss for step in models[1].steps]
    assert models[0].forecaster.fitted_.columns == models[1].forecaster.fitted_.columns


def test_a_model_saved_before_there_were_words_is_loaded(tmp_path: Path) -> None:
    artifact.save(fit(wave_table(), **SMALL).forecaster, tmp_path)
    manifest = tmp_path / artifact.MANIFEST
    tree = json.loads(manifest.read_bytes())
    for name in ("categories", "holidays"):
        del tree["columns"][name]
    manifest.write_bytes(seal(json.dumps(tree).encode(), tree["seal"]))
    assert artifact.load(tmp_path)[0].fitted_.columns.categories == {}


@pytest.mark.parametrize(
    ("categories", "lesson"),
    [
        ({"y": ["a"]}, 'names "y", which is no covariate'),
        ({"x": ["a", "a"]}, 'vocabulary of "x" repeats a word or has more than 1,000'),
        ({"x": [str(word) for word in range(1001)]}, 'vocabulary of "x" repeats a word or has more'),
    ],
)
def test_an_absurd_vocabulary_is_refused(categories: dict[str, list[str]], lesson: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=lesson):
        msgspec.convert({"target": ["y"], "past": ["x"], "categories": categories}, Columns)


def test_guesses_about_words_are_kept_with_the_model() -> None:
    why = "few different words, not known ahead"
    assert Guess("categorical, past", "sky (3 words)", why) in fit(weather(), **SMALL).guesses
