"""The records of a fit: participants with exposure, outcome, covariates and weight, and the survey's PSUs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import pandas as pd

from mixepi.errors import SpecificationError

# The forms of one exposure.
EXPOSURE_COLUMNS = ["ln_value", "log2_value", "quantile_score", "quantile_median"]


def split_names(names: Any) -> tuple[str, ...]:
    """Return names that a plan joins by ``;``."""
    return tuple(filter(None, str(names).split(";")))


def by_participant(table: pd.DataFrame, keys: Sequence[str]) -> defaultdict[Any, pd.DataFrame]:
    """Return the rows of each combination of `keys`, by seqn; no rows where a combination does not occur."""
    nobody = table.iloc[:0].set_index("seqn")
    found = {key: rows.set_index("seqn") for key, rows in table.groupby(list(keys))}
    return defaultdict(nobody.copy, found)


def require_cohort_columns(cohort: pd.DataFrame, wanted: Mapping[str, str]) -> None:
    """Raise `SpecificationError` for the first of the wanted columns that the cohort lacks.

    Parameters
    ----------
    cohort : pandas.DataFrame
    wanted : mapping
        What each column is, by its name.
    """
    for name, what in wanted.items():
        if name not in cohort.columns:
            nearest = get_close_matches(name, cohort.columns, n=3) or sorted(cohort.columns)
            raise SpecificationError(
                f"expected {what} among the columns of the cohort, found no {name!r}: did you mean "
                f"{', '.join(nearest)}?"
            )


def join_records(
    participants: pd.DataFrame, exposures: pd.DataFrame, outcome: pd.Series, design: pd.DataFrame
) -> pd.DataFrame:
    """Return what the fits of one outcome and the same exposures read.

    Parameters
    ----------
    participants : pandas.DataFrame
        By seqn: strata, psu, and the covariates and grouping columns of the fits.
    exposures : pandas.DataFrame
        By seqn: the exposure columns, weight, weight_name.
    outcome : pandas.Series
        By seqn.
    design : pandas.DataFrame
        One row per weight_name and psu of the whole sample: weight_name, strata, psu.

    Returns
    -------
    pandas.DataFrame
        One row per participant with exposures and outcome, by seqn: seqn, their columns, ``value`` (the
        outcome), in_cohort true. Then one row per psu of the whole sample, in_cohort false and weight 1, with
        strata and psu only: a variance needs every psu. Text is in factors, so that no fit has to look for
        levels.
    """
    records = (
        participants.join(exposures, how="inner", validate="one_to_one")
        .join(outcome.dropna().rename("value"), how="inner", validate="one_to_one")
        .sort_index()
        .reset_index()
    )
    sampled = design[design["weight_name"].isin(records["weight_name"])].sort_values(
        ["weight_name", "strata", "psu"]
    )
    both = pd.concat(
        [
            records.assign(in_cohort=True),
            sampled[["strata", "psu"]].assign(in_cohort=False, weight=1.0),
        ],
        ignore_index=True,
    ).drop(columns="weight_name")
    # without participants nothing says that this is a column of booleans
    both = both.astype({"in_cohort": "bool"})
    return both.astype(
        {name: "category" for name in both if not pd.api.types.is_numeric_dtype(both[name])},
    )


@dataclass(frozen=True, kw_only=True)
class ModelRecords:
    """The rows that one model sees.

    Attributes
    ----------
    data : pandas.DataFrame
        ``domain`` marks the records analysed.
    is_survey : bool
        Whether `data` has the PSUs of the whole sample too, outside the domain.
    notes : tuple of str
        Who was left out.
    """

    data: pd.DataFrame
    is_survey: bool
    notes: tuple[str, ...]

    @property
    def outcome(self) -> pd.Series:
        """The outcome of the records analysed."""
        return self.data["value"][self.data["domain"]]


def model_records(
    records: pd.DataFrame,
    needed: Sequence[str],
    engine: str,
    *,
    subgroup: tuple[str, str] | None = None,
) -> ModelRecords:
    """Return the records with all values that a model needs and, for a survey, a positive weight.

    Parameters
    ----------
    records : pandas.DataFrame
        As `join_records` returns them.
    needed : sequence of str
        Covariates and other columns.
    engine : str
        ``unweighted``, or ``survey``: then with the PSUs of the whole sample.
    subgroup : (str, str), optional
        A column and the value that its members have.
    """
    if engine not in ("unweighted", "survey"):
        raise SpecificationError(f"expected engine unweighted or survey, found {engine!r}")
    is_survey = engine == "survey"
    in_cohort = records["in_cohort"]
    members = in_cohort & records[list(needed)].notna().all(axis=1)
    if subgroup is not None:
        members &= records[subgroup[0]].astype(object) == subgroup[1]
    # for a survey, a participant without a positive weight stands for nobody
    domain = members & (records["weight"] > 0) if is_survey else members
    left_out = int((members & ~domain).sum())
    notes = (f"{left_out} participants without a positive weight left out",) if left_out else ()
    keep = domain | ~in_cohort if is_survey else domain
    return ModelRecords(data=records.assign(domain=domain)[keep], is_survey=is_survey, notes=notes)
