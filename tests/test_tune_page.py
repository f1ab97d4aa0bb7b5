"""The page and the printed outcome of a search: complete, true to its numbers, harmless."""

import json
import re
from html import unescape
from pathlib import Path

import msgspec
import polars as pl
import pytest

from gatecast.cli import main
from gatecast.evaluation.results import Metrics
from gatecast.reporting.scores import number
from gatecast.tuning import tune
from gatecast.tuning.listening import SearchTerminal
from gatecast.tuning.page import render, write_page
from gatecast.tuning.records import SearchRecord, TrialRecord
from gatecast.tuning.result import Search
from gatecast.tuning.telling import told
from gatecast.workflow.runs import read_metrics
from reporting_runs import HOSTILE
from small_tables import wave_table
from test_report import Page

FLAGS = ("--horizon", "4", "--season", "12", "--trials", "5", "--steps", "8", "--baselines", "naive")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuned")
    wave_table().write_csv(folder / "waves.csv")
    assert main(["tune", str(folder / "waves.csv"), *FLAGS, "--out", str(folder / "run"), "--quiet"]) == 0
    return folder / "run"


def record_of(folder: Path) -> SearchRecord:
    return msgspec.json.decode((folder / "search.json").read_bytes(), type=SearchRecord)


def trial(number: int, loss: float | None, status: str = "done", **settings: object) -> TrialRecord:
    looks = {} if loss is None else {50: loss + 1, 100: loss}
    reason = "hidden_size: </script><b>no" if status == "failed" else ""
    return TrialRecord(number, status, {"network.layer.cell": "gru"} | settings, loss, 100, 1.5, looks, reason)  # type: ignore[arg-type]


MADE = SearchRecord(
    ("network.layer.cell", "network.layer.hidden_size", "training.learning_rate"),
    best=2,
    defaults=0,
    trials=(
        trial(0, 0.5, **{"network.layer.hidden_size": 64}),
        trial(1, None, "failed"),
        trial(2, 0.25, "stopped", **{"network.layer.hidden_size": 128, "training.learning_rate": 1e-3}),
        trial(3, 9.0, "pruned", **{"network.layer.cell": "lstm"}),
    ),
    importance={"network.layer.hidden_size": 0.7, "training.learning_rate": 0.1},
)


def test_the_page_has_every_section_and_loads_nothing(folder: Path) -> None:
    seen = Page((folder / "search.html").read_text())
    sections = [attributes["id"] for attributes in seen.all("section")]
    assert sections == ["verdict", "trials", "best", "importance", "settings", "scores", "all"]
    links = [value for _, attributes in seen.elements for key, value in attributes.items() if key in {"src", "href"}]
    assert links
    assert all(link is not None and link.startswith("#") for link in links)
    assert len(seen.html.encode()) < 2_000_000
    assert seen.words("h1") == ["waves.csv"]


def test_the_page_says_the_numbers_of_search_json_and_of_the_fit(folder: Path) -> None:
    record, metrics = record_of(folder), read_metrics(folder)
    page = render(record, "waves.csv", metrics)
    assert metrics.verdict.text in unescape(page)
    for each in record.trials:
        assert f'<th scope="row">{each.number + 1}</th><td>{number(each.loss)}</td>' in page
    for score in metrics.scores:
        assert f"<td>{number(score.mase)}</td>" in page


def test_the_page_puts_the_best_beside_the_defaults_and_warns_of_luck(folder: Path) -> None:
    page = render(MADE, "made", read_metrics(folder))
    said = (
        "The best is trial 3, with a validation loss of 0.2500; that of the defaults is 0.5000, so it is 50.0% lower."
    )
    assert said in page
    assert '<tr class="other"><th scope="row">hidden_size</th><td>128</td><td>64</td></tr>' in page
    assert '<tr><th scope="row">cell</th><td>gru</td><td>gru</td></tr>' in page
    assert "is optimistic" in page
    assert "4 trials, 1 finished, 1 ended early, 1 cut off by the time, 1 failed" in page
    assert "As far as 1 finished trials can tell, hidden_size mattered most, then learning_rate." in page
    assert "1 with a higher loss than" in page


def test_hostile_names_and_reasons_are_words_and_nothing_else(folder: Path) -> None:
    seen = Page(render(MADE, HOSTILE, read_metrics(folder)))
    assert seen.words("h1") == [HOSTILE]
    assert HOSTILE not in seen.html
    assert not seen.all("b")
    assert not re.search(r"</script><b>", seen.html)


def test_a_search_without_defaults_or_importance_has_a_page_too(folder: Path, tmp_path: Path) -> None:
    bare = msgspec.structs.replace(MADE, defaults=None, importance={}, trials=MADE.trials[1:], best=1)
    path = write_page(bare, "bare", read_metrics(folder), tmp_path / "new" / "page.html")
    page = path.read_text()
    assert "Too few trials were finished to tell." in page
    assert ">Defaults</th>" not in page


def test_what_a_trial_tried_is_told_where_it_differs() -> None:
    first, failed, best, pruned = MADE.trials
    assert told(first, first.settings) == "the defaults"
    assert told(best, first.settings) == "hidden_size=128 learning_rate=0.001  (time was up at 100 %)"
    assert told(pruned, first.settings) == "cell=lstm  (ended at 100 %)"
    assert told(failed, first.settings).startswith("the defaults  (failed: hidden_size")


def test_the_terminal_has_a_line_for_each_trial_and_stdout_the_result(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["tune", str(folder.parent / "waves.csv"), *FLAGS, "--out", str(tmp_path / "run")]) == 0
    caught = capfd.readouterr()
    assert re.search(r"^ +1 \* 0\.\d{4}  the defaults", caught.err, re.MULTILINE)
    assert len(re.findall(r"^ +\d [* ] \d\.\d{4}  ", caught.err, re.MULTILINE)) == 5
    assert caught.err.count("Decided for you") == 1
    assert "xperimental" not in caught.err
    assert re.search(r"best of 5 trials on the validation part: 0\.\d{4}, beside 0\.\d{4} of the defaults", caught.out)
    assert "[32m" not in caught.err


def test_json_is_the_search_and_the_scores(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["tune", str(folder.parent / "waves.csv"), *FLAGS, "--out", str(tmp_path / "run"), "--json"]
    assert main(command) == 0
    caught = capfd.readouterr()
    told_of = json.loads(caught.out)
    assert caught.err == ""
    assert len(told_of["search"]["trials"]) == 5
    assert msgspec.convert(told_of["metrics"], Metrics) == read_metrics(tmp_path / "run")


def test_a_config_file_says_settings_too(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('cell = "mingru"\ntraining.learning_rate = 0.004\n')
    more = ("--config", str(config), "--out", str(tmp_path / "run"), "--quiet")
    assert main(["tune", str(folder.parent / "waves.csv"), *FLAGS, *more]) == 0
    assert not {"network.layer.cell", "training.learning_rate"} & set(record_of(tmp_path / "run").searched)


def test_a_search_in_python_writes_its_page_where_it_is_asked_to(tmp_path: Path) -> None:
    found: Search = tune(pl.DataFrame(wave_table()), trials=2, horizon=4, steps=4, season=12, listener=SearchTerminal())
    page = found.report(tmp_path / "page.html").read_text()
    assert "2 trials" in page
