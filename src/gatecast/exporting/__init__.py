"""Models where gatecast is not: as ONNX graphs, as programs of torch.export, or as one file of numpy."""

from gatecast.exporting.exporting import export

__all__ = ["export"]
