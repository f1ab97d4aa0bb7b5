"""Export a model, so that it forecasts where gatecast is not."""

import errno
from pathlib import Path

from gatecast.errors import DiskError
from gatecast.exporting.covering import Target, check_covered
from gatecast.files import write_atomic
from gatecast.folders import is_taken, make_folder, new_folder
from gatecast.workflow import Model, load


def export(model_or_run: Model | str | Path, path: str | Path, to: Target = "onnx") -> Path:
    """Write a model as a folder that forecasts without gatecast.

    Before anything is written, the export is run beside the model on rows that were made up, at sizes it was not
    made with, and has to forecast the same but for rounding.

    Args:
        model_or_run: a model, or a run folder or a model folder.
        path: the new folder.
        to: `onnx`, two graphs for any ONNX runtime; `torch`, two programs of torch.export; or `numpy`, one file of
            Python that needs numpy alone.

    Returns:
        The folder.

    Raises:
        OptionError: an option of the model cannot be exported so; the message says which, and what to do.
        ArtifactError: the export forecasts something else than the model; nothing is written.
        MissingExtraError: ONNX needs packages that are not installed.
        DiskError: the folder is there with something in it, or cannot be written.
    """
    model = model_or_run if isinstance(model_or_run, Model) else load(model_or_run)
    check_covered(model, to)
    folder = Path(path)
    if is_taken(folder):  # told before the work, of half a minute
        raise DiskError(errno.EEXIST, "it exists, with something in it", str(folder))
    files = _files(model, to)
    make_folder(folder.parent)
    with new_folder(folder) as temporary:
        for name, data in files.items():
            write_atomic(temporary / name, data)
    return folder


def _files(model: Model, to: Target) -> dict[str, bytes]:
    """The files of an export, checked; torch is asked to trace only where it is wanted."""
    if to == "numpy":
        from gatecast.exporting.numpy_folder import numpy_files  # noqa: PLC0415

        return numpy_files(model)
    from gatecast.exporting.graph_files import onnx_files, torch_files  # noqa: PLC0415 - a second to import

    return onnx_files(model) if to == "onnx" else torch_files(model)
