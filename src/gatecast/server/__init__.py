"""A live forecaster over HTTP: observations in, forecasts out, none lost.

starting.py   from a run folder to a server that listens
engine.py     the forecaster behind HTTP; committing.py, logbook.py, events.py, answers.py are its parts
store/        where observations are kept
app.py        the HTTP side; door.py is what every request passes
page/         the page
wire.py       what goes over the wire, as types
live.py       what the HTTP side asks of the forecaster behind it
"""
