"""The training loop in sight, the optimiser, the checkpoint."""

from gatecast.training.config import TrainingConfig
from gatecast.training.loop import StepRecord, TrainingState, train

__all__ = ["StepRecord", "TrainingConfig", "TrainingData", "TrainingState", "train"]
