"""Values as callers write them, as rows of channels in the units of the data."""

import math
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from jaxtyping import Float32

from gatecast.data.columns import Columns
from gatecast.data.frequency import Frequency
from gatecast.data.irregular import without_gap
from gatecast.errors import ColumnError, TableError

LARGEST = float(np.finfo(np.float32).max)
Value = float | int | None
Target = Value | Sequence[Value] | Mapping[str, Value]
Targets = Sequence[Target] | np.ndarray
Covariate = float | int | str | None
Covariates = Mapping[str, Covariate]


@final
class ValueReader:
    """Reads the targets and the covariates of one row, or of many.

    Args:
        columns: which channels there are.
        frequency: an irregular one has a gap for its last past covariate, which nobody writes.
    """

    def __init__(self, columns: Columns, frequency: Frequency) -> None:
        given = without_gap(columns, frequency)
        self.columns = columns
        self.targets = len(columns.target)
        self.covariates = (*given.past, *given.future)
        self.places = {name: columns.channels.index(name) for name in self.covariates}
        self.codes = {
            name: {word: code for code, word in enumerate(words, start=1)} for name, words in columns.categories.items()
        }

    def row(self, y: Target, x: Covariates | None) -> list[float]:
        """One row of channels; NaN where missing.

        Raises:
            ColumnError: a name is unknown, or not every target is told.
            TableError: a value is no number, or too large for float32.
        """
        values = [math.nan] * len(self.columns.channels)
        values[: self.targets] = self._target(y)
        for name, value in (x or {}).items():
            if name not in self.places:
                raise ColumnError(
                    f'x holds "{name}", which this net does not read; it reads {", ".join(self.covariates) or "none"}.'
                )
            values[self.places[name]] = self._covariate(name, value)
        return values

    def rows(self, y: Targets, x: Sequence[Covariates | None] | None) -> Float32[np.ndarray, "n channels"]:
        """Many rows; as `row` says."""
        if x is None and self.targets == 1 and len(self.columns.channels) == 1:
            simple = _numbers(y)
            if simple is not None:
                return simple
        both = zip(y, x if x is not None else [None] * len(y), strict=True)
        found = np.array([self.row(*pair) for pair in both], dtype=np.float64)
        return found.reshape(len(found), len(self.columns.channels)).astype(np.float32)

    def future(self, name: str, values: Sequence[float | int | str]) -> list[float]:
        """What is known in advance of one covariate, row by row.

        Raises:
            TableError: a value is no number, missing, or too large.
        """
        found = [self._covariate(name, value) for value in values]
        if not all(map(math.isfinite, found)):
            raise TableError(f'"{name}" is missing in a row of the horizon: what is known in advance must be given.')
        return found

    def _target(self, y: Target) -> list[float]:
        names = self.columns.target
        if isinstance(y, Mapping):
            if set(y) != set(names):
                raise ColumnError(
                    f"y needs a value (or null) for each of {', '.join(names)}; got {', '.join(y) or 'none'}."
                )
            y = [y[name] for name in names]
        elif y is None or isinstance(y, (float, int, np.number)):
            y = [y] if self.targets == 1 or y is not None else [None] * self.targets
        if isinstance(y, str) or len(y) != self.targets:
            raise ColumnError(f"y needs one value for each of {', '.join(names)}; got {y!r}.")
        return [_number(name, value) for name, value in zip(names, y, strict=True)]

    def _covariate(self, name: str, value: Covariate) -> float:
        codes = self.codes.get(name)
        if codes is None:
            return _number(name, value)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return math.nan
        text = value if isinstance(value, str) else f"{value:g}"
        return float(codes.get(text, 0))


def _number(name: str, value: object) -> float:
    """A finite number, or NaN where it is missing."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (float, int, np.number)):
        raise TableError(f"{name}={value!r} is no number; a missing value is null (None in Python).")
    if isinstance(value, int) and abs(value) > LARGEST:  # too long for a float, and perhaps for a text
        raise TableError(
            f"{name} is an integer of more than 38 digits, and at most {LARGEST:.3g} can be; a missing value is null."
        )
    if not (abs(float(value)) <= LARGEST or math.isnan(value)):
        raise TableError(f"{name}={value!r} is no finite number of at most {LARGEST:.3g}; a missing value is null.")
    return float(value)


def _numbers(y: Targets) -> Float32[np.ndarray, "n one"] | None:
    """Plain numbers, all at once; None if there is anything else among them."""
    try:
        values = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    if values.ndim != 1 or not (np.abs(values) <= LARGEST).all():
        return None
    return values.astype(np.float32)[:, None]
