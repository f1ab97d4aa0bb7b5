"""The report: one HTML file that opens offline.

It answers, in this order, whether the net is worth its trouble, by how much, what it forecasts, where it errs, how it
was trained, what it does inside where somebody looked, whether all that can be trusted, and what it was trained on.

Names from the data are hostile until proven otherwise: the page escapes them, the charts hold them as plain text, and
the page's own policy lets the browser run the two scripts written here, by their SHA-256, and load nothing at all.
"""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

from bokeh.resources import Resources
from jinja2 import Environment, PackageLoader, StrictUndefined

import gatecast
from gatecast.data.columns import TableOptions
from gatecast.errors import OptionError
from gatecast.files import write_atomic
from gatecast.folders import make_folder
from gatecast.reporting import findings
from gatecast.reporting.inside_sections import inside_sections
from gatecast.reporting.record import DATA_FACTS, RunReport
from gatecast.reporting.rows import interval
from gatecast.reporting.scores import COLUMNS, score_rows
from gatecast.reporting.sections import data_section, sections
from gatecast.reporting.style import PART_COLOURS

OPTIONS = {*TableOptions.__struct_fields__, "horizon", "lookback", "season", "subtract", "calendar", "scaler", "cell"}
STARTER = """
for (const block of document.querySelectorAll("script.chart-data")) {
  const item = JSON.parse(block.textContent);
  Bokeh.embed.embed_item(item, item.target_id);
}
"""


def write_report(run: RunReport, path: str | Path) -> Path:
    """Write the report of `run` as one HTML file of less than 2 MB that opens offline.

    Raises:
        OptionError: `path` is a folder.
    """
    return write_html(lambda: render(run), Path(path), "report", "report.html")


def write_html(page: Callable[[], str], path: Path, kind: str, usual: str) -> Path:
    """Write one page; `page` makes it, `kind` is what it is called, and `usual` the name of its file.

    Raises:
        OptionError: `path` is a folder.
    """
    if path.is_dir():
        raise OptionError(f"the {kind} is one file, but {path} is a folder. Write to {path / usual} instead.")
    make_folder(path.parent)
    write_atomic(path, page().encode())
    return path


def render(run: RunReport) -> str:
    """The report of `run` as HTML."""
    ends = interval(run.backtest)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            run=run,
            version=gatecast.__version__,
            css=style_sheet(),
            outcome=findings.outcome(run.metrics),
            badge=findings.BADGES[findings.outcome(run.metrics)],
            columns=COLUMNS,
            scores=score_rows(run, ends.share if ends else None),
            sections=(*sections(run), *inside_sections(run.inside)),
            audit_finding=findings.audit_finding(run),
            data=data_section(run),
            data_facts=[(key, run.facts[key]) for key in DATA_FACTS if key in run.facts],
            parts=PART_COLOURS,
            options=OPTIONS,
            details=[(key, value) for key, value in run.facts.items() if key not in DATA_FACTS],
            **scripts(),
        )
    )


def environment() -> Environment:
    """The pages of this folder, with every name from the data escaped."""
    loader = PackageLoader("gatecast.reporting", ".")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}  # Bokeh defines a model before it refers to it
    return environment


def style_sheet() -> str:
    """How every page looks."""
    return (Path(__file__).parent / "report.css").read_text(encoding="utf-8")


def scripts() -> dict[str, str]:
    """The page's two scripts, and the policy that allows these two and nothing else."""
    library = "\n".join(Resources(mode="inline", components=["bokeh"], log_level="error").js_raw)
    sources = " ".join(f"'sha256-{_digest(script)}'" for script in (library, STARTER))
    # Bokeh styles its elements inline and keeps its icons in data: addresses.
    policy = (
        f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        f"base-uri 'none'; form-action 'none'"
    )
    return {"library": library, "starter": STARTER, "policy": policy}


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
