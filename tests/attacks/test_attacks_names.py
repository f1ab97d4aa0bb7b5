"""Hostile names go through everything that reads, shows, writes, sends and stores them."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest
from hostile_names import NAMES, TARGET, assert_harmless, assert_shown, hostile_run
from ledger import Ledger
from markupsafe import escape
from PIL import Image
from trying import tried

import gatecast
from gatecast.cli import main
from gatecast.data.formulas import as_csv
from gatecast.data.reading import read_table
from gatecast.visible import shortened, visible
from http_clients import Called

LEDGER = Ledger("Names")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_run(tmp_path_factory.mktemp("names"))


@pytest.fixture(scope="module")
def forecast(run: Path) -> pl.DataFrame:
    return gatecast.load(run).predict().to_frame()


@pytest.fixture(scope="module")
def csv(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("out") / "f.csv"
    assert main(["predict", str(run), "--out", str(path)]) == 0
    return path


@pytest.mark.parametrize("abuse", NAMES)
def test_a_series_of_any_name_is_forecast_shown_as_text_and_kept_under_its_name(
    abuse: str, run: Path, forecast: pl.DataFrame
) -> None:
    name = NAMES[abuse]
    assert forecast.filter(unique_id=name).height == 4, "cut, normalised or mixed up with another"
    assert name in pl.read_parquet(run / "forecasts.parquet")["unique_id"]
    LEDGER.enter(f"{abuse}, as the name of a series", f"read: shown as `{shortened(visible(name), 60)}`")


def test_a_report_of_hostile_names_holds_nothing_of_their_making(run: Path) -> None:
    html = (run / "report.html").read_text(encoding="utf-8")
    assert_harmless(html)
    assert str(escape(TARGET)) in html, "it is there, as words"
    LEDGER.enter(
        "scripts, attributes and entities as title, series, columns and words, in report.html",
        "read: words; the page has no element, attribute or address but its own",
    )


@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium to open the report")
def test_a_browser_runs_no_script_of_a_name_even_without_the_policy_of_the_page(run: Path, tmp_path: Path) -> None:
    html = (run / "report.html").read_text(encoding="utf-8")
    bare = html.replace("Content-Security-Policy", "none")
    bare = bare.replace("</body>", "<script>document.documentElement.dataset.ran = 1</script></body>")
    (tmp_path / "bare.html").write_text(bare, encoding="utf-8")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom")
    command = [str(CHROMIUM), *flags, f"--user-data-dir={tmp_path}/profile", (tmp_path / "bare.html").as_uri()]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert 'data-ran="1"' in seen[:500], "the trap does not work"
    assert 'data-hacked="1"' not in seen
    LEDGER.enter("the same in a browser, with the policy of the page taken away", "read: no script of a name runs")


def test_pictures_of_hostile_names_are_drawn_under_names_of_their_own(run: Path) -> None:
    pictures = sorted((run / "pictures").iterdir())
    assert {path.suffix for path in pictures} == {".png"}
    assert all(path.stem.replace("_", "").isalnum() and path.stem.isascii() for path in pictures)
    for path in pictures:
        Image.open(path).verify()
    LEDGER.enter("the same in pictures", "read: drawn as they are; no name is taken for TeX, none for a path")


def test_nothing_of_a_name_acts_on_a_terminal(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for command in (["predict"], ["backtest"], ["predict", "--json"], ["audit"], ["compare"]):
        assert main([command[0], str(run), *command[1:]]) == 0
    with_guesses = [str(next(run.parent.glob("*.parquet"))), "--target", "absent\x1b[31m\u202e"]
    assert main(["fit", *with_guesses, "--out", str(run.parent / "\x1b[2Jelsewhere")]) == 1
    caught = capfd.readouterr()
    assert_shown(caught.out)
    assert_shown(caught.err)
    LEDGER.enter("the same in a terminal: tables, JSON, guesses and refusals", "read: an escape is shown for what acts")


def test_json_from_the_command_line_tells_the_names_as_they_are(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    assert main(["predict", str(run), "--json"]) == 0
    assert {row["unique_id"] for row in json.loads(capfd.readouterr().out)} == set(NAMES.values())
    LEDGER.enter("the same as JSON from the command line", "read: the same names; what acts is escaped as JSON does")


def test_no_cell_of_a_written_csv_is_a_formula_and_no_number_is_touched(csv: Path, forecast: pl.DataFrame) -> None:
    raw = pl.read_csv(io.BytesIO(csv.read_bytes()), infer_schema=False)
    numbers = raw["unique_id"].str.contains(r"^-?\d+$")
    assert not raw.filter(~numbers)["unique_id"].str.contains(r"^[=+\-@\t\r\uff1d]").any()
    assert raw["mean"].cast(pl.Float64).to_list() == forecast["mean"].to_list()
    assert b"'=cmd" in csv.read_bytes()
    LEDGER.enter(
        "formulas as names, in the CSV of forecasts",
        "read: an apostrophe in front of what begins with = + - @, a tab or a line break; numbers are left as they are",
    )


def test_what_was_written_as_csv_is_read_again_under_the_same_names(csv: Path, forecast: pl.DataFrame) -> None:
    path = csv.with_name("again.csv")
    kept = forecast.filter(~pl.col("unique_id").str.contains(r"[\x00-\x1f]"))
    path.write_bytes(as_csv(kept))
    assert tried(lambda: read_table(path)).accepted()["unique_id"].to_list() == kept["unique_id"].to_list()
    LEDGER.enter("the CSV of forecasts, read again by gatecast", "read: the apostrophes are taken off again")
    refused = tried(lambda: read_table(csv), csv.parent).refused()
    LEDGER.enter("the CSV of forecasts with a NUL in a name, read again by gatecast", f"refused: {refused}")


def test_hostile_names_over_http_are_answered_as_json_and_logged_in_one_line() -> None:
    called = Called()
    for name in NAMES.values():
        if len(name) > 512:
            continue
        row = {"series": name, "ds": "2024-01-01T00:00:00", "y": 1.5}
        answer = called.observe({"observations": [row]})
        assert answer.status_code == 200, (name, answer.text)
        missing = called.client.get("/v1/forecast", params={"series": f"{name}!"})
        assert missing.status_code == 404
        for head in (answer, missing):
            assert head.headers["x-content-type-options"] == "nosniff"
            assert head.headers["content-type"] in {"application/json", "application/problem+json"}
            assert "set-cookie" not in head.headers
        assert_shown(missing.json()["detail"])
    assert all(line["level"] for line in called.log)
    LEDGER.enter("the same in requests over HTTP", "read: answers are JSON, no header is of a name's making")
    LEDGER.enter("the same in the log of the server", "read: one JSON object a line, whatever a name holds")
