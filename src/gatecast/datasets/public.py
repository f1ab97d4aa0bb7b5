"""Public sets that ship with statsmodels: real data for the demo, without a download."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from gatecast.errors import OptionError


@dataclass(frozen=True)
class Dataset:
    """A named public data set.

    Attributes:
        name: how it is asked for.
        title: what it is, in words.
        source: who measured it, and where it is published.
        licence: what may be done with it.
        horizon: rows that are worth forecasting.
        load: reads it as a data frame with the columns `ds` and one value.
    """

    name: str
    title: str
    source: str
    licence: str
    horizon: int
    load: Callable[[], pl.DataFrame]


def _co2() -> pl.DataFrame:
    table = _statsmodels("co2").load_pandas().data
    return pl.DataFrame({"ds": table.index.to_numpy(), "co2": table["co2"].to_numpy()}).with_columns(
        pl.col("ds").cast(pl.Datetime("us")), pl.col("co2").fill_nan(None)
    )


def _elnino() -> pl.DataFrame:
    wide = _statsmodels("elnino").load_pandas().data
    years = wide["YEAR"].to_numpy().astype(int)
    values = wide.drop(columns="YEAR").to_numpy()
    months = pl.datetime_range(pl.datetime(years[0], 1, 1), pl.datetime(years[-1], 12, 1), "1mo", eager=True)
    return pl.DataFrame({"ds": months, "temperature": values.reshape(-1)})


def _statsmodels(name: str) -> Any:  # noqa: ANN401 - a module without types
    from statsmodels import datasets  # noqa: PLC0415 - it takes a second to import

    return getattr(datasets, name)


_SETS = (
    Dataset(
        name="co2",
        title="Weekly CO2 above Mauna Loa, 1958 to 2001, with gaps",
        source="C.D. Keeling and T.P. Whorf, Carbon Dioxide Research Group, Scripps Institution of Oceanography",
        licence="public domain, as statsmodels states",
        horizon=13,
        load=_co2,
    ),
    Dataset(
        name="elnino",
        title="Monthly sea surface temperature of the Pacific (Nino 1+2), 1950 to 2010",
        source="National Oceanic and Atmospheric Administration, Climate Prediction Center",
        licence="public domain, as statsmodels states",
        horizon=12,
        load=_elnino,
    ),
)
DATASETS: Mapping[str, Dataset] = MappingProxyType({dataset.name: dataset for dataset in _SETS})


def load_dataset(name: str) -> pl.DataFrame:
    """Read a public data set by its name.

    Raises:
        OptionError: there is no set of that name.
    """
    if name not in DATASETS:
        raise OptionError(f"there is no data set {name!r}; the sets are {', '.join(DATASETS)}.")
    return DATASETS[name].load()
