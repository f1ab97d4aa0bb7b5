"""Numbers that 32-bit floats, in which nets compute, can no longer tell apart."""

import numpy as np
import polars as pl

from gatecast.data.records import Records
from gatecast.errors import TableError

MOST_LOST = 1e-3  # of the distance between the smallest and the largest value of a series


def check_digits(records: Records) -> None:
    """Refuse a target whose rows differ in digits that rounding to 32 bits takes away.

    These keep about seven digits: 1,700,000,001 and 1,700,000,002 become one number.

    Raises:
        TableError: what is lost of a value is more than a thousandth of what its series spans.
    """
    for channel, name in enumerate(records.columns.target):
        values = records.values[:, channel]
        lost = np.abs(values - values.astype(np.float32))
        spans = _spans(records, values)
        few = (spans > 0) & ((lost > MOST_LOST * spans) | (spans < np.finfo(np.float32).tiny))
        for row in np.flatnonzero(few)[:1]:
            raise TableError(
                f'target "{name}", {records.where(int(row))}: {_text(values[row])} is kept as '
                f"{_text(np.float64(np.float32(values[row])))} in 32-bit floats, and all rows of its series lie within "
                f"{spans[row]:g}. Subtract a constant from the column, or give it in another unit."
            )


def _spans(records: Records, values: np.ndarray) -> np.ndarray:
    """The distance between the smallest and the largest value of the series of each row."""
    known = pl.DataFrame({"series": records.codes, "value": values}).with_columns(pl.col("value").fill_nan(None))
    return (
        known.select((pl.col("value").max() - pl.col("value").min()).over("series").fill_null(0.0))
        .to_series()
        .to_numpy()
    )


def _text(value: np.floating) -> str:
    return np.format_float_positional(value, trim="-") if 1e-4 < abs(value) < 1e19 else f"{value:.9g}"
