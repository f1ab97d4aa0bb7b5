"""Dates and numbers as Chinese programs and people write them: 2024年3月1日 8时30分, 2024/3/1 上午8:00, 1.5万, １２３.

Each is rewritten to the signs that dates and numbers are read from, where it can mean one thing only; other cells stay
as they are, so that a complaint shows what stands there.
"""

import polars as pl

# The forms of ASCII that are as wide as a Chinese character, U+FF01 to U+FF5E, and the space that is.
_WIDE = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)} | {"\u3000": " "}
_BEYOND_ASCII = r"[^\x00-\x7f]"
_QUARTERS = tuple(
    (rf"^([0-9]{{4}}) ?年? ?(?:第?[{number}{word}]季度?|[Qq]{number})$", f"${{1}}Q{number}")
    for number, word in enumerate("一二三四", start=1)
)
_DATES = (
    (r"^([0-9]{4}) ?年 ?([0-9]{1,2}) ?月 ?([0-9]{1,2}) ?[日号]", "${1}-${2}-${3} "),
    (r"^([0-9]{4}) ?年 ?([0-9]{1,2}) ?月份?$", "${1}-${2}"),
    (r"^([0-9]{4}) ?年度?$", "${1}-01"),
    *_QUARTERS,
    (r"([0-9]) *\(?(?:星期|周)[一二三四五六日天]\)? *( |$)", "${1} "),
    (r"([0-9]{1,2}) ?[时時点點] ?([0-9]{1,2}) ?分 ?([0-9]{1,2}) ?秒$", "${1}:${2}:${3}"),
    (r"([0-9]{1,2}) ?[时時点點] ?([0-9]{1,2}) ?分?$", "${1}:${2}"),
    (r"([0-9]{1,2}) ?[时時点點]整?$", "${1}:00"),
    (r":([0-9])(:|$)", ":0${1}${2}"),  # 8时5分
    (r":([0-9])$", ":0${1}"),
    # The two halves that programs write; 中午 and 晚上 name hours, not halves: 晚上12点 is the end of its day.
    (r"^(.*[0-9]) *上午 *([0-9:.]+)$", "${1} ${2} AM"),
    (r"^(.*[0-9]) *下午 *([0-9:.]+)$", "${1} ${2} PM"),
)
# The powers of ten by their signs; after a number without commas they are the exponent of a float, so nothing is lost.
_POWERS = (("万亿", 12), ("亿", 8), ("万", 4))
POWER = "[万亿]"


def narrow(cells: pl.Series) -> pl.Series:
    """Text with wide digits, letters and signs as the ASCII ones that they are."""
    return cells.str.replace_many(_WIDE)


def plain_dates(cells: pl.Series) -> pl.Series:
    """Chinese dates as 2024-3-1, 2024-3, 2024Q1, 2024-3-1 8:30 AM; other cells as they are."""
    if not cells.str.contains(_BEYOND_ASCII).any():
        return cells
    cells = narrow(cells)
    for pattern, plain in _DATES:
        cells = cells.str.replace(pattern, plain)
    return cells.str.strip_chars()


def plain_numbers(cells: pl.Series) -> pl.Series:
    """1.5万 as 1.5e4 and 3亿 as 3e8, and wide digits as ASCII ones; other cells as they are."""
    if not cells.str.contains(_BEYOND_ASCII).any():
        return cells
    cells = narrow(cells)
    for sign, power in _POWERS:
        cells = cells.str.replace(rf"^([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)) ?{sign}$", f"${{1}}e{power}")
    return cells
