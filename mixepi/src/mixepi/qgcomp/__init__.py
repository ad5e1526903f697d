"""Quantile g-computation."""
