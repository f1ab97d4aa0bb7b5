"""One small net for each series beside the one net, trained whenever a backtest asks for them, as baselines are."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

from gatecast.data.panel import Panel
from gatecast.data.splits import Split
from gatecast.errors import OptionError
from gatecast.forecaster.local import NAME, ONE_SERIES, LocalNets, local_config
from gatecast.workflow.options import EvaluationOptions, FitOptions

if TYPE_CHECKING:
    from gatecast.workflow.model import Model


@dataclass(frozen=True, eq=False)
class LocalRivals:
    """What a backtest gets of local nets: at most one forecaster, notes, and a sentence about the time they took."""

    forecasters: tuple[LocalNets, ...] = ()
    notes: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Theirs in the scores."""
        return tuple(each.name for each in self.forecasters)


def check_local(panel: Panel, options: FitOptions) -> None:
    """Refuse local nets of one series before the one net is trained.

    Raises:
        OptionError: local nets are asked for, and the table has one series.
    """
    if options.evaluation.local and len(panel.ids) < 2:
        raise OptionError(ONE_SERIES)


def local_rivals(model: "Model", panel: Panel, start: Int64[np.ndarray, " series"]) -> LocalRivals:
    """Local nets trained on the rows before `start` of each series, where the options ask for them."""
    asked = model.options.evaluation
    if not asked.local:
        return LocalRivals()
    if len(panel.ids) < 2:
        return LocalRivals(notes=(f"{NAME} left out: of one series there is nothing that nets could share.",))
    known = model.split if panel is model.panel else None
    split = known if known is not None else _split_before(panel, start, asked, model.horizon)
    began = time.perf_counter()
    nets = LocalNets(local_config(model.forecaster.config, asked.local_units)).fit(panel, split)
    seconds = time.perf_counter() - began
    one = f", the one net in {model.facts['training time']}" if "training time" in model.facts else ""
    fact = f"{len(panel.ids):,} of {asked.local_units} units, trained in {seconds:.1f} s{one}"
    return LocalRivals((nets,), nets.notes_, (("local nets", fact),))


def _split_before(panel: Panel, start: Int64[np.ndarray, " series"], asked: EvaluationOptions, horizon: int) -> Split:
    """Of a table that the net was not trained on: the rows before `start`, the last of them to choose weights by."""
    share = asked.validation / (1 - asked.test)
    rows = np.maximum(np.floor(start * share).astype(np.int64) // horizon, 1) * horizon
    return Split(np.maximum(start - rows, 0), start, panel.known())
