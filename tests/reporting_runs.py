"""Invented runs to report on: what comes in daily life, and what somebody hostile would send."""

from dataclasses import replace

import numpy as np
import polars as pl
from msgspec.structs import replace as replace_struct

from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Guess
from gatecast.evaluation.audit import CLAIMS, Audit, Check
from gatecast.evaluation.results import Metrics, Score, Verdict
from gatecast.reporting.record import RunReport

BASELINES = ("naive", "seasonal_naive", "drift", "mean", "theta")
SPREAD = {"gru": 0.5, "naive": 2.0, "seasonal_naive": 0.7, "drift": 2.2, "mean": 1.6, "theta": 0.62}
HOSTILE = "<script>alert(1)</script>"


def run(
    ids: tuple[str, ...] = ("births",),
    targets: tuple[str, ...] = (),
    horizon: int = 28,
    windows: int = 12,
    rows: int = 900,
    frequency: str = "1d",
) -> RunReport:
    """A net that beats every baseline on noisy weekly seasons."""
    random = np.random.default_rng(7)
    times = _times(rows + horizon, frequency)
    keys = [(name, target) for name in ids for target in (targets or ("",))]
    history, forecast, backtest = [], [], []
    for number, key in enumerate(keys):
        truth = _series(random, rows + horizon, 10.0 ** (number % 4))
        history.append(_frame(key, ds=times[:rows], y=truth[:rows]))
        forecast.append(_window(random, key, times, truth, rows, horizon, "gru").drop("model", "y"))
        for window in range(windows):
            start = rows - (windows - window) * horizon
            backtest += [_window(random, key, times, truth, start, horizon, model) for model in SPREAD]
    parts = tuple(times[[rows - 2 * windows * horizon, rows - windows * horizon]].tolist())
    return RunReport(
        name="gru",
        title="births.csv",
        metrics=metrics(pl.concat(backtest), horizon, windows * len(ids)),
        guesses=(
            Guess("time", "date", "the only column of dates"),
            Guess("lookback", "56", "two horizons"),
            Guess("gaps", "6 rows", "missing"),
        ),
        facts=FACTS,
        history=pl.concat(history),
        forecast=pl.concat(forecast),
        backtest=pl.concat(backtest),
        steps=training_log(random),
        parts=parts,
        audit=audit(),
    )


FACTS = {
    "rows": "900",
    "series": "1",
    "target": "births",
    "frequency": "1d",
    "time range": "2021-01-01 to 2023-06-19",
    "missing share": "0.6 %",
    "parameters": "13,251",
    "training time": "41 s on 2 threads",
    "seed": "0",
    "versions": "gatecast 0.1.0, torch 2.13.0, Python 3.11",
}


def _times(rows: int, frequency: str) -> np.ndarray:
    if frequency == "row":
        return np.arange(rows)
    first = np.datetime64("2021-01-01", "us")
    return np.concatenate([[first], parse_frequency(frequency).steps_from(first, rows - 1)])


def _series(random: np.random.Generator, rows: int, size: float) -> np.ndarray:
    steps = np.arange(rows)
    level = 10 + steps / 300 + np.sin(2 * np.pi * steps / 365)
    values = level + 1.8 * np.sin(2 * np.pi * steps / 7) + 0.5 * random.standard_normal(rows)
    values[rows // 3 : rows // 3 + 6] = np.nan
    return size * values


def _frame(key: tuple[str, str], **columns: object) -> pl.DataFrame:
    names = [pl.lit(key[0]).alias("unique_id")] + ([pl.lit(key[1]).alias("target")] if key[1] else [])
    return pl.DataFrame(columns).select(*names, pl.all())


def _window(  # noqa: PLR0917
    random: np.random.Generator,
    key: tuple[str, str],
    times: np.ndarray,
    truth: np.ndarray,
    start: int,
    horizon: int,
    model: str,
) -> pl.DataFrame:
    rows = slice(start, start + horizon)
    size = np.nanmean(np.abs(truth)) / 10
    growing = size * SPREAD[model] * np.sqrt(0.5 + np.arange(horizon) / horizon)
    mean = truth[rows] + growing * random.standard_normal(horizon)
    half = 1.28 * growing if model == "gru" else np.full(horizon, np.nan)
    frame = _frame(key, cutoff=np.repeat(times[start - 1], horizon), ds=times[rows], y=truth[rows], mean=mean)
    return frame.select(
        pl.lit(model).alias("model"),
        pl.all(),
        pl.Series("q0.1", mean - half),
        pl.Series("q0.5", mean),
        pl.Series("q0.9", mean + half),
    )


def metrics(backtest: pl.DataFrame, horizon: int, windows: int) -> Metrics:
    """Scores as the backtest's rows have them, with a scale of 1 for the MASE."""
    errors = backtest.with_columns(error=pl.col("mean") - pl.col("y")).filter(pl.col("error").is_not_nan())
    scores, by_step = [], {}
    for model in SPREAD:
        mine = errors.filter(pl.col("model") == model)
        mae, rmse = float(mine["error"].abs().mean()), float((mine["error"] ** 2).mean() ** 0.5)
        quantiles = {"pinball": mae / 2.1, "coverage": 0.783} if model == "gru" else {}
        scores.append(Score(model, mae, rmse, mae, 100 * mae / 12, **quantiles))
        rising = np.sqrt(0.5 + np.arange(horizon) / horizon)
        by_step[model] = {"mase": tuple((mae * rising / rising.mean()).tolist())}
    text = "gru beats theta, the best of 5 simple methods: its MASE is 19 % lower (p = 0.002, Diebold-Mariano)."
    verdict = Verdict(
        beats_best_baseline=True, best_baseline="theta", skill=0.19, p_value=0.002, test="Diebold-Mariano", text=text
    )
    return Metrics(7, horizon, windows, tuple(scores), by_step, verdict, ("ets was left out: too slow here.",))


def training_log(random: np.random.Generator) -> list[dict[str, float | int | None]]:
    """2,000 steps of a falling, noisy loss, validated every 100."""
    log: list[dict[str, float | int | None]] = []
    for step in range(10, 2001, 10):
        loss = 0.3 + np.exp(-step / 200) + 0.04 * random.standard_normal()
        log.append({"step": step, "epoch": step / 250, "loss": float(loss), "learning_rate": 1e-3})
        if step % 100 == 0:
            log.append({"step": step, "validation": float(0.41 + np.exp(-step / 150) + step / 40000)})
    return log


def audit(*, failing: bool = False, meaning: str = "It reads the future.") -> Audit:
    """A check of each outcome."""
    status = "failed" if failing else "passed"
    checks = (
        Check("future", CLAIMS["future"], status, {"windows": 96.0, "moved": 4.0 * failing}, meaning),
        Check("newest_row", CLAIMS["newest_row"], "failed", {"windows": 96.0, "moved": 0.0}, meaning, expected=True),
        Check("drift", CLAIMS["drift"], "skipped", {}, "no carried state."),
    )
    return Audit("gru", 28, checks)


def losing() -> RunReport:
    """The net is worse than the best baseline, and not by chance."""
    good = run()
    text = "gru does not beat theta: its MASE is 23 % higher (p = 0.001). Use theta, or give the net more data."
    return replace(
        good,
        metrics=replace_struct(
            good.metrics,
            verdict=Verdict(
                beats_best_baseline=False, best_baseline="theta", skill=-0.23, p_value=0.001, test="DM", text=text
            ),
        ),
    )


def undecided() -> RunReport:
    """Two windows prove nothing."""
    good = run(windows=2, rows=200)
    text = "gru and theta cannot be told apart: 2 windows are too few. Backtest over more windows."
    return replace(
        good,
        metrics=replace_struct(
            good.metrics,
            verdict=Verdict(
                beats_best_baseline=False,
                best_baseline="theta",
                skill=0.04,
                p_value=float("nan"),
                test="none",
                text=text,
            ),
        ),
    )


def hostile() -> RunReport:
    """Every name that comes from outside tries to break out."""
    odd = run(
        ids=(HOSTILE, "$$x^2$$ cost_per_$unit$", '"><img src=x onerror=alert(2)>'), targets=("a_{b$", "温度"), windows=4
    )
    model = r"_@{x}<b>$$\sum$$</b>\(1\)"
    scores = tuple(
        replace_struct(score, model=model) if score.model == "theta" else score for score in odd.metrics.scores
    )
    by_step = {model if name == "theta" else name: errors for name, errors in odd.metrics.by_step.items()}
    verdict = replace_struct(odd.metrics.verdict, best_baseline=model, text=f"gru beats {model}.")
    return replace(
        odd,
        title=f"{HOSTILE}.csv",
        metrics=replace_struct(odd.metrics, scores=scores, by_step=by_step, verdict=verdict, notes=(HOSTILE,)),
        backtest=odd.backtest.with_columns(pl.col("model").replace("theta", model)),
        guesses=(Guess("target", HOSTILE, "it is </script><b>the last</b> column"),),
        audit=audit(failing=True, meaning=HOSTILE),
        facts={"rows": "3", "target": HOSTILE, HOSTILE: HOSTILE},
    )


def bare() -> RunReport:
    """One step ahead, no quantiles, no training log, nothing beyond the end."""
    small = run(horizon=1, windows=30, rows=120)
    points = small.backtest.drop("q0.1", "q0.5", "q0.9")
    return replace(small, steps=[], backtest=points, forecast=small.forecast.clear(), guesses=())


RUNS = {
    "daily": run,
    "many_series": lambda: run(
        ids=tuple(f"H{i}" for i in range(1, 415)), horizon=48, windows=1, rows=700, frequency="row"
    ),
    "undated": lambda: run(ids=("taylor",), horizon=48, windows=14, rows=4032, frequency="row"),
    "two_targets": lambda: run(targets=("temperature", "pressure"), frequency="1h", horizon=24),
    "many_targets": lambda: run(ids=("north", "south"), targets=tuple(f"sensor {i}" for i in range(7)), windows=4),
    "long": lambda: run(rows=20000, frequency="1h", horizon=24, windows=160),
    "losing": losing,
    "undecided": undecided,
    "hostile": hostile,
    "bare": bare,
}
