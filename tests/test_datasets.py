"""The data sets of the demo: what their sources say they are, and names that lead somewhere."""

import polars as pl
import pytest

from gatecast import load_dataset
from gatecast.data.reading import load_panel
from gatecast.datasets import DATASETS
from gatecast.errors import OptionError


def test_co2_is_weekly_and_has_the_published_ends() -> None:
    table = load_dataset("co2")
    assert (str(table["ds"].min()), str(table["ds"].max())) == ("1958-03-29 00:00:00", "2001-12-29 00:00:00")
    assert (table["co2"][0], table["co2"][-1]) == (316.1, 371.5)
    assert table["ds"].diff().drop_nulls().unique().dt.total_days().to_list() == [7]
    assert table["co2"].null_count() == 59, "weeks without a measurement are missing, and not zero"


def test_elnino_puts_every_month_at_its_place() -> None:
    table = load_dataset("elnino")
    assert (table.height, table["temperature"].null_count()) == (61 * 12, 0)
    by_month = table.group_by(pl.col("ds").dt.month()).agg(pl.col("temperature").mean()).sort("temperature")
    assert by_month["ds"][-1] == 3, "off Peru the sea is warmest in March"
    assert by_month["ds"][0] == 9, "and coldest in September"


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_can_be_learnt_from_and_says_where_it_is_from(name: str) -> None:
    panel, _ = load_panel(load_dataset(name))
    dataset = DATASETS[name]
    assert len(panel.times) > 20 * dataset.horizon
    assert dataset.title
    assert dataset.source
    assert dataset.licence


def test_an_unknown_set_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(OptionError, match="no data set 'airline'; the sets are co2, elnino"):
        load_dataset("airline")
