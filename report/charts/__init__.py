"""Kinds of picture: pure functions from data frames to Vega-Lite charts, as dictionaries."""
