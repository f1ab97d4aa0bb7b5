"""Which column plays which part: said once, passed whole."""

from typing import Literal

from msgspec import Struct

from gatecast.errors import ColumnError, OptionError

MOST_LEVELS = 1000  # different words of one covariate
ONLY_SERIES = "series"  # the name of the one series of a table that tells no series apart
Layout = Literal["long", "columns", "rows"]
Duplicates = Literal["error", "last", "mean"]


class Columns(Struct, frozen=True, forbid_unknown_fields=True):
    """The settled part of every column.

    Attributes:
        target: what is forecast, one column or several.
        id: the column that tells the series apart; None when the table holds one series.
        time: the time column; None when rows are numbered instead.
        past: covariates known up to the cutoff only (a measured temperature).
        future: covariates known over the horizon too (a planned price, a holiday flag).
        static: covariates with one value for each series (the size of a shop).
        time_parts: the columns (year, month, ...) that `time` is put together from; empty when `time` is a column.
        holidays: the country, and its subdivision where wanted, whose holidays are features of each row's date.
        categories: the covariates that hold words, with the vocabulary of each: the word of code 1, of code 2, ...;
            see `data.categories`.
    """

    target: tuple[str, ...]
    id: str | None = None
    time: str | None = None
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    time_parts: tuple[str, ...] = ()
    holidays: str | None = None
    categories: dict[str, tuple[str, ...]] = {}

    def __post_init__(self) -> None:
        for name, words in self.categories.items():
            if name not in (*self.past, *self.future, *self.static):
                raise ColumnError(f'categories= names "{name}", which is no covariate.')
            if len(words) > MOST_LEVELS or len(set(words)) < len(words):
                raise ColumnError(f'the vocabulary of "{name}" repeats a word or has more than {MOST_LEVELS:,}.')

    @property
    def channels(self) -> tuple[str, ...]:
        """The columns of `Panel.values`, in order: targets, past covariates, future covariates."""
        return self.target + self.past + self.future

    @property
    def levels(self) -> dict[str, int]:
        """How many codes each categorical covariate can have: its words, and 0 for an unknown one."""
        return {name: len(words) + 1 for name, words in self.categories.items()}

    @property
    def categorical_channels(self) -> tuple[bool, ...]:
        """Which of `channels` hold codes of words: these are looked up, never scaled."""
        return tuple(name in self.categories for name in self.channels)

    @property
    def categorical_static(self) -> tuple[bool, ...]:
        """Which of `static` hold codes of words."""
        return tuple(name in self.categories for name in self.static)


class TableOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """What the user said about a table; None means "guess, and say what was guessed".

    Attributes:
        layout: `long` (one row a time step, series told apart by `id`), `columns` (one column a series),
            `rows` (one row a series: its name, then its values, as in M4's files).
        duplicates: what to do with two rows of one series at one time.
        frequency: the step between rows, such as `1h`, `15min`, `1d`, `1b` (business day), `1w`, `1mo`, `1q`, `1y`;
            `irregular` keeps rows and their gaps as they are, `row` ignores their times.
        min_rows: drop series with fewer rows instead of refusing them.
        day_first: whether 01/02/2006 is the first of February; None asks the other rows.
        holidays: read the holidays of this country as features, such as `DE`, or `US-CA` for a part of it.
        categorical: covariates whose cells are names of something, be they words or numbers; None means those whose
            cells are words.
    """

    id: str | None = None
    time: str | None = None
    target: tuple[str, ...] | None = None
    past: tuple[str, ...] | None = None
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    layout: Layout = "long"
    duplicates: Duplicates = "error"
    frequency: str | None = None
    min_rows: int = 0
    day_first: bool | None = None
    holidays: str | None = None
    categorical: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.min_rows < 0:
            raise OptionError(f"table.min_rows counts rows from 0 up, got {self.min_rows}.")


def taken_columns(options: TableOptions, columns: Columns) -> set[str | None]:
    """The columns that have a part already."""
    said = (*(options.target or ()), *(options.past or ()), *options.future, *options.static)
    return {columns.id, columns.time, *columns.time_parts, *said}


GUESS_EVERYTHING = TableOptions()


class Guess(Struct, frozen=True):
    """One thing gatecast decided because nobody said it: printed, stored, and shown in the report."""

    what: str
    value: str
    why: str

    def __str__(self) -> str:
        return f"{self.what} = {self.value} ({self.why})"
