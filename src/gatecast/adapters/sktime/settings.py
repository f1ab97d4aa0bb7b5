"""What is said to a forecaster of sktime's, as settings of a fit."""

from collections.abc import Mapping
from typing import Any

from gatecast.errors import OptionError
from gatecast.workflow.options import full_names

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""What sktime asks for where nobody says it (0.05 and 0.95), and the middle half."""
OURS = ("table.frequency", "table.holidays", "table.categorical")  # what frames do not say, or not surely


def fit_settings(said: Mapping[str, Any] | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a fit by their full names: what was said, the constructor's arguments, and usual ones.

    Every row of y is learnt from or chosen by, for sktime scores on rows that it does not give.

    Raises:
        OptionError: a setting is said twice, or is not one to say here.
    """
    settings, own = full_names(said or {}), full_names(arguments)
    for name in settings:
        if name.startswith("table.") and name not in OURS:
            raise OptionError(
                f"settings= holds {name}, and sktime's frames say that by themselves: y holds the targets, X the "
                f"covariates, and past= names those of X that nobody knows in advance."
            )
        if name in own and name not in OURS:
            raise OptionError(f"settings= holds {name}, which is an argument of GatecastForecaster: say it there.")
    if settings.get("adapt"):
        raise OptionError(
            "adapt=True lets intervals follow every row that comes, which forecasts of a table or of a stream do each "
            "in its own way: leave it out, or go on live with model_.stream()."
        )
    if settings.get("table.frequency") in ("row", "irregular"):
        raise OptionError(
            f"frequency={settings['table.frequency']!r} is not for sktime, where every step of fh has a date: give y "
            f"whole numbers as its index, or resample it to one step."
        )
    return {"evaluation.test": 0.0, "network.quantiles": QUANTILES} | own | settings
