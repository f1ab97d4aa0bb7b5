"""The flags of `gatecast fit`, in groups.  None means "not said": the defaults live in `workflow.options`."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

TABLE, NET, TRAINING, WORKERS, JUDGING, OUTPUT, STREAM = (
    Group.create_ordered(name) for name in ("Table", "Net", "Training", "Workers", "Judging", "Output", "Stream")
)
Names = Annotated[list[str] | None, Parameter(consume_multiple=True, negative=())]
Numbers = Annotated[list[float] | None, Parameter(consume_multiple=True, negative=())]
Counts = Annotated[list[int] | None, Parameter(consume_multiple=True, negative=())]
Yes = Annotated[bool | None, Parameter(negative=())]


@Parameter(name="*", group=TABLE)
@dataclass(frozen=True)
class TableFlags:
    """How the table is read; what is not said is guessed and printed.

    Parameters
    ----------
    target
        Columns to forecast (default: the last numeric one).
    time
        The time column (default: the column that parses as time; else rows are numbered).
    id
        The column that tells series apart.
    past
        Covariates known up to the cutoff (default: the other numeric columns; `none` for none).
    future
        Covariates known over the horizon too (default: none).
    static
        Covariates with one value for each series (default: none).
    layout
        Of the table: long, or wide as columns (a column for each series) or rows (a row for each) (default: long).
    duplicates
        What to do with two rows of one series at one time (default: error).
    frequency
        The step between rows, such as 15min, 1h, 1d, 1b, 1w, 1mo; irregular keeps the gaps (default: inferred).
    min_rows
        Drop series with fewer rows instead of refusing them (default: 0).
    holidays
        Read the holidays of this country, such as DE, or US-CA for a part of it (default: none).
    categorical
        Covariates whose cells name something, be they words or numbers (default: those of words; `none` for none).
    """

    target: Names = None
    time: str | None = None
    id: str | None = None
    past: Names = None
    future: Names = None
    static: Names = None
    layout: Literal["long", "columns", "rows"] | None = None
    duplicates: Literal["error", "last", "mean"] | None = None
    frequency: str | None = None
    min_rows: int | None = None
    holidays: str | None = None
    categorical: Names = None


@Parameter(name="*", group=NET)
@dataclass(frozen=True)
class NetFlags:
    """What the net is made of.

    Parameters
    ----------
    cell
        The recurrent cell (default: gru).
    mode
        Read windows from a state of zeros, or sequences: the whole past, with a carried state (default: guessed).
    lookback
        Rows the net reads before the cutoff, or `all`: a state carried over the whole past (default: guessed).
    season
        Rows of one season (default: guessed).
    subtract
        What the forecast starts from: the last value, the seasonal last values, the mean of the lookback, or none
        (default: guessed).
    normalise
        How the net sees values: by the last one, by mean and spread of the window, or causally (default: guessed).
    calendar
        Cycles the net reads the place in: day, week or weekday, year or season (several waves); `none` for none
        (default: those seen twice).
    hidden_size
        Units of each layer (default: 64).
    num_layers
        Recurrent layers stacked on each other (default: 1).
    dropout
        Share of units dropped between layers while training (default: 0).
    segment
        Rows joined for each update of the state (default: 1).
    decode
        From the state at the cutoff directly, by segments, by a seq2seq layer, or step by step (default: direct).
    paths
        Sample paths that the quantiles of a recursive density are read off (default: 100).
    channels
        Several targets read jointly, or each apart by the same net (default: joint).
    embedding
        Numbers learnt for each series (default: 0).
    output_dropout
        Share of the state dropped before the output while training (default: 0).
    ensemble
        Nets trained together; their median is the forecast (default: 1).
    residual
        Layers above the first add what they read to what they say (default: no).
    dilations
        How many steps back each layer's state lies, such as 1 2 4; none is 1 for each (default: none).
    layer_norm
        Normalise what each layer hands up (default: no).
    variational_dropout
        Share of inputs and outputs dropped while training, the same at every step (default: 0).
    weight_dropout
        Share of recurrent weights dropped while training, the same at every step (default: 0).
    zoneout
        Share of units that keep their state in a step of training; slow (default: 0).
    loss
        What training makes small: errors, or the log-likelihood of a density or of counts (default: quantile).
    quantiles
        Levels that the quantile loss trains, or that are read off a density (default: 0.1 0.5 0.9).
    """

    cell: Literal["rnn", "lstm", "gru", "mingru", "minlstm", "indrnn", "slstm", "grud"] | None = None
    mode: Literal["windows", "sequences"] | None = None
    lookback: int | Literal["all"] | None = None
    season: int | None = None
    subtract: Literal["last", "seasonal", "mean", "none"] | None = None
    normalise: Literal["last", "standard", "meanabs", "causal", "none"] | None = None
    calendar: Names = None
    hidden_size: int | None = None
    num_layers: int | None = None
    dropout: float | None = None
    segment: int | None = None
    decode: Literal["direct", "segments", "seq2seq", "recursive"] | None = None
    paths: int | None = None
    channels: Literal["joint", "apart"] | None = None
    embedding: int | None = None
    output_dropout: float | None = None
    ensemble: int | None = None
    residual: Yes = None
    dilations: Counts = None
    layer_norm: Yes = None
    variational_dropout: float | None = None
    weight_dropout: float | None = None
    zoneout: float | None = None
    loss: Literal["quantile", "mae", "mse", "huber", "normal", "student", "mixture", "negative_binomial"] | None = None
    quantiles: Numbers = None


@Parameter(name="*", group=TRAINING)
@dataclass(frozen=True)
class TrainingFlags:
    """How it is trained.

    Parameters
    ----------
    steps
        The most training steps (default: 1000, and up to 5000 where there are many rows).
    budget
        The time training may take, such as 60s or 5min, in place of steps (default: no limit).
    learning_rate
        The highest learning rate (default: 0.002).
    seed
        Of the first weights, the order of the windows, and dropout (default: 0).
    device
        Where training runs: cpu, or cuda where torch finds one (default: cpu).
    calibrate
        Afterwards move the quantiles until they hold their share of the validation part (default: where it is long
        enough to tell).
    adapt
        Let calibrated quantiles go on moving, by what every row after the validation part shows (default: no).
    """

    steps: int | None = None
    budget: str | None = None
    learning_rate: float | None = None
    seed: int | None = None
    device: str | None = None
    calibrate: bool | None = None
    adapt: Yes = None


@Parameter(name="*", group=TRAINING)
@dataclass(frozen=True)
class LearningFlags:
    """How each trial of a search is trained; the budget is that of the search.

    Parameters
    ----------
    steps
        The most training steps (default: 1000, and up to 5000 where there are many rows).
    learning_rate
        The highest learning rate (default: searched).
    seed
        Of what is tried, of the first weights, the order of the windows, and dropout (default: 0).
    device
        Where training runs: cpu, or cuda where torch finds one (default: cpu).
    calibrate
        Move the quantiles of the best net afterwards (default: where the validation part is long enough to tell).
    adapt
        Let calibrated quantiles go on moving, by what every row after the validation part shows (default: no).
    """

    steps: int | None = None
    learning_rate: float | None = None
    seed: int | None = None
    device: str | None = None
    calibrate: bool | None = None
    adapt: Yes = None


@Parameter(name="*", group=JUDGING)
@dataclass(frozen=True)
class JudgingFlags:
    """How it is judged.

    Parameters
    ----------
    test
        Share of the rows at the end that only scores (default: 0.2).
    validation
        Share of the rows before it that chooses the best weights (default: 0.2).
    windows
        The most rolling origins of each series (default: all, one horizon apart).
    baselines
        Simple methods beside the net (default: all that are quick enough).
    local
        Also train one small net for each series, to see whether one net over all of them learns more (default: no).
    """

    test: float | None = None
    validation: float | None = None
    windows: int | None = None
    baselines: Names = None
    local: Yes = None


@Parameter(name="*", group=OUTPUT)
@dataclass(frozen=True)
class OutputFlags:
    """Where results go.

    Parameters
    ----------
    out
        The run folder (default: runs/NAME, a new one).
    resume
        Go on with a stopped run; its end is bit-equal to that of an unbroken run.
    tensorboard
        Also write TensorBoard event files.
    watch
        A live view instead of the bar: losses, and the gradient by lag at every look at the validation part.
    film
        Write pictures/training.gif, the forecast of one window improving as training goes on.
    threads
        Processor threads; one is best for nets of this size.
    quiet
        No progress on stderr.
    json
        Results as JSON on stdout.
    """

    out: Path | None = None
    resume: Annotated[bool, Parameter(negative=())] = False
    tensorboard: Annotated[bool, Parameter(negative=())] = False
    watch: Annotated[bool, Parameter(negative=())] = False
    film: Annotated[bool, Parameter(negative=())] = False
    threads: int = 1
    quiet: Annotated[bool, Parameter(negative=())] = False
    json: Annotated[bool, Parameter(negative=())] = False


@Parameter(name="*", group=WORKERS)
@dataclass(frozen=True)
class WorkerFlags:
    """Who trains; under torchrun these are left out, for it says who.

    Parameters
    ----------
    engine
        This process, or workers of a Ray cluster (default: local).
    workers
        How many, over Ray (default: one a processor of the cluster).
    address
        Of the Ray cluster (default: that of RAY_ADDRESS, else a new one on this machine).
    """

    engine: Literal["local", "ray"] | None = None
    workers: int | None = None
    address: str | None = None


@Parameter(name="*", group=STREAM)
@dataclass(frozen=True)
class StreamFlags:
    """What is done with rows that do not come as they should, and how intervals follow.

    Parameters
    ----------
    missed
        A row that comes after a gap: fill the gap with missing rows, or refuse it (default: fill).
    most_missed
        The longest gap that is filled, in rows (default: 1000).
    duplicate
        A row at the time of the newest: refuse it, or ignore it (default: refuse).
    late
        A row before the newest: likewise (default: refuse).
    new
        A series that nobody has observed: accept it, or refuse it (default: accept).
    warm_up
        Rows by which a new series is scaled (default: two seasons, and 24 at least).
    intervals
        Adaptive ones follow the errors of each series, fixed ones stay as calibrated (default: adaptive).
    every
        Rows from one forecast that is settled to the next (default: the horizon).
    """

    missed: Literal["fill", "refuse"] | None = None
    most_missed: int | None = None
    duplicate: Literal["refuse", "ignore"] | None = None
    late: Literal["refuse", "ignore"] | None = None
    new: Literal["accept", "refuse"] | None = None
    warm_up: int | None = None
    intervals: Literal["adaptive", "fixed"] | None = None
    every: int | None = None


def said(
    *groups: TableFlags | NetFlags | TrainingFlags | LearningFlags | JudgingFlags | StreamFlags | None,
) -> dict[str, Any]:
    """Every flag that was given, by the name of its setting."""
    given = {field.name: getattr(group, field.name) for group in groups if group is not None for field in fields(group)}
    return {name: value for name, value in given.items() if value is not None}
