"""Forecasts and backtests of millions of series, partition by partition, on the engine that was asked for."""

from gatecast.scale.driving import backtest_partitions, predict_partitions
from gatecast.scale.telling import Done

__all__ = ["Done", "backtest_partitions", "predict_partitions"]
