"""Live forecasts: each observation is one step of a state machine."""

from gatecast.streaming.alone import Alone, Streaming
from gatecast.streaming.options import AS_USUAL, StreamOptions
from gatecast.streaming.state import StreamState
from gatecast.streaming.status import Recent, SeriesStatus
from gatecast.streaming.stream import ForecastStream

__all__ = ["AS_USUAL", "Alone", "ForecastStream", "Recent", "SeriesStatus", "StreamOptions", "StreamState", "Streaming"]
