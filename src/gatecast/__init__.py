"""gatecast: recurrent forecasting, from the equation to production."""

__version__ = "0.1.0"
