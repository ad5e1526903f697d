"""False discovery rates of a family of tests."""

import numpy as np
import pandas as pd


def false_discovery_rate(p_values: pd.Series) -> pd.Series:
    """Return the q values of one family of tests.

    Parameters
    ----------
    p_values : pandas.Series
        From 0 to 1; missing ones, of models that could not be estimated, stay missing and do not count.

    Returns
    -------
    pandas.Series
        The smallest false discovery rate at which each test is significant, with the index of `p_values`.

    Raises
    ------
    ValueError
        A p value is below 0 or above 1.

    Notes
    -----
    Benjamini and Hochberg (1995).
    """
    # scipy.stats takes longer to import than the tests take to correct
    from scipy.stats import false_discovery_control

    known = p_values.notna()
    q_values = pd.Series(np.nan, index=p_values.index)
    if known.any():
        q_values[known] = false_discovery_control(p_values[known].to_numpy())
    return q_values
