"""BKMR under a survey design: weights of the likelihood, design-based uncertainty, replicate refits."""
