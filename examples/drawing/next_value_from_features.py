"""The picture and the TensorBoard curves of next_value_from_features.py."""

import sys
from pathlib import Path

import numpy as np
import torch

from gatecast.errors import MissingExtraError
from gatecast.reporting.paper import label, legend, png, sheet
from gatecast.reporting.style import BEST, INK, NET


def draw(actual: np.ndarray, forecasts: dict[str, np.ndarray], target: str, path: Path) -> None:
    """The first two forecasts against the actual values, over the last rows of the test part."""
    rows = np.arange(len(actual))[-150:]
    figure, (chart,) = sheet(f"The last {len(rows)} rows of the test part, each forecast from the rows before it")
    for (name, values), colour, dash in zip(forecasts.items(), (NET, BEST), ("-", ":"), strict=False):
        chart.plot(rows, values[rows], color=colour, linestyle=dash, linewidth=1.4, label=name)
    chart.plot(rows, actual[rows], color=INK, linewidth=1, label="actual")
    label(chart, "row of the test part", target)
    legend(chart)
    path.write_bytes(png(figure))


class Curves:
    """TensorBoard event files; without the extra, one line with the remedy and no files."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - only this needs the extra
        except ImportError:
            print(MissingExtraError("tensorboard", "tensorboard", "writing TensorBoard files"), file=sys.stderr)
            self._writer = None
        else:
            self._writer = SummaryWriter(str(folder), purge_step=0)  # an earlier run's curves here are not drawn

    def add(self, net: torch.nn.Module, epoch: int, losses: list[float], checked: float) -> None:
        """The losses of an epoch's steps, their mean, the validation loss, and how the last gradients are spread."""
        if not self._writer:
            return
        for step, loss in enumerate(losses, start=(epoch - 1) * len(losses) + 1):
            self._writer.add_scalar("loss/step", loss, step)
        self._writer.add_scalar("loss/epoch", sum(losses) / len(losses), epoch)
        self._writer.add_scalar("loss/validation", checked, epoch)
        for name, parameter in net.named_parameters():
            self._writer.add_histogram(f"gradients/{name}", parameter.grad, epoch)
        self._writer.flush()  # so that the curves can be watched while the net learns
