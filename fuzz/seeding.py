"""`python -m fuzz.seeding FOLDER`: the first inputs of each target, from which the others are grown."""

import sys
from pathlib import Path

import msgspec
import numpy as np

from fuzz import artifact
from fuzz.places import folder
from gatecast.artifact import MANIFEST, WEIGHTS, About, save
from gatecast.choosing.asked import AskedTraining
from gatecast.data.columns import Columns, TableOptions
from gatecast.data.frequency import parse_frequency
from gatecast.data.panel import panel_from_arrays
from gatecast.data.splits import Split
from gatecast.evaluation.calibration import Calibration
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.tuning.placing import as_toml
from gatecast.workflow.options import EvaluationOptions, FitOptions
from gatecast.workflow.runs import RunRecord

TINY = LayerConfig(hidden_size=2)
LINES = [f"2024-01-{day:02},{day * day % 7},{day / 3:.2f}" for day in range(1, 13)]
TABLE = "ds,y,x\n" + "".join(f"{line}\n" for line in LINES)
TABLES = (
    TABLE,
    TABLE.replace(".", "!").replace(",", ";").replace("!", ","),
    TABLE.replace("ds,y,x\n", '\ufeff"ds","Größe","x, y"\n').replace(",4", ',"4"'),
    "year,month,unique_id,y\n" + "".join(f"{2020 + month // 12},{month % 12 + 1},a,{month}\n" for month in range(14)),
    "unique_id,1,2,3,4\na,1,2,3,4\nb,5,,7,9\n",
    "01/02/2024 10:00\t1e3\tred\n01/02/2024 10:15\t1,234.5\tblue\n01/02/2024 10:45\tNA\tred\n",
)
OPTIONS = (
    FitOptions(horizon=12),
    FitOptions(
        lookback="all",
        calendar=("day", "week"),
        table=TableOptions(id="shop", target=("y",), future=("price",), frequency="15min", day_first=True),
        network=NetworkConfig(layer=LayerConfig(cell="lstm", num_layers=2, dropout=0.1), loss="normal"),
        training=AskedTraining(budget="60s", learning_rate=0.01),
        evaluation=EvaluationOptions(test=0.1, baselines=("naive",), local=True),
    ),
)
NETS: tuple[tuple[dict[str, object], NetworkConfig], ...] = (
    ({}, NetworkConfig(layer=TINY)),
    ({"mode": "sequences", "normalise": "causal"}, NetworkConfig(layer=TINY, loss="student")),
    ({"horizon": 2}, NetworkConfig(layer=LayerConfig(cell="lstm", hidden_size=1), decode="seq2seq", embedding=1)),
    ({"calendar": ()}, NetworkConfig(layer=TINY, decode="recursive", loss="normal", paths=3, highway=False)),
)


def main(place: Path) -> None:
    """Write them all."""
    columns = Columns(target=("y",), future=("x",), id="unique_id", time="ds", categories={"x": ("a", "b")})
    plain = Columns(target=("y",), time="ds")
    found = {
        "csv": [letter + table.encode() for table in TABLES for letter in (b"a", b"c", b"d", b"e", b"f")],
        "settings": [data for options in OPTIONS for data in settings(options)],
        "artifact": [
            data for config, chosen in NETS for each in (columns, plain) for data in net(each, config, chosen)
        ],
    }
    for target, inputs in found.items():
        (place / target).mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(inputs):
            (place / target / f"seed-{number}").write_bytes(data)


def settings(options: FitOptions) -> tuple[bytes, ...]:
    """The same settings by each road."""
    toml = as_toml(options).encode()
    config = ForecasterConfig(lookback=2, horizon=1)
    record = RunRecord("done", "", {}, Columns(target=("y",)), options, config, 1, (), {})
    return b"a" + toml, b"b" + msgspec.json.encode(record), b"c" + toml.replace(b" = ", b"=").replace(b'"', b"")


def net(columns: Columns, network: NetworkConfig, config: dict[str, object]) -> tuple[bytes, bytes]:
    """A net that was not trained: as it was sealed, and with the header of its weights alone."""
    rows = {"s0": np.stack([np.sin(np.arange(40.0)), np.arange(40) % 2], axis=1)[:, : len(columns.channels)]}
    panel = panel_from_arrays(rows, columns, parse_frequency("1h"))
    settled = msgspec.convert({"lookback": 4, "horizon": 1, **config}, ForecasterConfig)
    forecaster = RecurrentForecaster(msgspec.structs.replace(settled, network=network))
    forecaster.prepare(panel, Split(*(np.array([end]) for end in (20, 30, 40))))
    forecaster.network_.eval()
    levels = network.levels or (0.5,)
    calibration = Calibration(levels, (((0.0,) * len(levels),),) * settled.horizon)
    place = save(forecaster, folder("seeding"), About(scores={"gru": 0.5}), calibration if columns.id else None)
    manifest, weights = (place / MANIFEST).read_bytes(), (place / WEIGHTS).read_bytes()
    header = weights[8 : 8 + int.from_bytes(weights[:8], "little")]
    return artifact.pack(0, manifest, weights), artifact.pack(7, manifest, header)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
