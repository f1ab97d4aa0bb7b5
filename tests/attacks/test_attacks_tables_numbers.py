"""Numbers as people, spreadsheets and attackers write them: read as what they mean, or refused by cell."""

from pathlib import Path

import pytest
from tables_tried import daily, hold_read_alike, hold_refused, hold_refused_everywhere, written

ROOM = "Tables: numbers"
INVISIBLE = "\u200b"
REFUSED: dict[str, str] = {
    "thousands grouped by spaces: 1 234": daily("1 234", "12 000", "700"),
    "thousands grouped by no-break spaces": daily("1\xa0234", "12\xa0000", "700"),
    "thousands grouped by thin spaces": daily("1\u2009234", "12\u2009000", "700"),
    "thousands grouped by narrow no-break spaces": daily("1\u202f234", "12\u202f000", "700"),
    "thousands grouped by apostrophes: 1'234": daily("1'234", "12'000.5", "700"),
    "thousands grouped by typographic apostrophes": daily("1\u2019234", "12\u2019000", "700"),
    "thousands grouped by underscores: 1_234": daily("1_234", "12_000", "700"),
    "Indian grouping: 1,23,456": daily('"1,23,456"', '"12,34,567"', "7"),
    "1.234.567 in a table cut at commas": daily("1.234.567", "2.345.678", "3.456.789"),
    "1,234.5 and 1.234,5 in one column": daily('"1,234.5"', '"1.234,5"', "2"),
    "1.5 and 1,5 in one column": daily(1.5, '"1,5"', 2),
    "every cell in percent: 5%": daily("5%", "6%", "7.5%"),
    "one cell in percent": daily(1, "5%", 4, 3),
    "every cell in dollars: $5": daily("$5", "$6", "$7.5"),
    "every cell in euros: 5 \u20ac": daily("5 \u20ac", "6 \u20ac", "7 \u20ac"),
    "one cell with its unit: 5 kg": daily(1, "5 kg", 4, 3),
    "accountants' negatives: (5)": daily(1, "(5)", 4, 3),
    "a minus after the number: 5-": daily(1, "5-", 4, 3),
    "the minus of typographers in every cell": daily("\u22123", "\u22124", "\u22126"),
    "a dash for a minus in one cell": daily(1, "\u20133", 4, 3),
    "Arabic digits": daily("\u0663", "\u0664", "\u0666"),
    "a Chinese unit after 10,000s: 5万元": daily(1, "5万元", 4, 3),
    "1,234万, whose comma could be decimal": daily(1, '"1,234万"', 4, 3),
    "a half: \u00bd": daily(1, "\u00bd", 4, 3),
    "a formula: =1+1": daily(1, "=1+1", 4, 3),
    "a formula that runs a program: =cmd|' /C calc'!A0": daily(1, "=cmd|' /C calc'!A0", 4, 3),
    "a formula: @SUM(A1:A9)": daily(1, "@SUM(A1:A9)", 4, 3),
    "a formula: +1+1": daily(1, "+1+1", 4, 3),
    "what spreadsheets keep from becoming a number: '5": daily(1, "'5", 4, 3),
    "a division by zero of a spreadsheet: #DIV/0!": daily(1, "#DIV/0!", 4, 3),
    "hexadecimal: 0x10": daily(1, "0x10", 4, 3),
    "two dots: 1.2.3": daily(1, "1.2.3", 4, 3),
    "a word in one of 20 rows": daily(1, 2, 4, *range(5, 20), "oops", 3),
    "words in half of the cells": daily(1, 2, "a", "b"),
    "words in most of the cells": daily(1, "a", "b", "c"),
    "words in every cell": daily("low", "high", "low"),
    "yes and no": daily("yes", "no", "yes"),
    "a mark that cannot be seen before a number": daily(1, f"{INVISIBLE}5", 4, 3),
    "a command to the terminal in a cell": daily(1, "\x1b[2J5", 4, 3),
    "a script in a cell": daily(1, "<script>alert(1)</script>", 4, 3),
    "a word for missing that is not known: n.d.": daily(1, "n.d.", 4, 3),
    "inf": daily(1, "inf", 4),
    "-Infinity": daily(1, "-Infinity", 4),
    "the sign of infinity": daily(1, "\u221e", 4),
    "1e400, more than a 64-bit float holds": daily(1, "1e400", 4),
    "1e308": daily(1, "1e308", 4),
    "-1e308": daily(1, "-1e308", 4),
    "1e39, more than a 32-bit float holds": daily(1, "1e39", 4),
    "1e-46, 2e-46, 4e-46, less than a 32-bit float holds": daily("1e-46", "2e-46", "4e-46"),
    "1e-40, 2e-40, 4e-40, which have few digits in 32 bits": daily("1e-40", "2e-40", "4e-40"),
    "whole numbers above 2^53 that differ by one": daily(2**53 + 1, 2**53 + 2, 2**53 + 4),
    "whole numbers above 2^24 that differ by one": daily(2**24 + 1, 2**24 + 2, 2**24 + 4),
    "a counter of epoch seconds as the target": daily(1704067200, 1704067260, 1704067320, 1704067390),
    "a series that never changes": daily(5, 5, 5),
    "a series with one value": daily("", 5, ""),
    "no value in any cell": daily("", "", ""),
    "NA in every cell": daily("NA", "NA", "NA"),
}
READ: dict[str, tuple[str, list[float | None]]] = {
    "1.234,56 between semicolons": (daily("1.234,56", "2.000,00", "7,5", separator=";"), [1234.56, 2000, 7.5]),
    "1.234,56 in quotes between commas": (daily('"1.234,56"', '"2.000,00"', '"7,5"'), [1234.56, 2000, 7.5]),
    "1.234 beside a column with decimal commas": (
        "ds;x;y\n2024-01-01;1,5;1.234\n2024-01-02;2,5;12.000\n2024-01-03;1.000,5;700\n",
        [1234, 12000, 700],
    ),
    "1.234 and 2.345.678 beside a column with decimal commas": (
        "ds;x;y\n2024-01-01;1,5;1.234\n2024-01-02;2,5;2.345.678\n2024-01-03;3,5;700\n",
        [1234, 2345678, 700],
    ),
    "1.234 between semicolons, with no comma anywhere": (
        daily("1.234", "2.345", "3.456", separator=";"),
        [1.234, 2.345, 3.456],
    ),
    "1,234 between semicolons": (daily("1,234", "2,345", "3,456", separator=";"), [1.234, 2.345, 3.456]),
    "1,234 between tabs": (daily("1,234", "2,345", "3,456", separator="\t"), [1.234, 2.345, 3.456]),
    "1,234 in quotes between commas": (daily('"1,234"', '"2,345"', '"3,456"'), [1234, 2345, 3456]),
    "0,123 in quotes between commas": (daily('"0,123"', '"0,456"', '"0,789"'), [0.123, 0.456, 0.789]),
    "1,5E3 in one cell": (daily(1, '"1,5E3"', 4), [1, 1500, 4]),
    "+5, 5., .5 and 1E+03": (daily("+5", "5.", ".5", "1E+03"), [5, 5, 0.5, 1000]),
    "full-width digits in one cell": (daily(1, "\uff13", 4, 3), [1, 3, 4, 3]),
    "1.5万, -3亿 and 2万亿": (daily("1.5万", "-3亿", "2万亿", 7), [1.5e4, -3e8, 2e12, 7]),
    "a no-break space around a number": (daily(1, "\xa05\xa0", 4), [1, 5, 4]),
    "1e-320 in one cell": (daily(1, "1e-320", 4), [1, 0, 4]),
    "2^64 - 1 in one cell": (daily(1, 2**64 - 1, 4), [1, 2**64, 4]),
    "true and false": (daily("true", "false", "TRUE"), [1, 0, 1]),
    "nan, NaN, -nan, N/A, NULL, #N/A, -, ? and nothing": (
        daily(1, "nan", "NaN", "-nan", "N/A", "NULL", "#N/A", "-", "?", "", 2),
        [1, *[None] * 9, 2],
    ),
    "-999 where nothing was measured": (daily(1, -999, 4), [1, -999, 4]),
    "0/1/true mixed": (daily(0, 1, "true", 0), [0, 1, 1, 0]),
    "an empty column beside the target": ("ds,x,y\n2024-01-01,,1\n2024-01-02,,2\n", [1, 2]),
    "a column of words for missing beside the target": ("ds,x,y\n2024-01-01,NA,1\n2024-01-02,NULL,2\n", [1, 2]),
}


@pytest.mark.parametrize("abuse", REFUSED)
def test_what_is_no_number_is_refused_by_its_cell(
    abuse: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, REFUSED[abuse])
    message = hold_refused_everywhere(ROOM, abuse, path, tmp_path, capsys)
    assert '"y"' in message, "the column is named"
    assert message.isprintable(), "nothing in a cell reaches the terminal as a command"


@pytest.mark.parametrize("abuse", READ)
def test_numbers_are_read_as_what_they_mean(abuse: str, tmp_path: Path) -> None:
    content, values = READ[abuse]
    path = written(tmp_path, content)
    hold_read_alike(ROOM, abuse, path, tmp_path, values)


def test_a_named_covariate_without_a_value_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "ds,x,y\n2024-01-01,,1\n2024-01-02,,2\n")
    assert '"x"' in hold_refused(ROOM, "past=x, and no cell of x has a value", path, tmp_path, past=("x",))


def test_one_odd_cell_of_a_covariate_is_refused(tmp_path: Path) -> None:
    rows = [f"2024-01-{day:02d},{'oops' if day == 5 else day * day % 7},{day * day % 11}" for day in range(1, 20)]
    path = written(tmp_path, "\n".join(["ds,x,y", *rows, ""]))
    assert 'column "x", line 6' in hold_refused(ROOM, "a letter in one cell of a covariate", path, tmp_path)
