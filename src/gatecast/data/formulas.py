"""Text that a spreadsheet would take for a formula is marked when it is written as CSV, and freed when it is read.

A formula may call programs or the network, and the names in a forecast come from anybody's table.
The mark is an apostrophe in front, as the Open Worldwide Application Security Project advises ("CSV Injection").  It is
put before apostrophes too that stand before such a text, so that reading takes off exactly what writing put on.
Numbers are left as they are, those among the text as well: no number is a formula.
"""

from typing import Literal

import polars as pl

MARK = "'"
_BEGINS = r"^'*[=+\-@\t\r\n＝＋－＠]"  # noqa: RUF001 - spreadsheets take the wide ones too
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_MARKED = r"^'('*[=+\-@\t\r\n＝＋－＠])"  # noqa: RUF001
_CUTS = r"[;\t|]"  # what other countries' spreadsheets cut lines at, where no quotes stand around


def as_csv(frame: pl.DataFrame) -> bytes:
    """A data frame as CSV that is safe to open in a spreadsheet."""
    safe = frame.with_columns(pl.col(pl.String).map_batches(_marked))
    safe.columns = _marked(pl.Series(frame.columns)).to_list()
    return safe.write_csv(quote_style=_quotes(safe)).encode()


def without_marks(cells: pl.Series) -> pl.Series:
    """Text cells as they were before `as_csv` marked them."""
    return cells.str.replace(_MARKED, "${1}")


def _marked(cells: pl.Series) -> pl.Series:
    acts = cells.str.contains(_BEGINS) & ~cells.str.contains(_NUMBER)
    return pl.select(pl.when(acts).then(pl.lit(MARK) + cells).otherwise(cells).alias(cells.name)).to_series()


def _quotes(frame: pl.DataFrame) -> Literal["necessary", "non_numeric"]:
    """Around all text where some of it could be cut into cells of its own."""
    texts = (pl.Series(frame.columns), *frame.select(pl.col(pl.String)))
    return "non_numeric" if any(text.str.contains(_CUTS).any() for text in texts) else "necessary"
