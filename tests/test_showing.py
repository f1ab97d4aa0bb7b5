"""What notebooks and terminals show of values: small, escaped, nothing loaded, and true."""

import sys
from dataclasses import replace
from html import unescape
from itertools import pairwise
from math import inf, nan
from types import ModuleType, SimpleNamespace
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

import gatecast
from builders import waves
from gatecast.data.columns import Columns, Guess
from gatecast.data.frequency import parse_frequency
from gatecast.data.panel import panel_from_arrays
from gatecast.showing import Card, Curve, number, short, thinned
from gatecast.showing.html import HEIGHT, WIDTH, drawn
from gatecast.showing.text import blocks
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import StepRecord
from gatecast.workflow.listening import Silent
from gatecast.workflow.notebook import Notebook, in_notebook, listener_here
from small_tables import SMALL, wave_table

EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\x1b[2J\u202egnp.exe\n</td>", "{{ 7 * 7 }}")


@pytest.fixture(scope="module")
def model() -> gatecast.Model:
    table = wave_table(160, EVIL).rename({"y": EVIL[0], "x": EVIL[1]})
    return gatecast.fit(table, **SMALL, target=EVIL[0], id="shop")


@pytest.fixture(scope="module")
def shown(model: gatecast.Model) -> dict[str, Any]:
    """One of everything that has a card."""
    evaluation = model.backtest()
    return {
        "model": model,
        "panel": model.panel,
        "prediction": model.predict(),
        "forecast": model.predict().forecast,
        "evaluation": evaluation,
        "metrics": evaluation.metrics,
        "audit": evaluation.audit(),
        "inspection": model.inspect(series=EVIL[0]),
    }


TAGS = frozenset(("div", "span", "table", "thead", "tbody", "tr", "th", "td", "svg", "path", "details", "summary"))
DRAWING = ("width", "height", "viewBox", "d", "fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width")
ATTRIBUTES = {*DRAWING, "class", "style", "scope", "role", "aria-label", "stroke-linecap", "stroke-linejoin"}
KINDS = ("model", "panel", "prediction", "forecast", "evaluation", "metrics", "audit", "inspection")


def parsed(html: str) -> Element:
    """The page, if every tag of it is closed in order and nothing in it can act or load."""
    page = fromstring(html)  # noqa: S314 - it is our own
    for element in page.iter():
        assert element.tag in TAGS
        assert set(element.keys()) <= ATTRIBUTES
        assert "url" not in element.get("style", "")
    return page


def text_of(page: Element) -> str:
    return " ".join("".join(page.itertext()).split())


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_is_whole_small_and_nothing_in_it_acts_or_loads(kind: str, shown: dict[str, Any]) -> None:
    html = shown[kind]._repr_html_()
    parsed(html)
    assert not any(letter in html for letter in ("\x1b", "\u202e"))
    assert len(html) < 16_000


@pytest.mark.parametrize("kind", ["panel", "prediction", "forecast"])
def test_a_hostile_name_is_shown_as_it_is_and_what_would_act_as_its_escape(kind: str, shown: dict[str, Any]) -> None:
    text = text_of(parsed(shown[kind]._repr_html_()))
    assert EVIL[0] in text
    assert EVIL[1] in text
    assert r"\x1b[2J\u202egnp.exe\n</td>" in text
    assert EVIL[3] in text, "a name is no template"


@pytest.mark.parametrize("kind", KINDS)
def test_a_repr_is_a_few_lines_that_no_terminal_takes_for_commands(kind: str, shown: dict[str, Any]) -> None:
    text = repr(shown[kind])
    assert all(line.isprintable() for line in text.split("\n"))
    assert len(text.split("\n")) <= 24
    assert "array(" not in text
    assert "object at 0x" not in text


def test_the_cards_say_what_is_true(shown: dict[str, Any], model: gatecast.Model) -> None:
    assert text_of(parsed(model._repr_html_())).startswith(f"gru, forecasting 4 rows of {EVIL[0]}")
    metrics = shown["metrics"]
    page = parsed(shown["evaluation"]._repr_html_())
    rows = [["".join(cell.itertext()).strip() for cell in row] for row in page.iter("tr")]
    best_first = sorted(metrics.scores, key=lambda score: score.mase)
    assert [row[:2] for row in rows[1:]] == [[score.model, number(score.mase)] for score in best_first]
    (strong,) = (row for row in page.iter("tr") if "font-weight:600" in row.get("style", ""))
    assert "".join(strong[0].itertext()).strip() == "gru"
    assert metrics.verdict.text in text_of(page)
    forecast = shown["prediction"].forecast
    assert number(float(forecast.mean[0, -1, 0])) in text_of(parsed(shown["prediction"]._repr_html_()))
    for check in shown["audit"].checks:
        assert unescape(check.claim) in text_of(parsed(shown["audit"]._repr_html_()))


def test_a_failed_check_is_said_in_words(shown: dict[str, Any]) -> None:
    audit = shown["audit"]
    bad = replace_check(audit, "failed", "step 1 has not seen the newest row")
    assert "step 1 has not seen the newest row" in repr(bad)


def replace_check(audit: Any, status: str, meaning: str) -> Any:
    first, *others = audit.checks
    return msgspec.structs.replace(
        audit, checks=(msgspec.structs.replace(first, status=status, meaning=meaning), *others)
    )


def test_ten_thousand_series_are_a_summary_and_the_first_rows() -> None:
    columns = Columns(target=("y",), id="unique_id", time="ds")
    values = np.arange(20, dtype=np.float64)[:, None]
    panel = panel_from_arrays({f"s{k}": values + k for k in range(10_000)}, columns, parse_frequency("1d"))
    page = panel._repr_html_()
    assert len(page) < 8_000
    text = text_of(parsed(page))
    assert text.startswith("Panel of 10,000 series")
    assert "s4" in text
    assert "s5" not in text
    assert "9,995 more series" in text
    assert len(repr(panel).splitlines()) <= 12


def test_a_panel_without_a_known_value_is_shown() -> None:
    empty = waves(1, 5)
    nothing = replace(empty, values=np.full((5, 1), np.nan, dtype=np.float32))
    assert "missing 100.0%" in repr(nothing)
    assert "n/a" in nothing._repr_html_()


# Curves


def points(path: str) -> list[list[tuple[float, float]]]:
    strokes = (stroke for stroke in path.replace("Z", "").split("M") if stroke.strip())
    return [[(float(x), float(y)) for x, y in (each.split(",") for each in stroke.split("L"))] for stroke in strokes]


NUMBERS = some.lists(some.floats(allow_nan=True, allow_infinity=True), max_size=40).map(tuple)


@given(NUMBERS, NUMBERS)
def test_a_curve_of_any_numbers_stays_on_its_sheet_from_left_to_right(
    values: tuple[float, ...], ahead: tuple[float, ...]
) -> None:
    found = drawn(Curve(values, ahead, ahead, ahead))
    for path in found:
        for stroke in points(path):
            assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in stroke)
    for stroke in points(found.seen):
        assert all(one[0] <= other[0] for one, other in pairwise(stroke))
    assert len(blocks(Curve(values, ahead))) == min(24, len(values) + len(ahead))


def test_a_curve_reaches_both_edges_and_gaps_are_gaps() -> None:
    first, second = points(drawn(Curve((0.0, 4.0, nan, 2.0, 1.0))).seen)
    assert first[0][1] == HEIGHT - 2
    assert first[1][1] == 2
    assert second[0][1] == HEIGHT / 2
    assert second[1][0] == WIDTH - 2
    assert blocks(Curve((0.0, 4.0, nan, 2.0, 1.0))) == "▁█ ▅▃"
    (flat,) = points(drawn(Curve((3.0, 3.0, 3.0))).seen)
    assert {y for _, y in flat} == {HEIGHT / 2}


def test_a_forecast_goes_on_from_the_newest_value_and_its_band_is_closed() -> None:
    found = drawn(Curve((1.0, 2.0), (3.0, 4.0), (2.5, 3.0), (3.5, 5.0)))
    ((start, *_),) = points(found.ahead)
    assert start == points(found.seen)[0][-1]
    assert found.band.endswith("Z")
    assert len(points(found.band)[0]) == 4


def test_thinning_keeps_the_mean_and_what_is_known() -> None:
    values = np.random.default_rng(0).normal(size=960).tolist()
    assert np.mean(thinned(values)) == pytest.approx(np.mean(values))
    assert len(thinned(values)) == 96
    assert thinned([1.0, nan, 3.0, inf], 2) == (1.0, 3.0)
    assert thinned((1.0, 2.0)) == (1.0, 2.0)


def test_numbers_and_names_for_people() -> None:
    assert [number(value) for value in (None, nan, 0.0, 0.123456, 1234.5, 123456.7)] == [
        "n/a", "n/a", "0", "0.1235", "1,234", "123,457",
    ]  # fmt: skip
    assert short("x" * 100) == "x" * 47 + "…"


# A notebook as a listener


class Handle:
    """What IPython gives for an output with a name."""

    def __init__(self, pages: list[str]) -> None:
        self.pages = pages

    def update(self, page: str) -> None:
        self.pages.append(page)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every drawing, first to last, of a notebook that is none."""
    drawings = list[str]()

    def display(page: str, *, display_id: bool) -> Handle:
        assert display_id
        drawings.append(page)
        return Handle(drawings)

    module = ModuleType("IPython.display")
    module.HTML, module.display = str, display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return drawings


def test_a_fit_in_a_notebook_is_one_output_drawn_a_few_times_a_second(pages: list[str]) -> None:
    listener = Notebook()
    model = gatecast.fit(wave_table(160, EVIL[:2]), **{**SMALL, "steps": 40}, listener=listener)
    assert 3 <= len(pages) < 40
    for page in pages:
        parsed(page)
    last = text_of(parsed(pages[-1]))
    assert "step 40 of 40" in last
    assert "validation" in last
    assert all(guess.why in last for guess in model.guesses)


def test_a_fit_that_fails_shows_how_far_it_came(pages: list[str]) -> None:
    listener = Notebook()
    listener.guessed([Guess("cell", EVIL[0], "because")])

    def broken() -> None:
        with listener.training(TrainingConfig(steps=50), 0):
            for step in range(1, 8):
                listener.step(StepRecord(step, 0.5 / step, 0.1, 0.01, 0.0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert "step 7 of 50" in text_of(parsed(pages[-1]))


def test_a_training_within_a_time_says_so(pages: list[str]) -> None:
    listener = Notebook()
    with listener.training(TrainingConfig(budget="60s"), 3):
        pass
    assert "step 3, within 60s" in text_of(parsed(pages[-1]))


def test_where_no_kernel_runs_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel.zmqshell", raising=False)
    assert isinstance(listener_here(), Silent)

    class Shell:
        pass

    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", SimpleNamespace(ZMQInteractiveShell=Shell))  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=Shell))  # type: ignore[arg-type]
    assert in_notebook()
    assert isinstance(listener_here(), Notebook)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))  # type: ignore[arg-type]
    assert not in_notebook()


def test_a_card_without_anything_but_a_title_is_one_line() -> None:
    assert Card("a <b>").text() == "a <b>"
    assert text_of(parsed(Card("a <b>").html())) == "a <b>"
