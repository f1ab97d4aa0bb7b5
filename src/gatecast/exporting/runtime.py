"""Forecasts of a recurrent net with numpy alone: this file, weights.npz and model.json beside it are all it takes.

    python forecast.py table.csv > forecast.csv

    forecaster = Forecaster.load(".")
    forecaster.observe("shop_7", "2024-03-01T08:00", 412.0)  # one step, whatever came before
    forecast = forecaster.forecast("shop_7", 24)             # moves nothing
    state = forecaster.state("shop_7")                       # a value: numpy arrays by name; `restore` takes it back

A series is scaled, read row by row into the state of the net, and forecast from there.  Rows between two observations
are missing values; rows are as far apart as those that the net learnt from.
"""

import csv
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
State = dict[str, Array]
DAY = 86_400_000_000  # microseconds
STEPS = {"row": 1, "us": 1, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": DAY, "w": 7 * DAY}
MONTHS = {"mo": 1, "q": 3, "y": 12}
FAST, SLOW, LEAST_SPREAD, MOST, FIRST_ROWS = 0.9, 0.99, 0.02, 4.0, 10  # of the causal features
LEAST_UNIT, LEAST_SCALE, LEAST_MEAN, MIDDLE = 1e-3, 1e-3, 1e-6, 0.5413248546129181
FARTHEST = 1e16  # scales from the centre: no net computes with what lies further
MOST_MISSED = 1000  # rows between two observations
MISSING_WORDS = ("", "na", "n/a", "nan", "null", "none", "-", "--", "?", ".", "missing", "#n/a", "<na>", "nat", "\\n")
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times carry no zone


class ForecastError(ValueError):
    """What is asked cannot be had; the message says what to do."""


# ---------------------------------------------------------------------------------------------------------- cells
# Each takes the projected input, the states (B, H), and the recurrent weights, and gives the states after it.


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), which overflows nowhere in this form."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))


def log_sigmoid(x: Array) -> Array:
    """Its logarithm."""
    return np.asarray(-np.logaddexp(0.0, -x))


def softplus(x: Array) -> Array:
    """log(1 + exp(x))."""
    return np.asarray(np.logaddexp(0.0, x))


def cell_step(layer: Mapping[str, Any], wx: Array, states: Sequence[Array], U: Array, c: Array) -> list[Array]:
    """One step of a cell by its equations; `layer` says which."""
    h, cell, size = states[0], layer["cell"], layer["hidden_size"]
    if cell in ("rnn", "indrnn"):
        after = wx + (U * h if cell == "indrnn" else h @ U.T + c)
        relu = (layer["nonlinearity"] or {"rnn": "tanh", "indrnn": "relu"}[cell]) == "relu"
        return [np.maximum(after, 0.0) if relu else np.tanh(after)]
    if cell == "mingru":
        z = sigmoid(wx[:, :size])
        return [(1 - z) * h + z * wx[:, size:]]
    if cell == "minlstm":
        f = sigmoid(log_sigmoid(wx[:, :size]) - log_sigmoid(wx[:, size : 2 * size]))
        return [f * h + (1 - f) * wx[:, 2 * size :]]
    if cell == "lstm":
        gates = wx + h @ U.T + c
        i, f, o = (sigmoid(gates[:, place * size : (place + 1) * size]) for place in (0, 1, 3))
        memory = f * states[1] + i * np.tanh(gates[:, 2 * size : 3 * size])
        return [o * np.tanh(memory), memory]
    if cell == "slstm":
        return slstm_step(wx + h @ U.T, states, size)
    if cell == "grud":
        h = np.exp(-np.maximum(wx[:, 3 * size :], 0.0)) * h
        wx, after_reset = wx[:, : 3 * size], False
    else:
        after_reset = layer["reset_after"]
    Uh = (h @ U.T if after_reset else h @ U[: 2 * size].T) + c[: 3 * size if after_reset else 2 * size]
    gates = sigmoid(wx[:, : 2 * size] + Uh[:, : 2 * size])
    r, z = gates[:, :size], gates[:, size:]
    told = r * Uh[:, 2 * size :] if after_reset else (r * h) @ U[2 * size :].T + c[2 * size : 3 * size]
    return [(1 - z) * np.tanh(wx[:, 2 * size :] + told) + z * h]


def slstm_step(gates: Array, states: Sequence[Array], size: int) -> list[Array]:
    """One step of the sLSTM: (h, c, n, m), c and n in units of exp(m)."""
    _, c, n, m = states
    log_i, f, z, o = (gates[:, place * size : (place + 1) * size] for place in range(4))
    kept, begins = log_sigmoid(f) + m, n == 0
    m = np.where(begins, log_i, np.maximum(kept, log_i))
    i = np.exp(log_i - m)
    f = np.where(begins, 0.0, np.exp(np.minimum(kept - m, 0.0)))
    c, n = f * c + i * np.tanh(z), f * n + i
    return [sigmoid(o) * c / n, c, n, m]


class Layers:
    """A stack of recurrent layers, called batch first: `output, states = layers(x, states)`.

    Each state is (rows, B, H): one row a layer and direction, and with a dilation of d the last d states, oldest first.
    """

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Array]) -> None:
        self.config, self.both = config, ("", "_reverse") if config["bidirectional"] else ("",)
        self.skips = list(config["dilations"]) or [1] * config["num_layers"]
        self.learnt = {name[8:]: weights[name] for name in weights if name.startswith("initial_")}
        own = {name.removeprefix("layer.") if self.learnt else name: each for name, each in weights.items()}
        stacked = "layers.0.weight_ih_l0" in own
        self.norms = [part for name, part in own.items() if name.startswith("norms.")]  # weight, bias, weight, ...
        self.weights = {
            (number, way): self._one(own, f"layers.{number}." if stacked else "", f"_l{0 if stacked else number}{way}")
            for number in range(config["num_layers"])
            for way in self.both
        }
        names = {"lstm": ("h", "c"), "slstm": ("h", "c", "n", "m")}.get(config["cell"], ("h",))
        self.names, self.rows = names, sum(self.skips) * len(self.both)
        self.mixed = [name in (("h",) if config["cell"] == "slstm" else ("h", "c")) for name in names]

    @staticmethod
    def _one(own: Mapping[str, Array], before: str, after: str) -> tuple[Array, Array, Array, Array]:
        W = own[f"{before}weight_ih{after}"]
        U, b, c = (own.get(f"{before}{name}{after}") for name in ("weight_hh", "bias_ih", "bias_hh"))
        none = np.zeros(len(W))
        return W, none if U is None else U, none if b is None else b, none if c is None else c

    def first(self, batch: int) -> list[Array]:
        """The states to start from: zeros, or what was learnt."""
        size = self.config["hidden_size"]
        rows = [number for number, skip in enumerate(self.skips) for _ in range(skip)]
        found = []
        for name in self.names:
            learnt = self.learnt.get(name, np.zeros((self.rows, size)))
            learnt = learnt[rows] if len(learnt) < self.rows else learnt
            found.append(np.repeat(learnt[:, None], batch, axis=1))
        return found

    def __call__(self, x: Array, states: Sequence[Array] | None = None) -> tuple[Array, list[Array]]:
        """The output at every step, (B, T, H), and the states after the last."""
        states = self.first(len(x)) if states is None else states
        below, row = x.swapaxes(0, 1), 0
        ends: list[list[Array]] = []
        for number, skip in enumerate(self.skips):
            outputs, read = [], self._handed_up(number, below)
            for way in self.both:
                queues = [list(part[row : row + skip]) for part in states]
                outputs.append(self._run(self.weights[number, way], read, queues, backwards=bool(way)))
                ends.append([np.stack(queue) for queue in queues])
                row += skip
            output = np.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]
            below = below + output if number and self.config["residual"] else output
        after = [np.concatenate(parts) if len(parts) > 1 else parts[0] for parts in zip(*ends, strict=True)]
        return self._handed_up(len(self.skips), below).swapaxes(0, 1), after

    def _run(self, weights: tuple[Array, ...], x: Array, queues: list[list[Array]], *, backwards: bool) -> Array:
        """One direction of one layer; each step reads the oldest state of a queue and puts the newest at its end."""
        W, U, b, c = weights
        wx, share = x @ W.T + b, self.config["zoneout"]
        output = np.empty((*wx.shape[:2], self.config["hidden_size"]))
        for time in range(len(wx))[:: -1 if backwards else 1]:
            before = [queue.pop(0) for queue in queues]
            after = cell_step(self.config, wx[time], before, U, c)
            if share:
                both = zip(before, after, self.mixed, strict=True)
                after = [share * old + (1 - share) * new if mixed else new for old, new, mixed in both]
            for queue, state in zip(queues, after, strict=True):
                queue.append(state)
            output[time] = after[0]
        return output

    def _handed_up(self, number: int, x: Array) -> Array:
        """What is read of what lies below: normalised above the first layer, where the stack has norms."""
        if not number or not self.config["layer_norm"]:
            return x
        weight, bias = self.norms[2 * number - 2 : 2 * number]
        away = x - x.mean(axis=-1, keepdims=True)
        return np.asarray(away / np.sqrt((away**2).mean(axis=-1, keepdims=True) + 1e-5) * weight + bias)


# ------------------------------------------------------------------------------------------------ distributions


def inverse(cdf: Any, low: Array, high: Array, level: float) -> Array:  # noqa: ANN401 - a function of arrays
    """Where a distribution function reaches a level, by halving a bracket."""
    for _ in range(100):
        middle = (low + high) / 2
        below = cdf(middle) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)


def normal_cdf(x: Array) -> Array:
    """Of the standard Normal."""
    flat = [0.5 * math.erfc(-value / math.sqrt(2)) for value in np.ravel(x).tolist()]
    return np.array(flat).reshape(np.shape(x))


def normal_quantile(level: float) -> float:
    """Of the standard Normal."""
    return float(inverse(normal_cdf, np.array([-40.0]), np.array([40.0]), level)[0])


def density_quantiles(loss: str, raw: Array, base: Array, levels: Sequence[float]) -> Array:
    """Quantiles of a density beside its base, (..., levels)."""
    if loss == "normal":
        steps = np.array([normal_quantile(level) for level in levels])
        return np.asarray((base + raw[..., 0])[..., None] + (softplus(raw[..., 1]) + LEAST_SCALE)[..., None] * steps)
    count = raw.shape[-1] // 3
    logits, places, scales = (raw[..., part * count : (part + 1) * count] for part in range(3))
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares = shares / shares.sum(axis=-1, keepdims=True)
    places, scales = base[..., None] + places + np.linspace(-1, 1, count), softplus(scales) + LEAST_SCALE

    def cdf(x: Array) -> Array:
        return np.asarray((shares * normal_cdf((x[..., None] - places) / scales)).sum(axis=-1))

    found = []
    for level in levels:
        ends = places + scales * normal_quantile(level)
        found.append(inverse(cdf, ends.min(axis=-1), ends.max(axis=-1), level))
    return np.stack(found, axis=-1)


# ---------------------------------------------------------------------------------------------------------- nets


class Ground(NamedTuple):
    """What a forecast stands on: `base + unit * said`, and the window of targets in its terms."""

    base: Array
    unit: Array
    window: Array


class Words:
    """Replaces columns of codes by the vectors that were learnt for them, behind the columns of numbers."""

    def __init__(self, width: int, places: Sequence[int], weights: Mapping[str, Array], name: str) -> None:
        self.places = list(places)
        self.numbers = [place for place in range(width) if place not in self.places]
        self.tables = [weights[f"{name}.tables.{number}.weight"] for number in range(len(self.places))]

    def __call__(self, rows: Array) -> Array:
        """The numbers, then the vectors."""
        if not self.places:
            return rows
        found = [table[rows[..., place].astype(int)] for place, table in zip(self.places, self.tables, strict=True)]
        return np.concatenate([rows[..., self.numbers], *found], axis=-1)


class Net:
    """One recurrent net: what it reads of rows, and what it says of the horizon, on the scaled values."""

    def __init__(self, model: Mapping[str, Any], weights: Mapping[str, Array]) -> None:
        self.config, self.sizes, self.weights = model["network"], model["sizes"], weights
        self.frame, sizes = model["sizes"]["frame"], model["sizes"]
        self.layers = Layers(self.config["layer"], _below(weights, "encoder.layer."))
        past, known, static = (sizes[name]["places"] for name in ("past_words", "known_words", "static_words"))
        self.past_words = Words(len(past), range(len(past)), weights, "past_words")
        self.known_words = Words(sizes["known"], known, weights, "known_words")
        self.static_words = Words(sizes["static"], static, weights, "static_words")
        if self.config["decode"] == "seq2seq":
            own = dict(self.config["layer"]) | {"num_layers": 1, "bidirectional": False, "dilations": ()}
            own |= {"residual": False, "layer_norm": False, "zoneout": 0.0}
            self.second = Layers(own, _below(weights, "decoder.layer."))

    def named(self, static: Array, identity: Array) -> Array:
        """Static covariates and what was learnt of each series; of a series never seen, the mean of all."""
        static = self.static_words(static)
        table = self.weights.get("embedding.weight")
        if table is None:
            return static
        own = np.where(identity[:, None] >= 0, table[np.maximum(identity, 0)], table.mean(axis=0))
        return np.concatenate([static, own], axis=-1)

    def encode(self, rows: Array, named: Array, states: Sequence[Array] | None) -> tuple[Array, list[Array]]:
        """Read rows on from a state; (B, T, features)."""
        segment = self.config["segment"]
        if segment == 1:
            if named.shape[1]:
                rows = np.concatenate([rows, np.repeat(named[:, None], rows.shape[1], axis=1)], axis=-1)
            return self.layers(rows, states)
        whole = rows.shape[1] // segment * segment
        joined = self._linear("encoder.join", rows[:, -whole:].reshape(len(rows), whole // segment, -1))
        if named.shape[1]:
            joined = joined + (named @ self.weights["encoder.static.weight"].T)[:, None]
        return self.layers(np.maximum(joined, 0.0), states)

    def features(self, seen: Array, flags: Array, known: Array) -> Array:
        """Everything the encoder reads of rows."""
        parts = [seen, flags, self.known_words(known)] if self.sizes["flags"] else [seen, self.known_words(known)]
        return np.concatenate(parts, axis=-1)

    def causal(self, causal: Array) -> Array:
        """Causal features, words looked up, spreads."""
        words, targets = len(self.sizes["past_words"]["places"]), self.sizes["targets"]
        if not words:
            return causal
        first, last = causal.shape[-1] - targets - words, causal.shape[-1] - targets
        looked_up = self.past_words(causal[..., first:last])
        return np.concatenate([causal[..., :first], looked_up, causal[..., last:]], axis=-1)

    def read_out(self, output: Array) -> Array:
        """The output at the cutoff; backwards reading ends at the first row."""
        if self.config["readout"] == "mean":
            return np.asarray(output.mean(axis=1))
        if not self.config["layer"]["bidirectional"]:
            return np.asarray(output[:, -1])
        half = output.shape[-1] // 2
        return np.concatenate([output[:, -1, :half], output[:, 0, half:]], axis=-1)

    def said(self, output: Array, states: Sequence[Array] | None, known: Array, past: Array, spread: Array) -> Array:
        """Quantiles (or a point) of every step of the horizon, (B, horizon, targets, levels)."""
        ground = self._ground(past, known.shape[1], spread)
        told = self._decoded(output, states, self.known_words(known))
        raw = told.reshape(*told.shape[:2], past.shape[2], -1)
        linear = np.zeros(raw.shape[:3])
        if "highway.linear.weight" in self.weights:
            linear = self._linear("highway.linear", ground.window.swapaxes(1, 2)).swapaxes(1, 2)
        loss, levels = self.config["loss"], self.config["quantiles"]
        values = linear[..., None] + raw
        if loss in ("normal", "mixture"):
            values = density_quantiles(loss, raw, linear, levels)
        return np.asarray(ground.base[..., None] + ground.unit[..., None] * values, dtype=np.float32)

    def _ground(self, past: Array, horizon: int, spread: Array) -> Ground:
        """What forecasts start from, and the unit they are said in."""
        frame = self.frame
        level, unit = (past[:, -1:], spread[:, None]) if frame["normalise"] == "causal" else self.level_and_unit(past)
        if frame["subtract"] == "seasonal":
            base = np.concatenate([past[:, -frame["season"] :]] * -(-horizon // frame["season"]), axis=1)[:, :horizon]
        elif frame["subtract"] == "mean":
            base = past.mean(axis=1, keepdims=True)
        else:
            base = level if frame["subtract"] == "none" else past[:, -1:]
        return Ground(base, unit, (past - level) / unit)  # rounded to float32 as in training, as rows are

    def level_and_unit(self, past: Array) -> tuple[Array, Array]:
        """The level and the unit of each window."""
        frame, last = self.frame, past[:, -1:]
        if frame["normalise"] in ("last", "none"):
            return (last if frame["normalise"] == "last" else np.zeros_like(last)), np.ones_like(last)
        recent = past[:, -frame["season"] :] if frame["subtract"] == "seasonal" else past
        level = recent.mean(axis=1, keepdims=True)
        away = recent - level
        if frame["normalise"] == "meanabs":
            return level, np.maximum(np.abs(away).mean(axis=1, keepdims=True), LEAST_UNIT)
        return level, np.maximum(np.sqrt((away**2).mean(axis=1, keepdims=True)), LEAST_UNIT)

    def window_inputs(self, past: Array, targets: int) -> Array:
        """What the encoder reads of a window that is normalised as a whole."""
        frame = self.frame
        if frame["normalise"] == "none":
            return past
        level, unit = self.level_and_unit(past)
        parts = [(past - level) / unit]
        if self.config["segment"] == 1:
            lags = [1, frame["season"]] if frame["subtract"] == "seasonal" else [1]
            parts += [_difference(past[..., :targets], lag) / unit[..., :targets] for lag in lags]
        return np.concatenate(parts, axis=-1)

    def _decoded(self, output: Array, states: Sequence[Array] | None, known: Array) -> Array:
        """What the decoder says, (B, horizon, outputs)."""
        horizon = known.shape[1]
        known = known if self.sizes["ahead"] else known[..., :0]
        if self.config["decode"] == "segments":
            return self._segments(states, known, horizon)
        if self.config["decode"] == "seq2seq":
            place = np.broadcast_to(self.weights["decoder.place"], (len(output), *self.weights["decoder.place"].shape))
            x = np.concatenate([place, known], axis=-1)
            return self._linear("decoder.output", self.second(x, self._second_first(output))[0])
        context = self._linear("decoder.context", output).reshape(len(output), horizon, -1)
        if not known.shape[-1]:
            return context
        joined = self._linear("decoder.join", np.concatenate([context, known], axis=-1))
        return self._linear("decoder.output", np.maximum(joined, 0.0))

    def _second_first(self, output: Array) -> list[Array]:
        """The state before the first step of the second layer; what cannot be learnt of it starts from zero."""
        said, size = self._linear("decoder.start", output), self.config["layer"]["hidden_size"]
        found, first = [], 0
        for mixed in self.second.mixed:  # what is learnt is what means something by itself
            found.append(said[None, :, first : first + size] if mixed else np.zeros((1, len(output), size)))
            first += size if mixed else 0
        return found

    def _segments(self, states: Sequence[Array] | None, known: Array, horizon: int) -> Array:
        """Each segment of the horizon from one more update of the state."""
        assert states is not None  # noqa: S101 - windows hand them on
        place, batch, segment = self.weights["decoder.place"], len(known), self.config["segment"]
        x = np.broadcast_to(place, (batch, *place.shape))
        if known.shape[-1]:
            rows = np.zeros((batch, len(place) * segment, known.shape[-1]))
            rows[:, :horizon] = known
            x = x + rows.reshape(batch, len(place), -1) @ self.weights["decoder.known.weight"].T
        repeated = [np.repeat(state, len(place), axis=1) for state in states]
        output, _ = self.layers(x.reshape(batch * len(place), 1, -1), repeated)
        return self._linear("decoder.output", output[:, 0]).reshape(batch, len(place) * segment, -1)[:, :horizon]

    def _linear(self, name: str, x: Array) -> Array:
        return np.asarray(x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"])


def _below(weights: Mapping[str, Array], before: str) -> dict[str, Array]:
    """The weights whose names begin so, by the rest of their names."""
    return {name[len(before) :]: each for name, each in weights.items() if name.startswith(before)}


def _difference(y: Array, lag: int) -> Array:
    """y[s] - y[s - lag], and 0 where the window does not reach that far back."""
    return np.concatenate([np.zeros_like(y[:, :lag]), y[:, lag:] - y[:, :-lag]], axis=1)


# --------------------------------------------------------------------------------------------------------- times


class Clock:
    """Times as whole numbers: microseconds since 1970-01-01, or row numbers."""

    def __init__(self, model: Mapping[str, Any]) -> None:
        frequency = model["frequency"]
        self.dated, self.unit, self.multiple = model["dated"], frequency["unit"], frequency["multiple"]
        self.month_end, self.names = frequency["month_end"], model["calendar"]
        self.step = (STEPS[self.unit] * self.multiple if self.unit in STEPS else None) if self.dated else 1

    def read(self, ds: Any) -> int:  # noqa: ANN401 - text, a date, or a row number
        """A time as it is counted; one with an offset counts in UTC."""
        try:
            if not self.dated:
                return int(ds)
            if isinstance(ds, np.datetime64):
                return int(ds.astype("datetime64[us]").astype(np.int64))
            time = datetime.fromisoformat(ds.strip()) if isinstance(ds, str) else ds
            if not isinstance(time, datetime):
                time = datetime(time.year, time.month, time.day)  # noqa: DTZ001
        except (ValueError, TypeError, AttributeError):
            kind = "a time as ISO 8601, such as 2024-03-01T12:00" if self.dated else "a row number"
            raise ForecastError(f"ds={ds!r} is not {kind}.") from None
        plain = time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)
        return (plain - EPOCH) // timedelta(microseconds=1)

    def shown(self, time: int) -> str:
        """A time for people and machines."""
        return (EPOCH + timedelta(microseconds=time)).isoformat() if self.dated else str(time)

    def after(self, time: int, count: int) -> list[int]:
        """The so many times that follow."""
        if self.step is not None:
            return [time + self.step * k for k in range(1, count + 1)]
        last = np.datetime64(time, "us")
        if self.unit == "b":
            day = last.astype("datetime64[D]")
            days = np.busday_offset(day, np.arange(1, count + 1) * self.multiple, roll="backward")
            return [int(each) for each in (days.astype("datetime64[us]") + (last - day)).astype(np.int64)]
        months = last.astype("datetime64[M]") + np.arange(1, count + 1) * MONTHS[self.unit] * self.multiple
        starts = months.astype("datetime64[D]")
        lengths = ((months + 1).astype("datetime64[D]") - starts).astype(np.int64)
        day = last.astype("datetime64[D]")
        within = int((day - last.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64))
        place = lengths - 1 if self.month_end else np.minimum(within, lengths - 1)
        times = (starts + place).astype("datetime64[us]") + (last - day)
        return [int(each) for each in times.astype(np.int64)]

    def calendar(self, times: Sequence[int]) -> Array:
        """Where each time lies in its day, week and year, as sines and cosines, by the names of the columns."""
        found = np.zeros((len(times), len(self.names)))
        for place, name in enumerate(self.names):
            cycle, turns, wave = name.split("_")
            angle = 2 * np.pi * int(turns) * np.array([self._share(time, cycle) for time in times])
            found[:, place] = np.sin(angle) if wave == "sin" else np.cos(angle)
        return found

    @staticmethod
    def _share(time: int, cycle: str) -> float:
        """How much of its day, week or year is over."""
        if cycle == "day":
            return time % DAY / DAY
        if cycle in ("week", "weekday"):
            return (time + 3 * DAY) % (7 * DAY) / (7 * DAY)
        year = np.datetime64(time, "us").astype("datetime64[Y]")
        first, last = (int((year + k).astype("datetime64[us]").astype(np.int64)) for k in (0, 1))
        return (time - first) / (last - first)


# -------------------------------------------------------------------------------------------------------- series


class Forecast(NamedTuple):
    """A forecast from the newest row of a series, in the units of the data.

    Attributes:
        cutoff: the time of that row.
        ds: the times forecast.
        mean: (horizon, targets).
        quantiles: (horizon, targets, levels); no levels where the model forecasts a point.
    """

    cutoff: str
    ds: list[str]
    mean: Array
    quantiles: Array


def _means() -> dict[str, Array]:
    """The share of the newest value in each running mean, after so many rows; it settles at 1 - factor."""
    shares = {}
    for name, factor in (("fast", FAST), ("slow", SLOW)):
        weights = [1.0]
        while (after := weights[-1] * factor + 1) != weights[-1]:
            weights.append(after)
        shares[name] = 1 / np.array(weights)
    return shares


class Forecaster:
    """A model that was exported, and the series that it follows."""

    def __init__(self, model: Mapping[str, Any], weights: Mapping[str, Array]) -> None:
        self.model, self.config, self.columns = model, model["config"], model["columns"]
        exact = {name: each.astype(np.float64) for name, each in weights.items()}
        nets = model["network"]["ensemble"]
        parts = [_below(exact, f"members.{number}.") for number in range(nets)] if nets > 1 else [exact]
        self.nets = [Net(model, part) for part in parts]
        self.clock, self.sizes = Clock(model), model["sizes"]
        self.horizon, self.lookback = self.sizes["horizon"], self.sizes["lookback"]
        self.carries, self.causal = self.config["mode"] == "sequences", self.config["normalise"] == "causal"
        self.levels: list[float] = model["levels"]
        self.targets, self.channels = self.sizes["targets"], self.sizes["channels"]
        self.names = [*self.columns["target"], *self.columns["past"], *self.columns["future"]]
        self.futures, self.numbers = len(self.columns["future"]), list(self.sizes["numbers"])
        self.words = list(self.sizes["past_words"]["places"])
        self.shares = _means()
        self.series: dict[str, State] = {}
        self.codes = {
            name: {word: code for code, word in enumerate(words, start=1)}
            for name, words in self.columns["categories"].items()
        }

    @classmethod
    def load(cls, folder: str | Path) -> "Forecaster":
        """Read model.json and weights.npz; nothing in them is run."""
        path = Path(folder)
        model = json.loads((path / "model.json").read_text(encoding="utf-8"))
        with np.load(path / "weights.npz", allow_pickle=False) as file:
            return cls(model, {name: file[name] for name in file.files})

    def begin(self, series: str, rows: Array | None = None, static: Mapping[str, Any] | None = None) -> None:
        """Begin a series, without rows yet.

        Args:
            series: its name.
            rows: of one that the net has not learnt from, rows of channels that it is scaled by; NaN where missing.
            static: its static covariates by name, where the net reads any.
        """
        known = self.model["series"].get(series)
        own = self._scaled_by(series, rows) if known is None else (known["centre"], known["scale"])
        centre, scale = (np.array(each, dtype=np.float64) for each in own)
        fixed, identity = self._static(series, static), -1 if known is None else known["number"]
        self.series[series] = self._first(centre, scale, fixed, identity)

    def _static(self, series: str, given: Mapping[str, Any] | None) -> Array:
        """The static covariates of a series, scaled as in training."""
        wanted, scaling = self.columns["static"], self.model["static_scaling"]
        if set(wanted) - set(given or {}):
            told = f'forecaster.begin("{series}", static={{"{wanted[0]}": ...}})'
            raise ForecastError(f'the net reads {", ".join(wanted)} of each series: begin "{series}" by {told}.')
        values = np.array([self._number(name, (given or {})[name]) for name in wanted])
        return np.asarray((values - np.array(scaling["centre"])) / np.array(scaling["scale"]))

    def _scaled_by(self, series: str, rows: Array | None) -> tuple[Array, Array]:
        """The centre and the scale of a new series, by its own rows."""
        kind = self.config["scaler"]
        if rows is None and kind != "none":
            raise ForecastError(
                f'series "{series}" is new, and values are scaled by what each series was: begin it with some rows, '
                f'forecaster.begin("{series}", rows).'
            )
        centre, scale = np.zeros(self.channels), np.ones(self.channels)
        for place in self.numbers if rows is not None else []:
            column = np.asarray(rows, dtype=np.float32)[:, place].astype(np.float64)
            column = column[np.isfinite(column)]
            if len(column):
                low, found = _scaler(kind, column)
                safe = found if found > 1e-7 * float(np.abs(column).max()) else 1.0
                centre[place], scale[place] = low, max(safe, float(np.abs(column - low).max()) / FARTHEST)
        return centre, scale

    def _first(self, centre: Array, scale: Array, static: Array, identity: int) -> State:
        """A series without rows."""
        numbers, season = len(self.numbers), self.sizes["frame"]["season"]
        width = self.channels + self._causal_width() + 2 * self.channels + self.sizes["known"]
        kept = self.targets if self.carries else width
        state = {
            "count": np.zeros((), dtype=np.int64),
            "last": np.zeros((), dtype=np.int64),
            "centre": centre,
            "scale": scale,
            "static": static,
            "identity": np.array(identity),
            "filled": np.zeros(self.channels),
            "unseen": np.zeros(self.channels),
            "history": np.zeros((self.lookback, kept), dtype=np.float32),
            "newest": np.full(self.targets, np.nan),
            "change_sum": np.zeros(self.targets),
            "changes": np.zeros(self.targets),
        }
        if self.causal:
            state |= {"fast": np.zeros(numbers), "slow": np.zeros(numbers), "spread": np.ones(numbers)}
            state["recent"] = np.zeros((season, self.targets))
        if self.carries:
            for number, net in enumerate(self.nets):
                state |= {f"state{number}.{part}": each for part, each in enumerate(net.layers.first(1))}
                state[f"output{number}"] = np.zeros(0)
        return state

    def _causal_width(self) -> int:
        if not self.causal:
            return 0
        numbers, season = len(self.numbers), self.sizes["frame"]["season"]
        own = 3 * numbers + (self.targets if season > 1 else 0) + numbers - self.targets
        return own + len(self.words) + self.targets

    def observe(self, series: str, ds: Any, y: Any, x: Mapping[str, Any] | None = None) -> None:  # noqa: ANN401
        """Take one row of one series; rows between the newest and this one are missing.

        Args:
            series: its name; one that the net learnt from begins with its first row.
            ds: its time, or its number.
            y: the target, None where missing; of several targets a sequence.
            x: the covariates of the row by name; one that is left out is missing.
        """
        if series not in self.series:
            self.begin(series)
        state, time = self.series[series], self.clock.read(ds)
        values = self.values(y, x or {})
        if np.any(np.abs(values - state["centre"]) > FARTHEST * state["scale"]):
            raise ForecastError(f'series "{series}": a value is {FARTHEST:g} scales or more away; no net can read it.')
        for between in self._between(series, state, time):
            self._read(state, between, np.full(self.channels, np.nan))
        self._read(state, time, values)

    def values(self, y: Any, x: Mapping[str, Any]) -> Array:  # noqa: ANN401
        """One row of channels, NaN where missing, with the digits that the net was trained on."""
        told = [y] if y is None or isinstance(y, (int, float, str, np.number)) else list(y)
        told = [None] * self.targets if told == [None] else told
        strange = sorted(set(x) - set(self.names[self.targets :]))
        if strange or len(told) != self.targets:
            known = ", ".join(self.names[self.targets :]) or "none"
            raise ForecastError(
                f"y is one value for each of {', '.join(self.names[: self.targets])}; x may be {known}."
            )
        rest = [self._number(name, x.get(name)) for name in self.names[self.targets :]]
        both = [self._number(name, value) for name, value in zip(self.names, told, strict=False)]
        return np.array([*both, *rest], dtype=np.float32).astype(np.float64)

    def _number(self, name: str, value: Any) -> float:  # noqa: ANN401
        """A value as a number: NaN where missing, a word by its code."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return math.nan
        if name in self.codes:
            text = value if isinstance(value, str) else f"{value:g}"
            return float(self.codes[name].get(text, self.codes[name].get(_plain(text), 0)))
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ForecastError(f"{name}={value!r} is no number; a missing value is None.") from None
        if not abs(number) <= float(np.finfo(np.float32).max):
            raise ForecastError(f"{name}={value!r} is no finite number; a missing value is None.")
        return number

    def _between(self, series: str, state: State, time: int) -> list[int]:
        """The times of the missing rows before one."""
        if not state["count"]:
            return []
        last = int(state["last"])
        if time <= last:
            raise ForecastError(
                f'series "{series}": {self.clock.shown(time)} was read; each row is read once, in order.'
            )
        times = [last]
        while times[-1] < time and len(times) <= MOST_MISSED:
            times += self.clock.after(times[-1], 1)
        if times[-1] != time:
            told = f"{self.clock.shown(time)} is no step of {self.clock.multiple}{self.clock.unit}"
            raise ForecastError(
                f'series "{series}": {told} after {self.clock.shown(last)}, or {MOST_MISSED} rows later.'
            )
        return times[1:-1]

    def _read(self, state: State, time: int, raw: Array) -> None:
        """One row: everything that the net keeps of it."""
        count = int(state["count"])
        scaled = (raw - state["centre"]) / state["scale"]
        observed = np.isfinite(scaled)
        filled = np.where(observed, scaled, state["filled"])
        causal = self._causal_row(state, filled, count) if self.causal else filled[:0]
        flags = np.concatenate([observed, np.log1p(state["unseen"])])
        known = np.concatenate([filled[self.channels - self.futures :], self.clock.calendar([time])[0]])
        change = np.abs(raw[: self.targets] - state["newest"])
        seen = np.isfinite(change)
        state["change_sum"] = state["change_sum"] + np.where(seen, change, 0.0)
        state["changes"], state["newest"] = state["changes"] + seen, raw[: self.targets]
        row = filled[: self.targets] if self.carries else np.concatenate([filled, causal, flags, known])
        if count:
            state["history"][count % self.lookback] = row
        else:
            state["history"][:] = row  # a series younger than the lookback repeats its first row
        state["filled"], state["unseen"] = filled, np.where(observed, 1.0, state["unseen"] + 1)
        state["count"], state["last"] = np.array(count + 1), np.array(time)
        if self.carries:
            self._encode(state, *(part.astype(np.float32)[None, None] for part in (causal, flags, known)))

    def _causal_row(self, state: State, filled: Array, count: int) -> Array:
        """How the newest values lie to their own past; moves the running means."""
        values, season = filled[self.numbers], self.sizes["frame"]["season"]
        before = state["filled"][self.numbers]
        for name, told, rows in (
            ("fast", values, count),
            ("slow", values, count),
            ("spread", None, count + FIRST_ROWS),
        ):
            newest = np.abs(values - state["slow"]) if told is None else told
            shares = self.shares["fast" if name == "fast" else "slow"]
            state[name] = state[name] + (newest - state[name]) * shares[min(rows, len(shares) - 1)]
        unit = np.maximum(state["spread"], LEAST_SPREAD)
        change = values - before if count else np.zeros_like(values)
        parts = [change / unit, (values - state["fast"]) / unit, (values - state["slow"]) / unit]
        own, targets = values[: self.targets], self.targets
        if season > 1:
            old = state["recent"][count % season]
            parts.append((own - old if count >= season else np.zeros_like(own)) / unit[:targets])
        state["recent"][count % season] = own
        parts += [np.clip(values[targets:], -MOST, MOST), filled[self.words], unit[:targets]]
        return np.concatenate(parts)

    def _encode(self, state: State, causal: Array, flags: Array, known: Array) -> None:
        """One update of each net's state."""
        for number, net in enumerate(self.nets):
            rows = net.features(net.causal(causal), flags, known)
            named = net.named(state["static"][None], state["identity"][None])
            names = [f"state{number}.{part}" for part in range(len(net.layers.names))]
            output, after = net.encode(rows, named, [state[name] for name in names])
            state |= dict(zip(names, after, strict=True)) | {f"output{number}": output[:, -1]}

    def forecast(
        self, series: str, horizon: int | None = None, future: Mapping[str, Sequence[Any]] | None = None
    ) -> Forecast:
        """Forecast from the newest row of a series; moves nothing.

        Args:
            series: its name.
            horizon: rows to forecast, at most as many as the net was trained for.
            future: the covariates known in advance by name, one value a row of the horizon.
        """
        horizon = self.horizon if horizon is None else horizon
        if not 1 <= horizon <= self.horizon:
            raise ForecastError(f"this net forecasts 1 to {self.horizon} rows ahead, got horizon={horizon}.")
        if series not in self.series or not self.series[series]["count"]:
            raise ForecastError(f'series "{series}" has no rows: observe it first.')
        state = self.series[series]
        times = self.clock.after(int(state["last"]), self.horizon)
        none = np.zeros((self.horizon, len(self.clock.names)))
        calendar = self.clock.calendar(times) if self.sizes["ahead"] else none  # else it is read up to the cutoff alone
        known = np.concatenate([self._ahead(state, horizon, future or {}), calendar], axis=1)
        said = [self._said(net, number, state, known[None]) for number, net in enumerate(self.nets)]
        mean, quantiles = self._in_units(np.median(np.stack(said), axis=0)[0], state)
        if not np.isfinite(mean).all():
            raise ForecastError(f'the forecast of series "{series}" is no number: look for extreme values in it.')
        shown = [self.clock.shown(time) for time in times[:horizon]]
        return Forecast(self.clock.shown(int(state["last"])), shown, mean[:horizon], quantiles[:horizon])

    def _ahead(self, state: State, horizon: int, future: Mapping[str, Sequence[Any]]) -> Array:
        """What is known in advance of each row, scaled; what lies behind what was told goes on as it was."""
        found = np.zeros((self.horizon, self.futures))
        for place, name in enumerate(self.columns["future"]):
            told = [self._number(name, value) for value in future.get(name, ())]
            if len(told) < horizon or not all(map(math.isfinite, told[:horizon])):
                raise ForecastError(f"{name} is known in advance: give future={{'{name}': [...]}} for {horizon} rows.")
            values = np.array((told[:horizon] + [told[horizon - 1]] * self.horizon)[: self.horizon], dtype=np.float32)
            channel = self.channels - self.futures + place
            found[:, place] = (values - state["centre"][channel]) / state["scale"][channel]
        return found

    def _said(self, net: Net, number: int, state: State, known: Array) -> Array:
        """What one net says of the horizon, on the scaled values; (1, horizon, targets, levels)."""
        count, targets = int(state["count"]), self.targets
        history = np.roll(state["history"], -(count % self.lookback), axis=0)[None]
        if self.carries:
            unit = np.maximum(state["spread"][:targets], LEAST_SPREAD).astype(np.float32)
            return net.said(state[f"output{number}"], None, known, history, unit[None])
        ends = np.cumsum([self.channels, self._causal_width(), 2 * self.channels])
        past, causal, flags, before = np.split(history, ends, axis=-1)
        static, identity = state["static"][None], state["identity"][None]
        apart = net.config["channels"] == "apart" and targets > 1
        if apart:
            past, flags, before, known, static, identity = self._apart(past, flags, before, known, static, identity)
        own = 1 if net.config["channels"] == "apart" else targets
        seen = net.causal(causal) if self.causal else self._window(net, past, own)
        output, after = net.encode(net.features(seen, flags, before), net.named(static, identity), None)
        spread = causal[:, -1, -targets:] if self.causal else np.ones((len(past), own))
        said = net.said(net.read_out(output), after, known, past[..., :own], spread)
        return np.moveaxis(said, 0, 2)[None, :, 0] if apart else said

    def _window(self, net: Net, past: Array, targets: int) -> Array:
        """The numbers of a window as its normalisation shows them, then its words."""
        less = self.targets - targets
        numbers = [*range(targets), *(place - less for place in self.numbers[self.targets :])]
        words = past[..., [place - less for place in self.words]]
        shown = net.window_inputs(past[..., numbers], targets)
        return np.concatenate([shown, net.past_words(words)], axis=-1) if self.words else shown

    def _apart(self, past: Array, flags: Array, before: Array, known: Array, *own: Array) -> tuple[Array, ...]:
        """Each target as a window of its own, with all covariates."""
        targets = self.targets

        def split(rows: Array) -> Array:
            rest = np.repeat(rows[..., targets:], targets, axis=0)
            return np.concatenate([rows[..., :targets].transpose(2, 1, 0), rest], axis=-1)

        halves = np.split(flags, 2, axis=-1)
        static, identity = own
        number = np.where(identity < 0, -1, identity * targets + np.arange(targets))
        both = np.concatenate([split(half) for half in halves], axis=-1)
        repeated = (np.repeat(each, targets, axis=0) for each in (before, known, static))
        return split(past), both, *repeated, number

    def _in_units(self, said: Array, state: State) -> tuple[Array, Array]:
        """The point and the quantiles in the units of the data: in order, and moved as calibrated."""
        centre, scale = (state[name][: self.targets, None] for name in ("centre", "scale"))
        values = np.sort(said, axis=-1) * scale + centre
        values = np.where(np.abs(values) <= np.abs(centre) * 2.0**-50, 0.0, values)
        own: list[float] = self.model["own_levels"]
        mean = values[..., own.index(0.5)] if own else values[..., 0]
        calibration = self.model["calibration"]
        if calibration is None:
            return mean, values if own else values[..., :0]
        levels = calibration["levels"]
        base = values if own else np.repeat(mean[..., None], len(levels), axis=-1)
        usual = np.where(state["change_sum"] > 0, state["change_sum"] / np.maximum(state["changes"], 1), 1.0)
        width = base[..., -1] - base[..., 0]
        unit = np.where((width > 0) & (calibration["unit"] == "width"), width, usual)
        moved = base + unit[..., None] * np.array(calibration["offsets"])
        if 0.5 not in levels:
            return mean, np.sort(moved, axis=-1)
        middle = levels.index(0.5)
        median = moved[..., middle, None]
        below = np.sort(np.minimum(moved[..., :middle], median), axis=-1)
        above = np.sort(np.maximum(moved[..., middle + 1 :], median), axis=-1)
        return mean + (median[..., 0] - base[..., middle]), np.concatenate([below, median, above], axis=-1)

    def state(self, series: str) -> State:
        """Where a series stands, as a value: what is observed later does not change it."""
        return {name: each.copy() for name, each in self.series[series].items()}

    def restore(self, series: str, state: Mapping[str, Array]) -> None:
        """Go on from such a value."""
        self.series[series] = {name: np.array(each) for name, each in state.items()}


def _plain(word: str) -> str:
    """A word; the number 7.0 is the word 7."""
    try:
        return f"{float(word):g}"
    except ValueError:
        return word


def _scaler(kind: str, column: Array) -> tuple[float, float]:
    """The centre and the scale of the observed values of one channel."""
    if kind == "none":
        return 0.0, 1.0
    if kind == "standard":
        return float(column.mean()), float(column.std())
    if kind == "minmax":
        return float(column.min()), float(np.ptp(column))
    if kind == "meanabs":
        return 0.0, float(np.abs(column).mean())
    low, middle, high = np.percentile(column, [25, 50, 75])
    return float(middle), float(high - low)


# -------------------------------------------------------------------------------------------------- command line


def forecast_table(forecaster: Forecaster, table: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Forecast beyond the end of every series of a table: one row a series, step and target."""
    columns, told = forecaster.columns, []
    by_name: dict[str, list[tuple[int, Mapping[str, str]]]] = {}
    for row in table:
        missing = [name for name in (columns["time"], columns["id"], *forecaster.names) if name and name not in row]
        if missing:
            raise ForecastError(f"the table has no column {', '.join(missing)}; it has {', '.join(row)}.")
        name = row[columns["id"]] if columns["id"] else forecaster.model["only"]
        own = by_name.setdefault(name, [])
        own.append((forecaster.clock.read(row[columns["time"]]) if columns["time"] else len(own), row))
    for name, rows in by_name.items():
        told += _forecast_rows(forecaster, name, sorted(rows, key=lambda each: each[0]))
    return told


def _forecast_rows(
    forecaster: Forecaster, name: str, rows: Sequence[tuple[int, Mapping[str, str]]]
) -> list[dict[str, str]]:
    """The forecast of one series; rows without a target at its end tell what is known in advance."""
    targets, covariates = forecaster.columns["target"], forecaster.names[forecaster.targets :]
    cells = [(time, {key: _cell(row[key]) for key in forecaster.names}, row) for time, row in rows]
    known = len(cells)
    while forecaster.futures and known and all(cells[known - 1][1][target] is None for target in targets):
        known -= 1
    both = [([row[target] for target in targets], {each: row[each] for each in covariates}) for _, row, _ in cells]
    static = {each: _cell(cells[0][2].get(each)) for each in forecaster.columns["static"]}
    forecaster.begin(name, np.array([forecaster.values(*each) for each in both[:known]]), static)
    for (time, _, _), each in zip(cells[:known], both, strict=False):
        forecaster.observe(name, forecaster.clock.shown(time), *each)
    future = {each: [row[each] for _, row, _ in cells[known:]] for each in forecaster.columns["future"]}
    horizon = min(forecaster.horizon, len(cells) - known) if forecaster.futures else forecaster.horizon
    found, told = forecaster.forecast(name, horizon or forecaster.horizon, future), []
    for place, ds in enumerate(found.ds):
        for number, target in enumerate(targets):
            own = {"unique_id": name} | ({"target": target} if len(targets) > 1 else {})
            own |= {"cutoff": found.cutoff, "ds": ds, "mean": repr(float(found.mean[place, number]))}
            quantiles = zip(forecaster.levels, found.quantiles[place, number].tolist(), strict=True)
            told.append(own | {f"q{level:g}": repr(value) for level, value in quantiles})
    return told


def _cell(text: str | None) -> str | None:
    """A cell of a table; None where it is missing."""
    text = (text or "").strip()
    return None if text.lower() in MISSING_WORDS else text


def main(arguments: Sequence[str]) -> int:
    """`forecast.py TABLE.csv`: forecasts as CSV on stdout; 0 done, 1 refused with one message, 2 wrong usage."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python forecast.py TABLE.csv > FORECAST.csv\n")
        return 2
    try:
        forecaster = Forecaster.load(Path(__file__).parent)
        with Path(arguments[0]).open(encoding="utf-8-sig", newline="") as file:
            told = forecast_table(forecaster, csv.DictReader(file))
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if told:
        writer = csv.DictWriter(sys.stdout, list(told[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(told)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
