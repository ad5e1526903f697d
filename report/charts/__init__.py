"""Kinds of picture: pure functions from data frames to charts (Altair, as Vega-Lite)."""
