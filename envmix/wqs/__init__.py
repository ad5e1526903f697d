"""Weighted quantile sum regression."""
