"""The page's own JavaScript without a browser: every module parses, and what reads text reads it right."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gatecast.server.page.assets import OURS

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="needs node to run JavaScript without a browser")
CARD = {"targets": ["y"], "past": ["temp"], "future": [], "frequency": "1h"}


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules in a folder that says to node what they are, as `type=module` does to a browser."""
    folder = tmp_path_factory.mktemp("page")
    for path in OURS.glob("*.js"):
        shutil.copy(path, folder)
    folder.joinpath("package.json").write_text('{"type": "module"}')
    return folder


def run(modules: Path, names: str, module: str, expression: str, **values: Any) -> Any:
    """What `expression` comes to, with `names` imported from `module`; its error as text."""
    code = f"""import {{ {names} }} from "./{module}";
        const {{ {", ".join(values)} }} = JSON.parse(process.argv[2]);
        let found;
        try {{ found = {expression}; }} catch (error) {{ found = `refused: ${{error.message}}`; }}
        console.log(JSON.stringify(found));"""
    path = modules / "case.js"
    path.write_text(code)
    command = ["node", path, json.dumps(values)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)


@pytest.mark.parametrize("name", sorted(path.name for path in OURS.glob("*.js")))
def test_a_module_parses(name: str, modules: Path) -> None:
    done = subprocess.run(["node", "--check", modules / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def csv(modules: Path, text: str) -> Any:
    return run(modules, "parseCsv", "csv.js", "parseCsv(text)", text=text)


@pytest.mark.parametrize(
    ("text", "delimiter", "rows", "lines"),
    [
        ("ds,y\n1,2\n3,4\n", ",", [["1", "2"], ["3", "4"]], [2, 3]),
        ("\ufeffds,y\r\n1,2\r\n3,4", ",", [["1", "2"], ["3", "4"]], [2, 3]),
        ("ds;y\r1;2\r", ";", [["1", "2"]], [2]),
        ("ds\ty\n1\t2", "\t", [["1", "2"]], [2]),
        ('ds,y\n"a, ""b""\nc",2\n5,6', ",", [['a, "b"\nc', "2"], ["5", "6"]], [2, 4]),
        ('"d;s",y\n1,2', ",", [["1", "2"]], [2]),
        ("ds,y\n1,\n\n,2\n", ",", [["1", ""], ["", "2"]], [2, 4]),
        ('ds,y\n"",""\n', ",", [["", ""]], [2]),
        ("ds\n1\n", ",", [["1"]], [2]),
    ],
)
def test_a_table_is_read_with_the_line_of_each_row(
    text: str, delimiter: str, rows: list[list[str]], lines: list[int], modules: Path
) -> None:
    found = csv(modules, text)
    assert (found["delimiter"], found["rows"], found["lines"]) == (delimiter, rows, lines)
    assert not found["header"][0].startswith("\ufeff")


def test_the_apostrophe_before_what_is_no_formula_is_taken_off(modules: Path) -> None:
    found = csv(modules, "'=ds,y\n'=1+1,'x\n''@a,-5\n")
    assert (found["header"], found["rows"]) == (["=ds", "y"], [["=1+1", "'x"], ["'@a", "-5"]])


@pytest.mark.parametrize(
    ("text", "lesson"),
    [
        ("", "line 1: a header and at least one row"),
        ("ds,y\n", "line 1: a header and at least one row"),
        ("ds,y\n1,2\n1,2,3\n", "line 3: the header has 2 cells, this row has 3"),
        ('ds,y\n1,"2\n', "line 2: a double quote is not closed"),
        ('ds,y\n1,"2"3\n', "line 2: a double quote is not closed, or text follows it"),
        ('ds,y\n1,2"\n', "line 2: a double quote stands inside a cell"),
        ("y,y\n1,2\n", 'line 1: two columns have the name "y"'),
    ],
)
def test_a_table_that_cannot_be_read_for_certain_is_refused_with_its_line(
    text: str, lesson: str, modules: Path
) -> None:
    assert csv(modules, text).startswith(f"refused: {lesson}")


def sent(modules: Path, text: str, card: dict[str, Any] = CARD) -> Any:
    body = "((table) => observations(table, guessRoles(table.header, card), card, 'only'))(parseCsv(text))"
    modules.joinpath("both.js").write_text('export * from "./csv.js"; export * from "./columns.js";')
    return run(modules, "parseCsv, observations, guessRoles", "both.js", body, text=text, card=card)


def test_columns_are_known_by_their_names_and_by_what_the_model_takes(modules: Path) -> None:
    found = sent(modules, "unique_id,ds,y,temp,other\na,2024-01-01,1.5,-3e1,x\nb,2024-01-02,,NaN,x\n")
    assert found == [
        {"series": "a", "ds": "2024-01-01", "y": 1.5, "x": {"temp": -30}},
        {"series": "b", "ds": "2024-01-02", "y": None, "x": {"temp": None}},
    ]


def test_a_file_without_a_column_of_names_is_one_series(modules: Path) -> None:
    assert [row["series"] for row in sent(modules, "ds,y\n2024-01-01,1\n2024-01-02,2\n")] == ["only", "only"]


def test_words_stay_words_and_numbered_rows_are_numbers(modules: Path) -> None:
    card = CARD | {"frequency": "1row", "past": ["kind"]}
    found = sent(modules, "ds,y,kind\n7,1,red\n8,2,\n", card)
    assert [(row["ds"], row["x"]["kind"]) for row in found] == [(7, "red"), (8, None)]


def test_several_targets_go_by_their_names(modules: Path) -> None:
    found = sent(modules, "ds,up,down\n2024-01-01,1,2\n", CARD | {"targets": ["up", "down"]})
    assert found[0]["y"] == {"up": 1, "down": 2}


@pytest.mark.parametrize(
    ("text", "lesson"),
    [
        ("ds;y\n2024-01-01;1,5\n", 'line 2: y is "1,5", with a decimal comma. Write numbers with a point: 1.5.'),
        ("ds;y;temp\n2024-01-01;1;2,5\n", 'line 2: temp is "2,5", with a decimal comma.'),
        ("ds,y\n2024-01-01,1\n2024-01-02,abc\n", 'line 3: y is "abc", where a number is expected.'),
        ("ds,y\n2024-01-01,1e999\n", 'line 2: y is "1e999", where a number is expected.'),
        ("ds,y\n,1\n", "line 2: the time is empty."),
        ("series,ds,y\n,2024-01-01,1\n", "line 2: the name of the series is empty."),
        ("when,y\n1,2\n", "One column must be the time"),
    ],
)
def test_a_row_that_is_no_observation_is_refused_with_its_line(text: str, lesson: str, modules: Path) -> None:
    assert sent(modules, text).startswith(f"refused: {lesson}")


def events(modules: Path, text: str, size: int) -> Any:
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    expression = """((seen) => {
        const reader = new EventReader((data) => seen.push(data), (wait) => seen.push(wait));
        pieces.forEach((piece) => reader.feed(piece));
        return seen;
    })([])"""
    return run(modules, "EventReader", "sse.js", expression, pieces=pieces)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_events_are_the_same_however_the_stream_is_cut(size: int, end: str, modules: Path) -> None:
    lines = [
        "\ufeffretry: 2000",
        "",
        ": still here",
        "",
        "id: 1",
        'data: {"a": "é: b"}',
        "",
        "data: one",
        "data:two",
        "",
    ]
    text = end.join([*lines, "data", "", "event: x", "", "data: never finished", "", "."])
    assert events(modules, text, size) == [2000, '{"a": "é: b"}', "one\ntwo", "", "never finished"]


def test_an_event_counts_only_once_its_empty_line_has_come(modules: Path) -> None:
    assert events(modules, "data: whole\n\ndata: half\n", 1000) == ["whole"]


HISTORY = {
    "summary": {"series": "a", "rows": 2, "ds": "2024-01-01T01:00:00", "y": 2, "alarm": False},
    "ds": ["2024-01-01T00:00:00", "2024-01-01T01:00:00"],
    "y": [1, 2],
    "interval": 0.8,
    "settled": {"ds": ["2024-01-01T01:00:00"], "y": [2], "low": [0], "median": [1], "high": [1.5]},
}


def event(hour: int, y: float | None, median: float | None = 1.0) -> dict[str, Any]:
    ends = {"low": 0, "median": median, "high": 1.5}
    return {"series": "a", "ds": f"2024-01-01T0{hour}:00:00", "y": y, "alarm": True, "gates": {}} | ends


def test_an_observation_that_the_history_holds_already_is_not_taken_twice(modules: Path) -> None:
    expression = """((history) => [events.map((event) => history.take(event)), history.rows.length,
        history.settled.length, history.coverage(2), history.lastError, history.summary])(new History(answer))"""
    sequence = [event(1, 2), event(2, 1), event(2, 1), event(3, None), event(4, 1.25)]
    taken, rows, settled, coverage, error, summary = run(
        modules, "History", "history.js", expression, answer=HISTORY, events=sequence
    )
    assert taken == [False, True, False, True, True]
    assert (rows, settled) == (5, 3)
    assert coverage == [0, 0.5, 1], "the mean over two rows of: outside, inside, inside"
    assert error == 0.25
    assert (summary["rows"], summary["ds"], summary["alarm"]) == (5, "2024-01-01T04:00:00", True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.81234, "0.8123"),
        (12.3456, "12.35"),
        (12345.6, "12,346"),
        (44, "44.00"),
        (None, "\u2013"),
        (1.5e-7, "1.500e-7"),
    ],
)
def test_numbers_have_four_digits_as_in_the_report(value: float | None, text: str, modules: Path) -> None:
    assert run(modules, "number", "format.js", "number(value)", value=value) == text


@pytest.mark.parametrize(("factor", "text"), [(1, "1.0"), (1.24, "1.2"), (4321.0, "4,321")])
def test_how_far_values_lie_apart_is_told_as_a_factor(factor: float, text: str, modules: Path) -> None:
    assert run(modules, "times", "format.js", "times(value)", value=factor) == f"{text} \u00d7 usual"


def test_a_time_without_an_offset_stands_at_utc_and_a_row_at_its_number(modules: Path) -> None:
    given = ["2024-01-01T00:00:00", "2024-01-01T01:00:00+01:00", "2024-01-01", 7]
    assert run(modules, "place", "format.js", "given.map(place)", given=given) == [1704067200000] * 3 + [7]


def test_two_uploads_of_the_same_rows_have_the_same_key_and_others_do_not(modules: Path) -> None:
    texts = ["rows", "rows", "rowt", "sowr", ""]
    first, again, *others = run(modules, "fingerprint", "sending.js", "texts.map(fingerprint)", texts=texts)
    assert first == again
    assert len({first, *others}) == 4
    assert all(len(key) == 32 for key in (first, *others))


def test_the_first_command_survives_quotes_in_names(modules: Path) -> None:
    name = "it's $(touch hacked) `x`"
    line = run(modules, "curl", "curl.js", "curl(card, name, false, 'http://h/v1/observe')", card=CARD, name=name)
    shell = subprocess.run(
        ["sh", "-c", line.replace("curl", "printf '%s\\n'", 1)], capture_output=True, text=True, check=True
    )
    assert json.loads(shell.stdout.splitlines()[-1])["observations"][0]["series"] == name
