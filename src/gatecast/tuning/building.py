"""A sensible space for one table: everything that nobody said and that matters, cell by cell.

The cell is searched too, unless it is said: gru and lstm, because neither is better on every table, and mingru, whose
units do not meet between steps, because it is the quickest by far and so gets more trials into the same time.  What
decides what a loss means is never searched: loss, quantiles, scaler, season of the scores, horizon, table and split.
An ensemble is not searched either: it is nearly always better, and what it costs is for the user to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np

from gatecast.choosing import Chosen
from gatecast.choosing.asked import said_mode
from gatecast.data.panel import Panel
from gatecast.data.splits import Split
from gatecast.errors import OptionError
from gatecast.forecaster import ForecasterConfig, Mode, window_option
from gatecast.models.distributions import COUNTS
from gatecast.tuning.dimensions import Choice, Dimension, Ladder, Settings, Span
from gatecast.tuning.space import Space
from gatecast.tuning.starts import lookbacks, starts
from gatecast.workflow import FitOptions
from gatecast.workflow.options import flatten

CELLS = ("gru", "lstm", "mingru")
LAYER = "network.layer."
CELL, LAYERS = f"{LAYER}cell", f"{LAYER}num_layers"
WITHOUT_MATRIX = ("mingru", "minlstm", "indrnn")  # whose depth must make up for it
WITH_MATRIX = ("rnn", "lstm", "gru", "slstm", "grud")
FIRST_WEIGHTS: Mapping[tuple[str, ...], tuple[str, ...]] = MappingProxyType(
    {("gru", "grud"): ("uniform", "orthogonal", "chrono"), ("lstm",): ("uniform", "forget_bias", "chrono")}
)
SEGMENTS = (4, 8, 12, 24)
LEAST_UPDATES = 8  # of the state, in a lookback that is read by segments
SETTLED = ("mode", "lookback", "season", "subtract", "base_season", "normalise")
"""What `gatecast fit` would choose, and a trial has said, so that no trial spends time on choosing."""


def space_for(panel: Panel, split: Split, options: FitOptions, chosen: Chosen, said: frozenset[str]) -> Space:
    """The space of everything that was not said, around what `gatecast fit` would do.

    Args:
        panel: the table.
        split: where its parts end.
        options: what was asked for.
        chosen: what it comes to.
        said: the full names of the settings that were said.

    Raises:
        OptionError: everything was said.
    """
    known = _known(options, chosen)
    every = _dimensions(panel, split, options, chosen.config)
    free = _reachable([each for each in every if not said.issuperset(each.names)], known)
    if not any(each.is_open for each in free):
        raise OptionError(
            f"every setting that could be searched was said ({', '.join(sorted(said))}): leave some of them out, such "
            f"as hidden_size or learning_rate, or take `gatecast fit`."
        )
    return Space(free, known, {name: known[name] for name in SETTLED if name not in said})


def _known(options: FitOptions, chosen: Chosen) -> Settings:
    """Every setting, with what was left open as it is settled."""
    flat = flatten(msgspec.to_builtins(options))
    config, names = chosen.config, ("mode", "lookback", "subtract", "normalise")
    settled = {name: getattr(config, name) for name in names} | {"season": chosen.season, "base_season": config.season}
    return flat | {name: value for name, value in settled.items() if flat[name] is None}


def _reachable(free: Sequence[Dimension], known: Mapping[str, Any]) -> tuple[Dimension, ...]:
    """Those whose conditions some trial can meet: a cell that is said leaves out what only others have."""
    met: dict[str, set[Any]] = {}
    kept = []
    for each in free:
        if all(met.get(name, {known.get(name)}) & set(allowed) for name, allowed in each.when.items()):
            kept.append(each)
            for name, values in each.reach().items():
                met.setdefault(name, set()).update(values)
    return tuple(kept)


def _dimensions(panel: Panel, split: Split, options: FitOptions, config: ForecasterConfig) -> Iterator[Dimension]:
    """All dimensions, each after those that it depends on."""
    ways = {mode: starts(panel, split, options, config, mode) for mode in _modes(split, options, config)}
    yield Choice("mode", {mode: {"mode": mode} for mode, way in ways.items() if way.options})
    yield Choice("cell", {cell: {CELL: cell} for cell in CELLS})
    for way in ways.values():
        yield way
        yield from lookbacks(split, options, config, way)
    yield from _net(panel, config)
    yield from _layers(config)
    yield from _training()


def _modes(split: Split, options: FitOptions, config: ForecasterConfig) -> tuple[Mode, ...]:
    """Windows and a carried state, where nothing that was said and no series too short for a chunk is against it."""
    said = said_mode(options)
    against = (
        window_option(options.network) is not None
        or options.network.decode == "seq2seq"
        or bool(options.training.free_running)
        or options.network.loss in COUNTS
        or options.normalise not in (None, "causal")
        or float(np.median(split.train_end)) < options.training.time
    )
    if said is not None or against:
        return (config.mode,)
    return ("windows", "sequences")


def _layers(config: ForecasterConfig) -> Iterator[Dimension]:
    """The recurrent layers."""
    layer, deep = config.network.layer, {LAYERS: (2, 3, 4)}
    yield Ladder("hidden_size", f"{LAYER}hidden_size", _with((16, 32, 64, 128, 256), layer.hidden_size))
    yield Ladder("num_layers", LAYERS, _with((1, 2, 3), layer.num_layers), {CELL: WITH_MATRIX})
    yield Ladder("num_layers.parallel", LAYERS, _with((1, 2, 3, 4), layer.num_layers), {CELL: WITHOUT_MATRIX})
    yield Ladder("dropout", f"{LAYER}dropout", _with((0.0, 0.1, 0.2, 0.4), layer.dropout), deep)
    yield Choice("residual", {word: {f"{LAYER}residual": word == "yes"} for word in ("no", "yes")}, deep)
    if not layer.bidirectional:
        for layers in (2, 3):
            powers: dict[str, Settings] = {
                "none": {f"{LAYER}dilations": []},
                "powers of 2": {f"{LAYER}dilations": [1, 2, 4][:layers]},
            }
            alone = {LAYERS: (layers,), CELL: WITH_MATRIX, "network.segment": (1,)}  # both skip rows of a window
            yield Choice(f"dilations.{layers}", powers, alone)
    for cells, words in FIRST_WEIGHTS.items():
        weights = {word: {f"{LAYER}initialization": word} for word in words}
        yield Choice(f"initialization.{cells[0]}", weights, {CELL: cells})
    slopes = {word: {f"{LAYER}nonlinearity": word} for word in ("tanh", "relu")}
    yield Choice("nonlinearity", slopes, {CELL: ("rnn", "indrnn")})


def _net(panel: Panel, config: ForecasterConfig) -> Iterator[Ladder]:
    """What lies around them."""
    network = config.network
    yield Ladder("output_dropout", "network.output_dropout", _with((0.0, 0.1, 0.2, 0.3), network.output_dropout))
    if len(panel.ids) > 1:
        yield Ladder("embedding", "network.embedding", _with((0, 4, 8, 16), network.embedding))
    if network.decode == "direct" and network.readout == "last":
        rungs = [rows for rows in SEGMENTS if rows * LEAST_UPDATES <= config.lookback]
        yield Ladder("segment", "network.segment", _with((1, *rungs), network.segment), {"mode": ("windows",)})


def _training() -> Iterator[Ladder | Span]:
    """How it is trained; the number of steps follows the rows, and is the same for every trial."""
    yield Span("learning_rate", "training.learning_rate", 3e-4, 1e-2)
    yield Ladder("batch_size", "training.batch_size", (32, 64, 128, 256), {"mode": ("windows",)})
    yield Ladder("streams", "training.streams", (8, 16, 32), {"mode": ("sequences",)})
    yield Ladder("weight_decay", "training.weight_decay", (0.0, 1e-4, 1e-3, 1e-2))


def _with(usual: tuple[Any, ...], own: Any) -> tuple[Any, ...]:  # noqa: ANN401 - numbers of one type
    """A ladder that has the default among its rungs."""
    return tuple(sorted({*usual, own}))
