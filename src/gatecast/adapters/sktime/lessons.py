"""What gatecast refuses, said to somebody who has a y, an X and an fh."""

from collections.abc import Iterator
from contextlib import contextmanager

from gatecast.errors import InputError, TableError, TooShortError


@contextmanager
def told_of_frames() -> Iterator[None]:
    """Say of what is refused what its words mean here.

    Raises:
        TableError: as it was, with the table explained.
        TooShortError: as it was, with the horizon explained.
    """
    try:
        yield
    except TableError as error:
        raise TableError(f"{error} (The table is y with X beside it; target= are the columns of y.)") from error
    except TooShortError as error:
        raise TooShortError(
            f"{error} (Rows are those of y; horizon is the furthest step of fh, or that of GatecastForecaster.)"
        ) from error


def check_not_array(mtype: str) -> None:
    """Refuse an update by rows that say nothing of when they came.

    Raises:
        InputError: y is an array.
    """
    if mtype.startswith(("np.", "numpy")):
        raise InputError(
            f"update got y as an array ({mtype}), whose rows sktime numbers from 0 again, as if the first rows were "
            f"corrected: give a Series or a DataFrame whose index goes on where y ended."
        )
