"""Forecasts and backtests of millions of series, partition by partition, on the engine that was asked for."""

from gatecast.scale.driving import backtest_partitions, predict_partitions
from gatecast.scale.telling import Done, Telling

__all__ = ["Done", "Telling", "backtest_partitions", "predict_partitions"]
