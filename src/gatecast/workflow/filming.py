"""`gatecast fit --film`: a forecast of the validation part at every look at the net, joined to an animation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float

from gatecast.data.columns import Guess
from gatecast.data.splits import Origins
from gatecast.folders import make_folder
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import StepRecord
from gatecast.workflow.listening import Look

CONTEXT = 3  # horizons of history before the cutoff


@final
class Filming:
    """Films the fit of one window as training goes on, and writes the film when it ends.

    Args:
        path: of the film, .gif or .mp4.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._looks: list[StepRecord] = []
        self._forecasts: list[Float[np.ndarray, " horizon"]] = []
        self._last: Look | None = None

    def guessed(self, guesses: Sequence[Guess]) -> None:
        """Nothing to film."""

    def stage(self, text: str) -> None:
        """Nothing to film."""

    @contextmanager
    def training(self, config: TrainingConfig, first_step: int) -> Iterator[None]:  # noqa: ARG002 - as listeners have it
        """Film until training ends, however it ends."""
        try:
            yield
        finally:
            self._write()

    def step(self, record: StepRecord) -> None:
        """A film has a picture for each look, not for each step."""

    def looked(self, look: Look) -> None:
        """Forecast the window as the net does now."""
        self._last = look
        self._looks.append(look.record)
        origins, horizon = _window(look), look.forecaster.config.horizon
        self._forecasts.append(look.forecaster.forecast(look.panel, origins, horizon).mean[0, :, 0])

    def _write(self) -> None:
        if self._last is None:
            return
        from gatecast.reporting.films import Fitting, write_fitting_film  # noqa: PLC0415 - drawing is loaded when wanted

        panel, origins = self._last.panel, _window(self._last)
        series, cutoff = int(origins.series[0]), int(origins.position[0])
        horizon = self._last.forecaster.config.horizon
        shown = slice(
            panel.rows(series).start + max(0, cutoff - CONTEXT * horizon), panel.rows(series).start + cutoff + horizon
        )
        fitting = Fitting(
            steps=np.array([look.step for look in self._looks]),
            validation=np.array([np.nan if look.validation is None else look.validation for look in self._looks]),
            times=panel.times[shown],
            actual=panel.targets[shown, 0].astype(np.float64),
            forecasts=np.stack(self._forecasts),
            unit=panel.columns.target[0],
        )
        make_folder(self.path.parent)
        write_fitting_film(fitting, self.path)


def _window(look: Look) -> Origins:
    """The last window of the validation part of the series that has most of it."""
    series = int(np.argmax(look.split.validation_end - look.split.train_end))
    cutoff = max(1, int(look.split.validation_end[series]) - look.forecaster.config.horizon)
    return Origins(np.array([series]), np.array([cutoff]))
