"""Statistical methods for environmental mixtures: regression, WQS, quantile g-computation, BKMR."""
