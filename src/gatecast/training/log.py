"""Training logs: JSON lines always, TensorBoard event files on request."""

import os
from pathlib import Path

import msgspec

from gatecast.errors import ArtifactError, MissingExtraError
from gatecast.files import write_atomic, writing
from gatecast.models.ensemble import Network
from gatecast.saved import read_file
from gatecast.training.loop import StepRecord

MOST_BYTES = 2**30
REMEDY = "Remove it, the model does not need it."


class StepLog:
    """`steps.jsonl`: one line for each step, handed over at once, so that a crash loses nothing but its own step.

    Raises:
        DiskError: it cannot be written.
    """

    def __init__(self, path: Path, resumed_at: int = 0) -> None:
        self._path = path
        kept = [line for line in read_steps(path) if line.step <= resumed_at]
        write_atomic(path, b"".join(msgspec.json.encode(line) + b"\n" for line in kept))
        with writing(path):
            self._file = path.open("ab")

    def write(self, record: StepRecord) -> None:
        """Add a step."""
        with writing(self._path):
            self._file.write(msgspec.json.encode(record) + b"\n")
            self._file.flush()

    def keep(self) -> None:
        """Bring what was written to the disk, as what goes on from here must find it after a power cut."""
        with writing(self._path):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        with writing(self._path):
            self._file.close()


def read_steps(path: Path) -> list[StepRecord]:
    """The steps in a log; a last line cut short by a crash is left out, and a missing file has no steps.

    A power cut may leave zeros in the place of lines that had not reached the disk: there the log ends.

    Raises:
        ArtifactError: a whole line is damaged.
    """
    if not path.exists():
        return []
    lines = read_file(path, MOST_BYTES, REMEDY).partition(b"\0")[0].split(b"\n")[:-1]
    try:
        return [msgspec.json.decode(line, type=StepRecord) for line in lines]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ArtifactError(f"the training log {path} is damaged ({error}). {REMEDY}") from error


class TensorBoardLog:
    """Event files: loss of each step and epoch, learning rate, gradient norm, histograms of weights and gradients."""

    def __init__(self, folder: Path, histograms_every: int = 50) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - it takes a second to import
        except ImportError as error:
            raise MissingExtraError("tensorboard", "tensorboard", "--tensorboard") from error
        self._writer = SummaryWriter(str(folder))
        self._every = histograms_every
        self._epoch = 0
        self._losses: list[float] = []

    def write(self, record: StepRecord, network: Network) -> None:
        """Add a step."""
        add = self._writer.add_scalar
        add("loss/step", record.loss, record.step)
        add("learning_rate", record.learning_rate, record.step)
        add("gradient_norm", record.gradient_norm, record.step)
        if record.validation is not None:
            add("loss/validation", record.validation, record.step)
        self._losses.append(record.loss)
        if int(record.epoch) > self._epoch:
            self._end_epoch(int(record.epoch))
        if record.step % self._every == 0:
            self._histograms(record.step, network)

    def _end_epoch(self, epoch: int) -> None:
        mean = sum(self._losses) / len(self._losses)
        self._writer.add_scalar("loss/epoch", mean, epoch)
        self._epoch, self._losses = epoch, []

    def _histograms(self, step: int, network: Network) -> None:
        for name, parameter in network.named_parameters():
            self._writer.add_histogram(f"weights/{name}", parameter, step)
            if parameter.grad is not None:
                self._writer.add_histogram(f"gradients/{name}", parameter.grad, step)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
