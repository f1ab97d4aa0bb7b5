"""The report: complete, true to its numbers, harmless, and alone in one file."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from msgspec.structs import replace as replace_struct

from gatecast.errors import ColumnError, OptionError, TableError
from gatecast.evaluation.results import Verdict
from gatecast.reporting.findings import outcome
from gatecast.reporting.paper import png
from gatecast.reporting.pictures import draw
from gatecast.reporting.record import RunReport
from gatecast.reporting.report import render, write_report
from gatecast.reporting.scores import number
from inspection_makers import INSPECTIONS, inspection
from reporting_runs import HOSTILE, RUNS, audit

made = cache(lambda name: RUNS[name]())
page = cache(lambda name: Page(render(made(name))))
inside = cache(lambda name: Page(render(replace(made("bare"), inside=INSPECTIONS[name]()))))
INSIDE = ["inside", "inside-gates", "inside-timescales", "inside-memory", "inside-gradients", "inside-importance"]


class Page(HTMLParser):
    """What a browser would see: the elements with their attributes, and the text of each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and data.strip():
            self.texts.append((self.elements[-1][0], data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def words(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]

    def charts(self) -> list[dict[str, object]]:
        return [json.loads(text) for text in self.words("script") if text.startswith('{"target_id"')]

    def table(self) -> list[list[str]]:
        rows = re.findall(r"<tr.*?</tr>", self.html[: self.html.index('id="forecast"')], re.DOTALL)
        return [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in rows]


@pytest.mark.parametrize("name", RUNS)
def test_every_run_gets_every_section_in_order(name: str) -> None:
    sections = [attributes["id"] for attributes in page(name).all("section")]
    promised = "verdict scores forecast backtest steps training audit data guesses details"
    assert sections == promised.split()


@pytest.mark.parametrize("name", RUNS)
def test_the_file_loads_nothing_and_stays_small(name: str) -> None:
    seen = page(name)
    links = [value for _, attributes in seen.elements for key, value in attributes.items() if key in {"src", "href"}]
    assert links
    assert all(link is not None and link.startswith("#") for link in links)
    assert not {"link", "iframe", "object", "embed", "base", "img"} & {tag for tag, _ in seen.elements}
    assert not re.search(r"@import|url\(", "".join(seen.words("style")))
    assert len(seen.html.encode()) < 2_000_000


@pytest.mark.parametrize("name", RUNS)
def test_only_the_two_scripts_of_the_page_may_run(name: str) -> None:
    seen = page(name)
    running = [attributes for attributes in seen.all("script") if attributes.get("type") != "application/json"]
    sources = [text for text in seen.words("script") if not text.startswith('{"target_id"')]
    assert len(running) == len(sources) == 2
    policy = next(a["content"] for a in seen.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    hashes = [base64.b64encode(hashlib.sha256(source.encode()).digest()).decode() for source in sources]
    assert policy is not None
    assert f"default-src 'none'; script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}';" in policy


def test_hostile_names_are_words_and_nothing_else() -> None:
    seen = page("hostile")
    assert seen.words("h1") == [f"{HOSTILE}.csv"]
    assert any(HOSTILE in heading for heading in seen.words("h3"))
    assert HOSTILE not in seen.html
    assert "</script><b>" not in seen.html
    assert not seen.all("b")
    assert not [key for _, attributes in seen.elements for key in attributes if key.startswith("on")]


def test_no_name_reaches_the_charts_as_tex() -> None:
    # Bokeh reads `$$...$$`, `\(...\)` and `\[...\]` in strings as TeX, for which it asks a server for MathJax.
    charts = page("hostile").charts()
    assert any("温度" in json.dumps(chart, ensure_ascii=False) for chart in charts)
    assert not re.search(r"\$\$|\\\(|\\\[", " ".join(strings(charts)))


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def test_the_table_holds_the_numbers_of_the_metrics() -> None:
    metrics = made("daily").metrics
    rows = {row[0]: row[1:] for row in page("daily").table()[1:]}
    assert set(rows) == {score.model for score in metrics.scores}
    seasonal = next(score.mase for score in metrics.scores if score.model == "seasonal_naive")
    for score in metrics.scores:
        skill, *errors = rows[score.model]
        assert float(skill.removesuffix(" %")) == pytest.approx(100 * (1 - score.mase / seasonal), abs=0.05)
        shown = [float(text.replace(",", "")) for text in errors[:4]]
        assert shown == pytest.approx([score.mase, score.mae, score.rmse, score.smape], rel=1e-3)
    assert rows["gru"][-1] == "78.3 %"
    assert rows["theta"][-2:] == ["n/a", "n/a"]


def test_the_net_comes_first_and_the_others_by_mase() -> None:
    good = made("daily")
    loser = replace(good, name="drift")
    names = [row[0] for row in Page(render(loser)).table()[1:]]
    others = sorted((score.mase, score.model) for score in good.metrics.scores if score.model != "drift")
    assert names == ["drift", *(model for _, model in others)]


def test_the_best_of_each_column_is_marked_once() -> None:
    scores = made("losing").metrics.scores
    losing = [replace_struct(score, mase=0.9 if score.model == "gru" else score.mase) for score in scores]
    html = render(replace(made("losing"), metrics=replace_struct(made("losing").metrics, scores=tuple(losing))))
    rows = re.findall(r"<tr.*?</tr>", html[: html.index('id="forecast"')], re.DOTALL)[1:]
    marks = {Page(row).words("th")[0]: re.findall(r"<td( class=\"best\")?>", row)[1:] for row in rows}
    best = [[model for model, cells in marks.items() if cells[column]] for column in range(6)]
    assert best == [["theta"], ["gru"], ["gru"], ["gru"], [], []]  # nobody is best where only one was scored


@pytest.mark.parametrize(
    ("name", "look", "sign"),
    [("daily", "wins", "✓ Better"), ("undecided", "ties", "≈ Too close"), ("losing", "loses", "✗ Worse")],
)
def test_the_verdict_is_said_in_colour_sign_and_words(name: str, look: str, sign: str) -> None:
    seen = page(name)
    assert f'class="verdict {look}"' in seen.html
    assert seen.words("h2")[0].startswith(sign)
    assert made(name).metrics.verdict.text in seen.words("p")


@pytest.mark.parametrize(
    ("beats", "skill", "p_value", "expected"),
    [(True, 0.1, 0.01, "wins"), (False, -0.2, 0.01, "loses"), (False, -0.2, 0.3, "ties"), (False, 0.1, 0.3, "ties"),
     (False, -0.2, float("nan"), "ties"), (False, 0.0, 0.01, "ties")],
)  # fmt: skip
def test_a_net_loses_only_by_more_than_chance(*, beats: bool, skill: float, p_value: float, expected: str) -> None:
    verdict = Verdict(beats, "theta", skill, p_value, "Diebold-Mariano", "")
    assert outcome(replace_struct(made("bare").metrics, verdict=verdict)) == expected


@pytest.mark.parametrize(("size", "form"), [(1e-6, "0,0.0000000000"), (10.0, "0,0.000"), (1e7, "0,0")])
def test_hovering_shows_five_digits_of_small_and_large_numbers(size: float, form: str) -> None:
    small = made("bare")
    scaled = replace(small, history=small.history.with_columns(pl.col("y") / 11 * size))
    charts = Page(render(scaled)).charts()
    assert f"@{{actual}}{{{form}}}" in strings(charts[-1])


def test_each_section_has_its_charts() -> None:
    count = {name: len(page(name).charts()) for name in RUNS}
    assert count["daily"] == 5
    assert count["two_targets"] == 7
    assert count["many_series"] == 9
    assert count["many_targets"] == count["hostile"] == 15
    assert count["bare"] == 2  # one step, no log, nothing beyond the end: the backtest and the data are left


def test_a_note_says_how_few_of_many_series_were_picked() -> None:
    assert any(text.startswith("Of 414 series, three are shown") for text in page("many_series").words("p"))


def test_the_audit_is_told_check_by_check_in_sign_and_words() -> None:
    seen = page("daily")
    assert (
        "No check speaks against the scores. gru: of 3 checks 1 passed, 0 failed, 1 failed as expected, 1 skipped."
        in (seen.words("p"))
    )
    outcomes = [attributes["class"] for attributes in seen.all("td") if attributes.get("class") not in {None, "best"}]
    assert outcomes == ["passed", "failed", "skipped"]
    assert {"windows 96, moved 0", "failed as expected", "no carried state."} <= set(seen.words("td"))
    bad = Page(render(replace(made("daily"), audit=audit(failing=True))))
    assert any(
        text.startswith("Mend this before you trust the scores. gru: of 3 checks 0 passed, 1 failed,")
        for text in bad.words("p")
    )


def test_guesses_say_how_to_decide_otherwise() -> None:
    assert "--lookback …" in page("daily").words("code")
    assert "change the table" in page("daily").words("td")


def test_everything_a_screen_reader_needs_is_there() -> None:
    seen = page("daily")
    assert seen.all("html")[0]["lang"] == "en"
    assert all(attributes.get("scope") in {"row", "col"} for attributes in seen.all("th"))
    drawings = [attributes for attributes in seen.all("div") if attributes.get("class") == "chart"]
    assert all(attributes["aria-label"] for attributes in drawings)
    assert len(drawings) == len(seen.charts())


def test_the_file_is_written_whole_into_a_new_folder(tmp_path: Path) -> None:
    path = write_report(made("bare"), tmp_path / "runs" / "report.html")
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_is_refused_as_the_report(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"one file, but .* is a folder.*report\.html"):
        write_report(made("bare"), tmp_path)


def test_a_frame_without_a_column_is_refused() -> None:
    with pytest.raises(ColumnError, match=r"history frame needs the columns unique_id, ds, y, got .*Add y\."):
        replace(made("bare"), history=pl.DataFrame({"unique_id": ["a"], "ds": [1]}))


def test_an_empty_history_is_refused() -> None:
    with pytest.raises(TableError, match="needs some history to draw, got none"):
        replace(made("bare"), history=made("bare").history.clear())


def with_zone(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(c).dt.replace_time_zone("UTC") for c in ("ds", "cutoff") if c in frame.columns)


def unknown(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.lit(None, pl.Float64).alias("y"))


def odd_runs() -> dict[str, RunReport]:
    plain = made("undecided")
    nothing = float("nan")
    lost = [replace_struct(s, mase=nothing, mae=nothing, rmse=nothing, smape=nothing) for s in plain.metrics.scores]
    return {
        "time zones": replace(
            plain,
            history=with_zone(plain.history),
            forecast=with_zone(plain.forecast),
            backtest=with_zone(plain.backtest),
        ),
        "no scores": replace(plain, metrics=replace_struct(plain.metrics, scores=tuple(lost), by_step={})),
        "no windows": replace(plain, backtest=plain.backtest.clear()),
        "no actuals": replace(plain, history=unknown(plain.history), backtest=unknown(plain.backtest)),
        "other precision": replace(plain, history=plain.history.with_columns(pl.col("ds").dt.cast_time_unit("ms"))),
        "broken log": replace(plain, steps=[{"step": 1, "loss": None}, {"step": 5, "validation": 0.3}]),
    }


@pytest.mark.parametrize(
    "name", ["time zones", "no scores", "no windows", "no actuals", "other precision", "broken log"]
)
def test_an_odd_run_still_gets_its_report_and_pictures(name: str) -> None:
    odd = odd_runs()[name]
    assert len(Page(render(odd)).all("section")) == 10
    assert all(png(figure).startswith(b"\x89PNG") for figure in draw(odd).values())


def test_a_net_without_a_score_is_refused() -> None:
    with pytest.raises(OptionError, match="a report about 'lstm' needs its score, but the metrics hold gru, naive"):
        replace(made("bare"), name="lstm")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.81234, "0.8123"), (12.3456, "12.35"), (12345.6, "12,346"), (0.0, "0.000"), (1e-7, "1.000e-07"),
     (-0.5, "-0.5000"), (None, "n/a"), (float("nan"), "n/a"), (float("inf"), "n/a")],
)  # fmt: skip
def test_numbers_are_written_for_people(value: float | None, text: str) -> None:
    assert number(value) == text


def test_importing_gatecast_loads_no_drawing_library() -> None:
    code = "import gatecast, sys; print({'bokeh', 'matplotlib', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_browser_draws_every_chart_without_a_complaint(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs Chromium to draw the page")
    path = write_report(replace(made("hostile"), inside=INSPECTIONS["hostile"]()), tmp_path / "report.html")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    options += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--enable-logging=stderr"]
    done = subprocess.run(
        [browser, *options, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "setting log level" not in line]
    assert complaints == []
    drawn = re.findall(r'id="([\w-]+)"[^>]*><div class="bk-(?:Figure|Column)"', done.stdout)
    assert drawn == [f"{key}-chart-{index}" for key in ("forecast", "backtest") for index in range(6)] + [
        f"{key}-chart-0" for key in ("steps", "training")
    ] + ["inside-gates-chart-0", "inside-timescales-chart-0", "inside-memory-chart-0", "inside-memory-chart-1"] + [
        f"{key}-chart-0" for key in ("inside-gradients", "inside-importance", "data")
    ]


def test_what_is_inside_stands_after_the_training_with_its_charts() -> None:
    seen = inside("hourly")
    sections = [attributes["id"] for attributes in seen.all("section")]
    assert sections[sections.index("training") + 1 : sections.index("audit")] == INSIDE
    assert "#inside" in [attributes["href"] for attributes in seen.all("a")]
    targets = [str(chart["target_id"]) for chart in seen.charts()]
    assert [name for name in targets if name.startswith("inside")] == [
        "inside-gates-chart-0",
        "inside-timescales-chart-0",
        "inside-memory-chart-0",
        "inside-memory-chart-1",
        "inside-gradients-chart-0",
        "inside-importance-chart-0",
    ]


def test_a_run_that_nobody_looked_inside_has_no_word_of_it() -> None:
    seen = page("bare")
    assert not [attributes for attributes in seen.all("section") if str(attributes["id"]).startswith("inside")]
    assert "#inside" not in [attributes["href"] for attributes in seen.all("a")]


def test_what_has_nothing_to_show_has_no_section() -> None:
    sections = [attributes["id"] for attributes in inside("untrained").all("section")]
    assert [name for name in sections if str(name).startswith("inside")] == ["inside", "inside-gates"]
    assert "inside-importance" not in [attributes["id"] for attributes in inside("without_gates").all("section")]


def test_a_report_on_a_large_net_stays_small() -> None:
    large = inspection(layers=("l0", "l1"), units=256, updates=10_000)
    assert len(render(replace(made("hostile"), inside=large)).encode()) < 2_000_000


def test_names_inside_are_words_and_nothing_else() -> None:
    seen = inside("hostile")
    assert HOSTILE not in seen.html
    assert not re.search(r"\$\$|\\\(|\\\[", " ".join(text for chart in seen.charts() for text in strings(chart)))
    running = [attributes for attributes in seen.all("script") if attributes.get("type") != "application/json"]
    assert len(running) == 2


def test_the_same_run_tells_the_same_story_twice() -> None:
    first, second = (re.sub(r'"p\d+"', '"p"', render(made("bare"))) for _ in range(2))
    assert first == second
