"""The simple methods that a net has to beat, fitted once and run forward over every row."""

from gatecast.evaluation.baselines.autoreg import AutoReg
from gatecast.evaluation.baselines.base import Baseline
from gatecast.evaluation.baselines.catalogue import BASELINES, baselines_by_name, default_baselines
from gatecast.evaluation.baselines.ets import Ets
from gatecast.evaluation.baselines.simple import Drift, Mean, Naive, SeasonalNaive
from gatecast.evaluation.baselines.theta import Theta

__all__ = [
    "BASELINES",
    "AutoReg",
    "Baseline",
    "Drift",
    "Ets",
    "Mean",
    "Naive",
    "SeasonalNaive",
    "Theta",
    "baselines_by_name",
    "default_baselines",
]
