"""The people of one fit: outcome, exposures, covariates and design side by side, one row per person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import pandas as pd

from mixepi.errors import SpecificationError

NOBODY = pd.Series(dtype="float64", index=pd.Index([], dtype="int64"))


@dataclass(frozen=True)
class StudyTables:
    """What a study's fits read.

    Attributes
    ----------
    cohort : pandas.DataFrame
        One row per study and seqn: strata, psu, covariates, subgroup variables.
    exposures : pandas.DataFrame
        One row per study, seqn and exposure: value, weight, weight_name.
    outcomes : pandas.DataFrame
        One row per study, seqn and outcome: value.
    design : pandas.DataFrame
        One row per weight_name and psu of the whole sample: weight_name, strata, psu.
    """

    cohort: pd.DataFrame
    exposures: pd.DataFrame
    outcomes: pd.DataFrame
    design: pd.DataFrame

    def people(self, fit: Mapping[str, Any]) -> pd.DataFrame:
        """Return the people of one row of a plan.

        Parameters
        ----------
        fit : mapping
            study, outcome, exposures and covariates (tuples), subgroup_variable and level (None for
            everyone), engine ("unweighted" or "survey"), weight_name.

        Returns
        -------
        pandas.DataFrame
            Sorted by seqn: seqn, the outcome, exposures and covariates under their own names, domain (true
            for the people analysed: everything known and, for a survey, a positive weight). For a survey also
            weight, strata and psu, and one row outside the domain per psu of the whole sample, so that the
            design is complete.

        Raises
        ------
        SpecificationError
            A covariate or subgroup variable is not a column of the cohort.
        """
        study, outcome, exposures = fit["study"], fit["outcome"], list(fit["exposures"])
        covariates, variable = list(fit["covariates"]), fit["subgroup_variable"]
        self._check([*covariates, *([variable] if variable else [])])
        cohort = self.cohort[self.cohort["study"] == study].set_index("seqn").sort_index()
        columns = {
            outcome: self._outcome(study, outcome).reindex(cohort.index),
            **{name: self._exposure(study, name).reindex(cohort.index) for name in exposures},
            **{name: cohort[name] for name in covariates},
        }
        people = pd.DataFrame(columns)
        analysed = people.notna().all(axis=1)
        if variable:
            analysed &= cohort[variable] == fit["level"]
        if fit["engine"] == "survey":
            weight = self._weight(study, fit["weight_name"]).reindex(cohort.index)
            analysed &= weight > 0
            people = people.assign(weight=weight, strata=cohort["strata"], psu=cohort["psu"])
        people = people[analysed].reset_index().assign(domain=True)
        if fit["engine"] == "survey":
            people = self._with_design(people, fit["weight_name"])
        return people

    def _check(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.cohort.columns:
                nearest = get_close_matches(name, self.cohort.columns, n=3) or sorted(self.cohort.columns)
                raise SpecificationError(
                    f"expected {name!r} among the columns of the cohort, found none: "
                    f"did you mean {', '.join(nearest)}?"
                )

    @cached_property
    def _exposures_by_name(self) -> dict[Any, pd.DataFrame]:
        return {key: rows.set_index("seqn") for key, rows in self.exposures.groupby(["study", "exposure"])}

    @cached_property
    def _outcomes_by_name(self) -> dict[Any, pd.DataFrame]:
        return {key: rows.set_index("seqn") for key, rows in self.outcomes.groupby(["study", "outcome"])}

    def _exposure(self, study: str, exposure: str) -> pd.Series:
        rows = self._exposures_by_name.get((study, exposure))
        return NOBODY if rows is None else rows["value"].astype("float64")

    def _outcome(self, study: str, outcome: str) -> pd.Series:
        rows = self._outcomes_by_name.get((study, outcome))
        return NOBODY if rows is None else rows["value"].astype("float64")

    def _weight(self, study: str, weight_name: str) -> pd.Series:
        rows = self.exposures[
            (self.exposures["study"] == study) & (self.exposures["weight_name"] == weight_name)
        ]
        return rows.drop_duplicates("seqn").set_index("seqn")["weight"].astype("float64")

    def _with_design(self, people: pd.DataFrame, weight_name: str) -> pd.DataFrame:
        sampled = self.design.loc[self.design["weight_name"] == weight_name, ["strata", "psu"]]
        outside = sampled.sort_values(["strata", "psu"]).assign(domain=False, weight=1.0)
        # people first: the kinds of their columns decide
        return pd.concat([people, outside], ignore_index=True)[people.columns]
