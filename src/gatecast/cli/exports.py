"""The command that makes a model run without gatecast."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

Json = Annotated[bool, Parameter(negative=())]


def add_export_command(app: App) -> None:
    """Put the command beside the others."""
    app.command(export)


def export(
    run: Path, /, *, to: Literal["onnx", "torch", "numpy"] = "onnx", out: Path | None = None, json: Json = False
) -> None:
    """Write a model as a folder that forecasts without gatecast, once it forecasts as the model does.

    Parameters
    ----------
    run
        A run folder or a model folder.
    to
        `onnx`: two graphs, of one row and of a sequence of rows; `torch`: two programs of torch.export; `numpy`: one
        file of Python that needs numpy alone.
    out
        The new folder (default: RUN/export-onnx, RUN/export-torch or RUN/export-numpy).
    json
        What was written as JSON on stdout.
    """
    from gatecast.cli import show  # noqa: PLC0415 - torch is loaded when there is work
    from gatecast.exporting import export as export_model  # noqa: PLC0415

    show.exported(export_model(run, out or run / f"export-{to}", to), as_json=json)
