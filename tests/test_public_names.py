"""The public names, and what it costs to import them."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import gatecast

HEAVY = (
    "bokeh",
    "cyclopts",
    "matplotlib",
    "numpy",
    "optuna",
    "pandas",
    "polars",
    "ray",
    "rich",
    "scipy",
    "starlette",
    "statsmodels",
    "tensorboard",
    "torch",
)
DRAWN_OR_LEARNT_LATER = (
    "bokeh",
    "matplotlib",
    "optuna",
    "pandas",
    "ray",
    "scipy",
    "statsmodels",
    "tensorboard",
    "torch._dynamo",
)


def test_the_public_names_are_these() -> None:
    assert gatecast.__all__ == [
        "Audit",
        "AuditOptions",
        "Columns",
        "Evaluation",
        "FitOptions",
        "Forecast",
        "ForecastStream",
        "Forecaster",
        "GatecastError",
        "Model",
        "Prediction",
        "StreamOptions",
        "StreamState",
        "TableOptions",
        "__version__",
        "audit",
        "cells",
        "export",
        "fit",
        "inspection",
        "load",
        "load_dataset",
        "nn",
        "save",
        "tune",
    ]
    assert dir(gatecast) == gatecast.__all__


@pytest.mark.parametrize("name", gatecast.__all__)
def test_every_public_name_is_there_under_its_own_name(name: str) -> None:
    found = getattr(gatecast, name)
    assert name in ("__version__", getattr(found, "__name__", "").removeprefix("gatecast."))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'gatecast' has no attribute 'fitt'"):
        gatecast.fitt  # noqa: B018 - reading it is the test


def imported_by(code: str, names: tuple[str, ...]) -> str:
    """Which of the modules are loaded after `code` ran in a fresh Python."""
    script = f"{textwrap.dedent(code)}\nimport sys\nprint(*(name for name in {names!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].strip()


def test_importing_gatecast_loads_nothing_heavy() -> None:
    assert imported_by("import gatecast", HEAVY) == ""


def test_asking_for_the_version_loads_nothing_heavy_but_the_parser() -> None:
    code = "from gatecast.cli import main\nmain(['--version'])"
    assert imported_by(code, HEAVY) in ("cyclopts", "cyclopts rich")


def test_importing_fit_loads_neither_charts_nor_statistics() -> None:
    assert imported_by("from gatecast.workflow import fit", DRAWN_OR_LEARNT_LATER) == ""


def test_predicting_loads_neither_charts_nor_statistics() -> None:
    code = """
        import math, polars
        from gatecast import fit
        table = polars.DataFrame({"y": [math.sin(k / 2) + k % 7 for k in range(80)]})
        fit(table, horizon=2, lookback=8, hidden_size=2, steps=2).predict().to_frame()
    """
    assert imported_by(code, DRAWN_OR_LEARNT_LATER) == ""


def test_a_net_that_looks_words_and_names_up_does_not_load_the_compiler_of_torch(tmp_path: Path) -> None:
    code = f"""
        import math, polars
        import gatecast
        table = polars.DataFrame({{
            "shop": ["a"] * 40 + ["b"] * 40,
            "y": [math.sin(k / 2) + k % 7 for k in range(80)],
            "wind": ["calm", "storm"] * 40,
        }})
        said = {{"id": "shop", "target": "y", "past": ["wind"], "horizon": 2, "lookback": 8, "hidden_size": 2}}
        gatecast.save(gatecast.fit(table, steps=2, embedding=2, **said), {str(tmp_path)!r})
        gatecast.load({str(tmp_path)!r}).predict(table)
    """
    assert imported_by(code, DRAWN_OR_LEARNT_LATER) == ""
