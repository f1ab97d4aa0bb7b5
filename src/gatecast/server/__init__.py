"""A live forecaster over HTTP: observations in, forecasts out, none lost.

wire.py      what goes over the wire, as types
live.py      what the HTTP side asks of the forecaster behind it
"""
