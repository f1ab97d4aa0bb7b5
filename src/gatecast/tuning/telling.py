"""Settings and trials in words, as they are said on the command line."""

from collections.abc import Mapping
from typing import Any

from gatecast.tuning.records import TrialRecord
from gatecast.workflow.options import all_settings


def short(name: str) -> str:
    """A setting as it is said on the command line: the last part of its full name."""
    return name.rpartition(".")[2]


def told(trial: TrialRecord, first: Mapping[str, Any]) -> str:
    """What a trial tried, where it is not as the first one, and how it ended, in one line."""
    usual = all_settings() | dict(first)
    other = {short(name): value for name, value in trial.settings.items() if shown(usual[name]) != shown(value)}
    tried = " ".join(f"{name}={shown(value)}" for name, value in other.items()) or "the defaults"
    endings = {"pruned": f"  (ended at {trial.share} %)", "stopped": f"  (time was up at {trial.share} %)"}
    return tried + (f"  (failed: {trial.reason})" if trial.status == "failed" else endings.get(trial.status, ""))


def shown(value: Any) -> str:  # noqa: ANN401 - the value of any setting
    """A value as it is said on the command line."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
