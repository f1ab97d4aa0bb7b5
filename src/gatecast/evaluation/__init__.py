"""Honest evaluation: it knows only data and the forecaster protocol, and judges anybody's forecaster."""
