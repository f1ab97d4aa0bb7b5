"""The reference, written at each build from the code itself, so that it cannot be out of date.

`reference/NAME.md` for every row of MODULES, from docstrings (by mkdocstrings); `reference/command_line.md` from what
`gatecast --help` prints; `reference/settings.md` from the options and their docstrings.
"""

import inspect
import re
from types import MappingProxyType
from typing import Any

import msgspec
from cyclopts.docs.markdown import generate_markdown_docs
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from gatecast.cli.app import app
from gatecast.data.columns import Columns
from gatecast.workflow.options import SHORT_NAMES, FitOptions

MODULES = MappingProxyType(
    {
        "gatecast": ("The public names", ["gatecast"]),
        "nn": ("Layers", ["gatecast.nn"]),
        "cells": ("Cells", ["gatecast.cells"]),
        "inspection": (
            "Inspection",
            # two functions with the names of their files, which hide them from a reader of files
            ["gatecast.inspection", "gatecast.inspection.compare.compare", "gatecast.inspection.timescales.timescales"],
        ),
        "streaming": ("Streams", ["gatecast.streaming", "gatecast.streaming.tables"]),
        "client": ("The client of a live server", ["gatecast.client"]),
        "server": ("The live server", ["gatecast.server.options", "gatecast.server.starting", "gatecast.server.wire"]),
        "evaluation": (
            "Evaluation",
            [
                *("gatecast.evaluation.results", "gatecast.evaluation.metrics", "gatecast.evaluation.baselines"),
                *("gatecast.evaluation.backtest", "gatecast.evaluation.comparison", "gatecast.evaluation.verdict"),
                *("gatecast.evaluation.duel", "gatecast.evaluation.audit", "gatecast.evaluation.conformal"),
                *("gatecast.evaluation.calibration", "gatecast.evaluation.adaptive", "gatecast.evaluation.adapting"),
            ],
        ),
        "tuning": ("The search for settings", ["gatecast.tuning", "gatecast.tuning.result"]),
        "scale": ("Partitions and engines", ["gatecast.scale", "gatecast.engines", "gatecast.data.partitions"]),
        "data": (
            "Tables and panels",
            [
                *("gatecast.data.columns", "gatecast.data.reading", "gatecast.data.panel", "gatecast.data.splits"),
                *("gatecast.data.windows", "gatecast.data.scalers", "gatecast.data.calendar", "gatecast.datasets"),
            ],
        ),
        "forecaster": ("Forecasters", ["gatecast.forecast", "gatecast.forecaster", "gatecast.artifact"]),
        "training": ("Training", ["gatecast.training", "gatecast.models.config", "gatecast.choosing"]),
        "adapters": (
            "Adapters",
            [f"gatecast.adapters.{name}" for name in ("sktime", "sklearn", "nixtla", "darts", "gluonts", "mlflow")],
        ),
        "exporting": ("Export", ["gatecast.exporting"]),
        "doctor": ("The doctor", ["gatecast.doctor"]),
        "errors": ("Errors", ["gatecast.errors"]),
    }
)
ENTRY = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
GROUPS = MappingProxyType(
    {
        "": "The forecast",
        "network.layer": "The recurrent layers",
        "network": "The net",
        "training": "Training",
        "table": "The table",
        "evaluation": "Judging",
    }
)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages."""
    pages = {name: module_page(*row) for name, row in MODULES.items()}
    pages |= {"command_line": command_line_page(), "settings": settings_page()}
    for name, text in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def module_page(title: str, names: list[str]) -> str:
    """What mkdocstrings makes the page of."""
    return f"# {title}\n\n" + "\n".join(f"::: {name}\n" for name in names)


def command_line_page() -> str:
    """What `--help` says of each command, and nothing else."""
    text = generate_markdown_docs(app, no_root_title=True, generate_toc=False)
    return f"# The command line\n\n`gatecast COMMAND --help` prints the same.\n\n{text}"


def settings_page() -> str:
    """Every setting: its full name, its short one, its default, and what its docstring says."""
    head = (
        "# Settings\n\nOne name everywhere: a keyword of `gatecast.fit`, a line of a `--config` file, a value for "
        "`--set`. The short name will do where there is one. `gatecast settings` prints them all as a file to edit; a "
        "default that is *open* is chosen from the table, before the test part, and said aloud.\n"
    )
    return head + "\n".join(_group(prefix, title) for prefix, title in GROUPS.items())


def _group(prefix: str, title: str) -> str:
    struct = FitOptions
    for part in filter(None, prefix.split(".")):
        struct = _types(struct)[part]
    short = {full: name for name, full in SHORT_NAMES.items()}
    rows = [f"\n## {title}\n", "| setting | short | default | |", "|---|---|---|---|"]
    said = _said(Columns) | _said(struct)  # the columns' own settings are described where they are settled
    for field in msgspec.structs.fields(struct):
        if not _is_group(field.type):
            name = f"{prefix}.{field.name}".removeprefix(".")
            nickname = f"`{short[name]}`" if name in short else ""
            rows.append(f"| `{name}` | {nickname} | {_default(field.default)} | {said[field.name]} |")
    return "\n".join(rows) + "\n"


def _types(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(struct)}


def _is_group(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _said(struct: type) -> dict[str, str]:
    """What the docstrings of a group, and of what it is built on, say of each setting."""
    found: dict[str, str] = {}
    for kind in reversed(struct.__mro__):
        _, _, attributes = (inspect.cleandoc(kind.__doc__ or "")).partition("Attributes:\n")
        found |= {name: " ".join(text.split()) for name, text in ENTRY.findall(attributes)}
    return found


def _default(value: object) -> str:
    if value is None:
        return "*open*"
    return f"`{msgspec.json.encode(value).decode()}`"
