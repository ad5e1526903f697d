"""Fits of the stored table, quiet about chains that are too short to converge."""

import warnings

from mixepi import ConvergenceWarning, fit_bkmr

METALS = ("pb", "cd", "hg", "se", "mn")
COVARIATES = ("age", "bmi", "smoke")


def quiet_fit(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit_bkmr(*args, **kwargs)
