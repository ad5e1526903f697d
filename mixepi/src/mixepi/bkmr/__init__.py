"""Bayesian kernel machine regression, exact and fast."""
