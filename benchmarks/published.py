"""What others published on the tasks of accuracy.py, task by task, each row with its source."""

from collections.abc import Mapping
from dataclasses import dataclass

M4_PAPER = "Makridakis, Spiliotis & Assimakopoulos 2020"
HERE = "measured on the same windows, one seed"
PEERS = f"{HERE}; hidden 64, 2,000 steps"
GIFT_EVAL = "GIFT-Eval leaderboard (Aksu et al. 2024)"


@dataclass(frozen=True)
class Published:
    """One row: a method, its errors by name, and where they stand."""

    method: str
    errors: Mapping[str, float]
    source: str


def _rows(names: tuple[str, ...], source: str, rows: Mapping[str, tuple[float | None, ...]]) -> tuple[Published, ...]:
    """Rows of one table; None where it leaves a cell empty."""
    return tuple(
        Published(method, {n: v for n, v in zip(names, values, strict=True) if v is not None}, source)
        for method, values in rows.items()
    )


ETTH1_OT = _rows(
    ("MSE", "MAE"),
    PEERS,
    {
        "NeuralForecast 3.3 GRU, recurrent": (0.0312, 0.132),
        "NeuralForecast 3.3 GRU, direct": (0.1169, 0.285),
        "Darts 0.41 RNNModel GRU": (0.0394, 0.149),
        "Darts 0.41 BlockRNN GRU": (0.1083, 0.272),
        "Darts 0.41 BlockRNN LSTM": (0.1071, None),
        "PyTorch-Forecasting 1.8 RecurrentNetwork": (0.0620, 0.192),
        "GluonTS 0.17 DeepAR": (0.0775, 0.220),
        "textbook loop, torch.nn.GRU": (0.0541, 0.182),
        "textbook loop, torch.nn.LSTM": (0.0607, None),
    },
)

M4_NAMES = ("OWA", "sMAPE", "MASE", "MSIS")
M4_HOURLY = (
    *_rows(
        M4_NAMES,
        M4_PAPER,
        {
            "ES-RNN (Smyl), winner": (0.440, 9.328, 0.893, 7.928),
            "Theta": (1.006, 18.138, 2.455, None),
            "RNN benchmark": (1.036, 14.698, 3.048, None),
            "ETS": (None, None, None, 17.487),
        },
    ),
    Published("LSTM (Bandara et al.)", {"OWA": 1.082, "sMAPE": 18.598, "MASE": 2.758}, "published by its authors"),
    Published("esrnn_torch", {"OWA": 0.615}, "published by its authors"),
    Published("NeuralForecast 3.3 LSTM, defaults", {"OWA": 0.781}, HERE),
)
M4_WEEKLY = (
    *_rows(
        M4_NAMES,
        M4_PAPER,
        {
            "Petropoulos & Svetunkov, best of the competition": (0.751, 6.726, 2.133, None),
            "ES-RNN (Smyl), winner": (0.851, 7.817, 2.356, 22.034),
            "Theta": (0.971, 9.093, 2.637, None),
            "RNN benchmark": (1.755, 15.220, 5.132, None),
            "ETS": (None, None, None, 20.386),
        },
    ),
    Published("LSTM (Bandara et al.)", {"OWA": 0.833, "sMAPE": 7.301, "MASE": 2.416}, "published by its authors"),
    Published("esrnn_torch", {"OWA": 0.952}, "published by its authors"),
)

HORIZONS = (96, 192, 336, 720)
LONG = """
etth1 | SegRNN | 96 | .368 .408 .444 .446
etth1 | iTransformer | 96 | .386 .441 .487 .503
etth1 | PatchTST | 96 | .414 .460 .501 .500
etth1 | DLinear | 96 | .386 .437 .481 .519
etth1 | SegRNN | 720 | .351 .392 .423 .466
etth1 | iTransformer | 720 | .396 .430 .480 .700
etth1 | PatchTST | 720 | .375 .418 .462 .495
etth1 | DLinear | 720 | .381 .419 .454 .499
etth1 | GRU | 720 | 1.135 1.123 1.080 1.089
etth1 | DeepAR | 720 | 1.097 1.080 1.076 1.079
etth2 | SegRNN | 96 | .278 .359 .421 .432
etth2 | iTransformer | 96 | .297 .380 .428 .427
etth2 | PatchTST | 96 | .302 .388 .426 .431
etth2 | DLinear | 96 | .333 .477 .594 .831
etth2 | SegRNN | 720 | .276 .341 .364 .403
etth2 | iTransformer | 720 | .311 .392 .415 .425
etth2 | PatchTST | 720 | .290 .382 .421 .404
etth2 | DLinear | 720 | .302 .411 .542 .888
etth2 | GRU | 720 | 1.816 2.530 3.173 3.143
ettm1 | SegRNN | 96 | .330 .369 .399 .454
ettm1 | iTransformer | 96 | .334 .377 .426 .491
ettm1 | PatchTST | 96 | .329 .367 .399 .454
ettm1 | DLinear | 96 | .345 .380 .413 .474
ettm1 | P-sLSTM | 336 | .292 .329 .362 .421
ettm1 | DLinear | 336 | .299 .335 .369 .425
ettm1 | PatchTST | 512 | .293 .333 .369 .416
ettm1 | LSTM | 336 | .771 .820 .927 .960
ettm1 | patched LSTM | 336 | .308 .344 .378 .423
"""  # MSE at each of HORIZONS; the column before them is the lookback

SEASONAL = "seasonal naive"  # reproduced by the same code as the net's errors
GIFT_METHODS = (
    SEASONAL,
    "AutoTheta",
    "AutoARIMA",
    "DeepAR",
    "TFT",
    "PatchTST",
    "xLSTM-Mixer",
    "TiRex (pre-trained)",
)
GIFT = """
m4_hourly      1.193/.038 2.460/.041 1.030/.034 3.530/.133 2.470/.040 1.400/.039 3.344/.030  .722/.020
m4_weekly      2.777/.061 2.660/.053 2.360/.050 4.620/.062 2.680/.049 2.340/.040 2.004/.039 1.990/.037
hospital        .921/.062  .761/.055  .826/.060  .834/.062  .833/.058  .820/.064  .814/.063  .756/.051
us_births/D    1.865/.120 1.630/.075 1.580/.074  .535/.028  .315/.016  .487/.025  .313/.016  .443/.023
saugeen/D      3.413/.585 3.600/.669 3.740/.564 4.310/.572 3.220/.419 3.280/.408 3.068/.390 3.000/.358
ett1/H/short    .977/.240 1.280/.668  .995/.223 1.060/.233  .947/.199  .893/.190  .863/.181  .817/.176
ett1/H/medium  1.568/.435 1.840/1.65 1.570/.384 3.120/.535 1.580/.316 1.390/.273 1.326/.266 1.235/.252
ett1/H/long    1.479/.471 2.510/1.94 1.650/.430 2.680/.469 1.550/.313 1.470/.297 1.414/.277 1.321/.258
ett1/15T/short  .934/.241  .863/.410  .934/.241 1.440/.320 1.050/.245  .835/.191  .740/.161  .709/.161
jena/10T/short  .743/.155  .368/.130  .743/.155  .574/.063  .450/.069  .552/.064  .329/.035  .280/.027
jena/H/short    .723/.154  .878/.296 1.080/.143 18.80/.699  .634/.048  .641/.050  .577/.045  .524/.041
"""  # MASE/CRPS of each of GIFT_METHODS


def gift_table() -> dict[str, dict[str, tuple[float, float]]]:
    """MASE and CRPS by configuration and method."""
    table = {}
    for line in GIFT.strip().splitlines():
        name, *cells = line.split()
        pairs = [cell.split("/") for cell in cells]
        table[name] = {m: (float(a), float(b)) for m, (a, b) in zip(GIFT_METHODS, pairs, strict=True)}
    return table


def long_rows(data: str, horizon: int) -> tuple[Published, ...]:
    """The MSE of each method at one horizon."""
    found = []
    for line in LONG.strip().splitlines():
        name, method, lookback, errors = line.split(" | ")
        if name == data:
            mse = float(errors.split()[HORIZONS.index(horizon)])
            found.append(Published(method, {"MSE": mse}, f"published, with a lookback of {lookback}"))
    return tuple(found)


def published(task: str) -> tuple[Published, ...]:
    """The rows that belong beside a task of accuracy.py; none where nobody published any."""
    if task.startswith("gift-"):
        rows = gift_table()[task.removeprefix("gift-")]
        return tuple(Published(m, {"MASE": a, "CRPS": b}, GIFT_EVAL) for m, (a, b) in rows.items() if m != SEASONAL)
    data, _, last = task.rpartition("-")
    if last.isdigit():
        return long_rows(data, int(last))
    return {"etth1-ot": ETTH1_OT, "m4-hourly": M4_HOURLY, "m4-weekly": M4_WEEKLY}[task]
