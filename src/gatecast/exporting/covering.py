"""What an export can hold, and what it cannot: refused by the option's name and with what to do instead."""

from typing import Literal

from gatecast.errors import OptionError
from gatecast.models.distributions import DENSITIES
from gatecast.workflow.model import Model

Target = Literal["onnx", "torch", "numpy"]
TARGETS: tuple[Target, ...] = ("onnx", "torch", "numpy")
ALONE = ("normal", "mixture")  # densities whose quantiles numpy alone can say
SERVE = "serve the model (gatecast serve), which runs all of it"


def check_covered(model: Model, to: str) -> None:
    """Refuse a model that the export would tell otherwise than gatecast does.

    Raises:
        OptionError: there is no such export, or it does not hold an option of this model.
    """
    if to not in TARGETS:
        raise OptionError(f"to={to!r} is no export; the exports are {', '.join(TARGETS)}.")
    for what, why, instead in _refusals(model, to):
        raise OptionError(f"{what} cannot be exported to {to}: {why}. Instead, {instead}.")


def _refusals(model: Model, to: str) -> list[tuple[str, str, str]]:
    """Each option that does not go along: its name and value, why, and what to do."""
    forecaster = model.forecaster
    config, fitted = forecaster.config, forecaster.fitted_
    network, holidays = config.network, fitted.columns.holidays
    graph, found = to != "numpy", list[tuple[str, str, str]]()
    if fitted.frequency.unit == "irregular":
        found.append(("frequency=irregular", "the gap before each row is an input made of its time", SERVE))
    if model.options.adapt:
        why = "its intervals move with every error, and an export leaves them as calibrated"
        found.append(("adapt=True", why, "fit without --adapt, or " + SERVE))
    if network.samples:
        found.append((f"decode=recursive with loss={network.loss}", "its quantiles are read off sample paths", SERVE))
    elif network.recursive and not graph:
        instead = "take --to onnx or --to torch"
        found.append(("decode=recursive", "the file of numpy alone feeds no forecast back", instead))
    elif network.recursive and config.normalise == "causal" and fitted.columns.future:
        why = "future covariates would have to be normalised over the horizon"
        found.append(("decode=recursive with future covariates", why, "take decode=direct, or " + SERVE))
    if network.loss in DENSITIES and (graph or network.loss not in ALONE):
        why = "there is no inverse distribution function of it"
        instead = "take --to numpy" if network.loss in ALONE else "train with loss=quantile, or " + SERVE
        found.append((f"loss={network.loss}", why, instead))
    if holidays and not graph:
        why = "holidays come from a package"
        instead = "take --to onnx or --to torch, which read them as inputs"
        found.append((f"holidays={holidays}", why, instead))
    return found
