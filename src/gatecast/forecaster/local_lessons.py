"""What each local net learns from: the windows, or the rows, of its own series."""

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from gatecast.data.panel import Panel
from gatecast.data.sampling import StreamSampler
from gatecast.data.splits import Origins, Split, evenly
from gatecast.data.tensors import PanelTensors
from gatecast.data.windows import windows_between
from gatecast.errors import TooShortError
from gatecast.forecaster.config import ForecasterConfig
from gatecast.models.network import RecurrentNetwork
from gatecast.training.courses import Course, Sequences, Windows
from gatecast.training.many import Learner

FEWEST_WINDOWS = 16  # to learn from: of fewer a net would learn noise
MOST_JUDGED = 256  # windows of the validation part of a series

Positions = Int64[np.ndarray, " series"]
Some = Int64[np.ndarray, " some"]


class LocalLessons:
    """A course for each series of one table; windows are listed for some series at a time.

    Attributes:
        by_length: the series, those with the shortest training part first: series of like length are trained together.
    """

    def __init__(self, config: ForecasterConfig, panel: Panel, split: Split, tensors: PanelTensors) -> None:
        self._config, self._panel, self._split, self._tensors = config, panel, split, tensors
        self._ends = tensors.starts[:-1] + torch.from_numpy(split.train_end)
        self.by_length: Positions = np.argsort(split.train_end, kind="stable")

    @property
    def rows_a_step(self) -> int:
        """How many rows a net reads at a step."""
        training = self._config.training
        if self._config.mode == "windows":
            return training.batch_size * self._config.lookback
        return training.streams * training.time

    def learners(self, series: Some, net: RecurrentNetwork) -> tuple[Int64[np.ndarray, " enough"], list[Learner]]:
        """Those of some series that have windows enough to learn from, and a learner for each."""
        split, training = self._split, self._config.training
        train = self._places(series, np.zeros_like(split.train_end), split.train_end)
        judged = self._places(series, split.train_end, split.validation_end)
        enough = [s for s in series.tolist() if len(train[s]) >= FEWEST_WINDOWS and len(judged[s])]
        courses = [self._course(train[s], judged[s][evenly(np.arange(len(judged[s])), MOST_JUDGED)]) for s in enough]
        return np.array(enough, dtype=np.int64), [Learner(net, course, training) for course in courses]

    def _places(self, series: Some, start: Positions, end: Positions) -> list[Int64[Tensor, "windows two"]]:
        """The windows in a part of these series, by the number of the series; none of others."""
        asked = np.zeros_like(end)
        asked[series] = end[series]
        try:
            origins = windows_between(self._panel, start, asked, self._config.lookback, self._config.horizon)
        except TooShortError:
            none = np.zeros(0, dtype=np.int64)
            origins = Origins(none, none)
        counts = np.bincount(origins.series, minlength=len(end))
        return list(self._tensors.place(origins).split(counts.tolist()))

    def _course(self, train: Int64[Tensor, "windows two"], judged: Int64[Tensor, "judged two"]) -> Course:
        tensors, training = self._tensors, self._config.training
        if self._config.mode == "windows":
            return Windows(tensors, judged, train, training)
        series = int(train[0, 0])
        rows = np.zeros(len(self._ends), dtype=np.int64)
        rows[series] = int(self._ends[series] - tensors.starts[series]) - 1  # the last row has no target to learn
        sampler = StreamSampler(rows, training.streams, training.time, training.chunks, training.seed)
        return Sequences(tensors, judged, self._ends, sampler, training.burn_in)
