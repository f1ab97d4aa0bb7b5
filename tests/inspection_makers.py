"""Invented inspections to draw: what comes in daily life, and what somebody hostile would send."""

from dataclasses import replace

import numpy as np

from gatecast.inspection.results import (
    GradientFlow,
    Importance,
    Inspection,
    LayerGates,
    Memory,
    StatePath,
    UnitTimescale,
)
from reporting_runs import HOSTILE

RANGES = {"r": (0.0, 1.0), "z": (0.0, 1.0), "n": (-1.0, 1.0)}
NAMES = ("l0",)
INPUTS = ("load", "temperature", "wind")


def inspection(
    layers: tuple[str, ...] = NAMES,
    units: int = 16,
    updates: int = 400,
    step: str = "1h",
    inputs: tuple[str, ...] = INPUTS,
    rows: int = 1,
) -> Inspection:
    """A GRU whose gates follow the day; `step` is numpy's (`1h`, `1D`), or `row` for row numbers."""
    random = np.random.default_rng(5)
    day = 2 * np.pi * np.arange(updates) * rows / 24
    made = tuple(layer(random, name, units, day) for name in layers)
    times = np.arange(updates) * rows
    return Inspection(
        name="gru",
        series="north",
        targets=("load",),
        step={"1h": "hourly", "1D": "daily", "row": "numbered rows"}.get(step, step),
        rows=rows,
        times=times if step == "row" else stamps(times, step),
        values=50 + 10 * np.sin(day) + random.standard_normal(updates),
        layers=made,
        timescales=tuple(UnitTimescale(one.name, u, float(s)) for one in made for u, s in enumerate(scales(one))),
        memory=memory(random, inputs),
        gradients=flow(random),
        states=StatePath(circle(day) + 0.1 * random.random((updates, 2)), (0.54, 0.17)),
        importance=tuple(Importance(name, 0.12 / (4**place), 0.01) for place, name in enumerate(inputs[1:])),
        advice=("Memory ends after 40 rows: a lookback of 48 would do.",),
    )


def stamps(times: np.ndarray, step: str) -> np.ndarray:
    """Dates from a Monday on, one `step` for each of `times`."""
    size, unit = int(step[:-1]), step[-1]
    return (np.datetime64("2024-01-01", unit) + np.timedelta64(size, unit) * times).astype("datetime64[us]")


def layer(random: np.random.Generator, name: str, units: int, day: np.ndarray) -> LayerGates:
    """Gates that follow the day, each unit around a level of its own."""
    levels = random.permutation(np.linspace(-3, 4, units))
    phases = random.uniform(0, 2 * np.pi, units)
    waves = np.sin(day[:, None] + phases)
    z = 1 / (1 + np.exp(-levels - waves))
    r = 1 / (1 + np.exp(-2 * waves))
    return LayerGates(name, {"r": r, "z": z, "n": np.tanh(2 * waves)}, RANGES, np.tanh(waves) * (1 - z))


def circle(day: np.ndarray) -> np.ndarray:
    """Two components that go round once a day."""
    return np.stack([np.sin(day), np.cos(day)], axis=1)


def scales(one: LayerGates) -> np.ndarray:
    """The timescale of units that keep so much: -1 / log of the mean of z."""
    return -1 / np.log(one.gates["z"].mean(axis=0))


def memory(random: np.random.Generator, inputs: tuple[str, ...], lags: int = 96) -> Memory:
    """Weights that fall with the lag and come back after a day."""
    lag = np.arange(lags)
    fall = np.exp(-lag / 12) + 0.6 * np.exp(-(((lag - 23) / 2) ** 2))
    by_input = fall * np.linspace(3, 1, len(inputs))[:, None] * random.uniform(0.8, 1.2, (len(inputs), lags))
    steps = np.array([1, 6, 12, 24])
    by_step = fall * np.exp(-np.abs(lag - steps[:, None]) / 30)
    return Memory(by_input.sum(axis=0), by_step, steps, by_input, inputs)


def flow(random: np.random.Generator) -> GradientFlow:
    """A gradient that fades, by steps whose Jacobians shrink."""
    radius = 0.8 + 0.1 * random.random(30)
    return GradientFlow(2 * np.exp(-np.arange(49) / 3.0), radius, radius + 0.3)


def without_gates() -> Inspection:
    """An Elman net: its output stands for its gates."""
    whole = inspection()
    bare = tuple(LayerGates(one.name, {}, {}, one.output) for one in whole.layers)
    return replace(whole, name="elman", layers=bare, importance=())


def hostile() -> Inspection:
    """Every name that comes from outside tries to break out."""
    names = ("$x$", HOSTILE, "_" + "a" * 10_000, r"$$\sum$$\(1\)")
    whole = inspection(inputs=names)
    return replace(whole, series=HOSTILE, targets=("$x$",), name=r"gru $$\sum$$", advice=(HOSTILE,))


def untrained() -> Inspection:
    """Nothing moves the forecast, nothing flows back, and no unit forgets."""
    whole = inspection(inputs=("load",))
    none = np.zeros_like(whole.memory.weights)
    memory = Memory(none, none[None], np.array([1]), none[None], ("load",))
    scales = tuple(replace(unit, timescale=np.inf) for unit in whole.timescales)
    still = StatePath(np.zeros_like(whole.states.points), (0.0, 0.0))
    flow = GradientFlow(np.zeros(49), np.ones(30), np.ones(30))
    return replace(whole, memory=memory, timescales=scales, gradients=flow, states=still)


INSPECTIONS = {
    "hourly": inspection,
    "daily": lambda: inspection(step="1D"),
    "undated": lambda: inspection(step="row", rows=4),
    "stacked": lambda: inspection(layers=("l0", "l1", "l2"), units=64, updates=2000),
    "two_ways": lambda: inspection(layers=("l0", "l0_reverse", "l1", "l1_reverse")),
    "deep": lambda: inspection(layers=tuple(f"l{place}" for place in range(6))),
    "one_input": lambda: inspection(inputs=("load",)),
    "without_gates": without_gates,
    "hostile": hostile,
    "untrained": untrained,
}
