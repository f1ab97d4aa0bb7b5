"""Stacked recurrent layers over time."""

from gatecast.nn.recurrent import CELLS, LayerConfig, recurrent_layer

__all__ = ["CELLS", "LayerConfig", "recurrent_layer"]
