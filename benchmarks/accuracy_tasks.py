"""The tasks of accuracy.py: for each its protocol and how the forecaster is configured for it.

Configurations were chosen by the errors on validation parts, which lie before the test parts.  While they were sought,
the errors on test parts were printed beside them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec import structs

from gatecast.forecaster import ForecasterConfig
from gatecast.models.config import NetworkConfig
from gatecast.models.losses import LossName
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig
from protocols import GIFT_LEVELS, Protocol, gift_eval, long_horizon, m4_protocol
from public_panels import ett, ett1, hospital, jena, m4, saugeen, us_births

NAIVE2 = {"Hourly": (18.383, 2.395), "Weekly": (9.161, 2.777)}  # sMAPE and MASE, as the competition printed them


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        title: the heading of its section.
        protocol: reads the data and cuts them.
        config: how the net is made and trained; the seed is set by the script.
        autoreg: the order of the AutoReg beside it; 0 for none.
        note: what must be said beside the scores.
    """

    title: str
    protocol: Callable[[], Protocol]
    config: ForecasterConfig
    autoreg: int = 0
    note: str = ""


def net(
    hidden: int, loss: LossName = "quantile", levels: tuple[float, ...] = GIFT_LEVELS, dropout: float = 0.0
) -> NetworkConfig:
    """One GRU layer of so many units, and what it is trained for."""
    layer = LayerConfig(hidden_size=hidden, dropout=dropout)
    return NetworkConfig(layer=layer, loss=loss, quantiles=levels)


def steps(count: int, batch_size: int = 64, learning_rate: float = 2e-3) -> TrainingConfig:
    """So many steps, with a look at the validation part twenty times."""
    return TrainingConfig(
        steps=count, batch_size=batch_size, learning_rate=learning_rate, evaluate_every=max(1, count // 20)
    )


def _etth1_ot() -> Protocol:
    return long_horizon(ett("ETTh1.csv.gz", columns=("OT",)), 8640, 2880, 24, season=24)


def _long(name: str, horizon: int) -> Task:
    """All seven channels of an ETT file, each a series of its own for one net that reads segments of rows."""
    times = 4 if name == "ETTm1" else 1
    far = horizon == 720  # so far ahead, the last value is a worse start than the mean of the window
    layer = LayerConfig(hidden_size=128)
    segments = NetworkConfig(
        layer=layer,
        segment=24 if name == "ETTm1" else 48,
        decode="segments",
        embedding=0 if name == "ETTh2" else 16,
        ensemble=5 if far else 1,
        highway=False,
        output_dropout=0.2 if name == "ETTm1" else 0.5,
        loss="mae",
    )
    config = ForecasterConfig(
        lookback=336 if name == "ETTm1" else 720,
        horizon=horizon,
        normalise="standard" if far else "last",
        subtract="none" if far else "last",
        calendar=(),
        flags=False,
        ahead=False,
        network=segments,
        training=steps(2000 if name == "ETTm1" else 1000, batch_size=448, learning_rate=1e-3),
    )

    def protocol() -> Protocol:
        return long_horizon(ett(f"{name}.csv.gz"), times * 8640, times * 2880, horizon, season=times * 24)

    return Task(f"{name}, all channels, {horizon} rows ahead", protocol, config)


def _m4(name: str, season: int, note: str = "") -> Task:
    def protocol() -> Protocol:
        return m4_protocol(*m4(name), season, NAIVE2[name])

    return Task(f"M4 {name}", protocol, m4_config(name), note=note)


def _gift(name: str, protocol: Callable[[], Protocol], config: ForecasterConfig) -> Task:
    return Task(f"GIFT-Eval {name}", protocol, config, note=WEEKLY_ENDS if name == "m4_weekly" else "")


WEEKLY_ENDS = (
    "M4's weekly series end at different dates, which its files do not tell: a net for all series may have learnt from "
    "rows of one series that lie in the calendar after another's test part."
)


def m4_config(name: str) -> ForecasterConfig:
    """An ensemble for every series of M4's file, trained for what OWA measures: MASE and sMAPE."""
    hourly = name == "Hourly"
    segments = NetworkConfig(
        layer=LayerConfig(hidden_size=128),
        segment=24 if hourly else 13,
        output_dropout=0.1,
        ensemble=5,
        loss="mae",
        relative=1.0,
    )
    return ForecasterConfig(
        lookback=336 if hourly else 52,
        horizon=48 if hourly else 13,
        season=168 if hourly else 1,
        subtract="seasonal" if hourly else "last",
        normalise="meanabs",
        scaler="meanabs",
        loss_season=24 if hourly else 1,
        calendar=(),
        flags=False,
        ahead=False,
        network=segments,
        training=steps(5000 if hourly else 1500, batch_size=1280, learning_rate=2e-3 if hourly else 1e-3),
    )


def m4_quantiles(name: str) -> ForecasterConfig:
    """The same with quantiles, by one net."""
    config = m4_config(name)
    network = structs.replace(config.network, ensemble=1, loss="quantile", relative=0.0, quantiles=GIFT_LEVELS)
    training = steps(3000 if name == "Hourly" else 1500, batch_size=256, learning_rate=config.training.learning_rate)
    return structs.replace(config, network=network, training=training)


GIFT_TASKS: Mapping[str, tuple[Callable[[], Protocol], ForecasterConfig]] = {
    "m4_hourly": (
        lambda: gift_eval(*m4("Hourly"), season=24, windows=1),
        m4_quantiles("Hourly"),
    ),
    "m4_weekly": (
        lambda: gift_eval(*m4("Weekly"), season=1, windows=1),
        m4_quantiles("Weekly"),
    ),
    "hospital": (
        lambda: gift_eval(hospital(), 12, season=12),
        ForecasterConfig(
            lookback=36,
            horizon=12,
            season=12,
            subtract="mean",
            normalise="meanabs",
            network=net(32),
            training=steps(300, batch_size=256),
        ),
    ),
    "us_births/D": (
        lambda: gift_eval(us_births(), 30, season=1),
        ForecasterConfig(
            lookback=400,
            horizon=30,
            season=364,
            subtract="seasonal",
            calendar=("weekday", "season"),
            network=structs.replace(net(64), output_dropout=0.2),
            training=steps(1500),
        ),
    ),
    "saugeen/D": (
        lambda: gift_eval(saugeen(), 30, season=1),
        ForecasterConfig(lookback=90, horizon=30, network=net(64), training=steps(1000)),
    ),
    "ett1/H/short": (
        lambda: gift_eval(ett1(4), 48, season=24),
        ForecasterConfig(lookback=336, horizon=48, calendar=("day",), network=net(64), training=steps(1000)),
    ),
    "ett1/H/medium": (
        lambda: gift_eval(ett1(4), 480, season=24),
        ForecasterConfig(lookback=336, horizon=480, network=net(64), training=steps(600)),
    ),
    "ett1/H/long": (
        lambda: gift_eval(ett1(4), 720, season=24),
        ForecasterConfig(lookback=336, horizon=720, network=net(64), training=steps(600)),
    ),
    "ett1/15T/short": (
        lambda: gift_eval(ett1(1), 48, season=96),
        ForecasterConfig(lookback=672, horizon=48, calendar=("day",), network=net(32), training=steps(1500)),
    ),
    "jena/10T/short": (
        lambda: gift_eval(jena("10m"), 48, season=144),
        ForecasterConfig(lookback=288, horizon=48, network=net(64), training=steps(1500)),
    ),
    "jena/H/short": (
        lambda: gift_eval(jena("1h"), 48, season=24),
        ForecasterConfig(lookback=192, horizon=48, network=net(64), training=steps(1000)),
    ),
}

TASKS: Mapping[str, Task] = {
    "etth1-ot": Task(
        "ETTh1 OT, 24 rows ahead",
        _etth1_ot,
        ForecasterConfig(
            lookback=96,
            horizon=24,
            mode="sequences",
            normalise="causal",
            season=24,
            calendar=("day",),
            flags=False,
            ahead=False,
            network=net(64, "mse"),
            training=TrainingConfig(steps=2000, learning_rate=5e-4),
        ),
        autoreg=96,
    ),
    "m4-hourly": _m4("Hourly", 24),
    "m4-weekly": _m4("Weekly", 1, WEEKLY_ENDS),
    **{
        f"{name.lower()}-{horizon}": _long(name, horizon)
        for name in ("ETTh1", "ETTh2", "ETTm1")
        for horizon in (96, 192, 336, 720)
    },
    **{f"gift-{name}": _gift(name, *both) for name, both in GIFT_TASKS.items()},
}
ALIASES = {"us-births": "gift-us_births/D", "hospital": "gift-hospital", "saugeen": "gift-saugeen/D"}
GROUPS = {group: tuple(name for name in TASKS if name.startswith(f"{group}-")) for group in ("gift", "etth2", "ettm1")}
GROUPS["etth1"] = tuple(f"etth1-{horizon}" for horizon in (96, 192, 336, 720))
