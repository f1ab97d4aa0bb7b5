"""Data sets that come with a dependency, as data frames ready for `gatecast.fit`."""

from gatecast.datasets.public import DATASETS, Dataset, load_dataset

__all__ = ["DATASETS", "Dataset", "load_dataset"]
