"""The forms in which an exposure enters a model."""

import pandas as pd

from mixepi.errors import SpecificationError

# By form: the column that enters as it is.
SINGLE_COLUMN = {
    "per_doubling": "log2_value",
    "trend_score": "quantile_score",
    "trend_median": "quantile_median",
}


def exposure_columns(form: str, data: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the columns by which an exposure enters a model, by contrast.

    Parameters
    ----------
    form : {"quantile", "per_doubling", "trend_score", "trend_median"}
        Indicators of the second and higher quantile groups (contrasts Q2, Q3, ...); log2 of the value; the
        group's number from 0; the median value of the participant's group.
    data : pandas.DataFrame
        Columns log2_value, quantile_score, quantile_median.

    Raises
    ------
    SpecificationError
        There is no such form.
    """
    if form == "quantile":
        # the lowest group is the reference; with all values in one group, Q2 is a column of zeros and its
        # model fails and says so
        groups = sorted(int(score) for score in data["quantile_score"].unique() if score > 0) or [1]
        return {f"Q{group + 1}": (data["quantile_score"] == group).astype(float) for group in groups}
    if form not in SINGLE_COLUMN:
        raise SpecificationError(
            f"expected exposure_form quantile or one of {', '.join(SINGLE_COLUMN)}, found {form!r}"
        )
    return {form: data[SINGLE_COLUMN[form]].astype(float)}
