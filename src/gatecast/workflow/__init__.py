"""From a table to a trustworthy forecast: the steps in order, and the run folder they leave behind."""

from gatecast.workflow.auditing import audit
from gatecast.workflow.fitting import fit
from gatecast.workflow.model import Evaluation, Model, Prediction
from gatecast.workflow.options import FitOptions, build_options
from gatecast.workflow.runs import load, save

__all__ = ["Evaluation", "FitOptions", "Model", "Prediction", "audit", "build_options", "fit", "load", "save"]
