"""The paper's findings beside ours: what each becomes, how sure that is, and the answer in one sentence."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from report.formats import (
    NOTHING,
    count,
    interval,
    missing,
    number,
    odds,
    plain,
    probability,
    signed,
    unit,
)
from report.labels import labels
from report.marts import Marts

SETTLED = "adjusted for age and BMI and survey-weighted"
"""The model that decides whether a finding holds: `weighted_age_bmi_...` of the mart `replication`."""

_NUMBERS = ("odds_ratio", "standardised_beta", "p_value")
_SIGNS = {"odds_ratio": "OR", "standardised_beta": "\N{GREEK SMALL LETTER BETA}"}
_TICKS = {True: "\N{CHECK MARK}", False: "\N{BALLOT X}"}

# From what share of the specifications on the finding's side its direction counts as agreed on, and from what
# share of them with p < 0.05 as shown. The words are those of GRADE; the limits are this project's own.
_AGREED, _SHOWN = 0.9, 0.5


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Adjusted, weighted specifications of one contrast: how many there are, and where they lie.

    Parameters
    ----------
    total, same_side, significant : int
        All that could be estimated; on the side of the paper's finding; with p < 0.05.
    median : float
        Odds ratio, or difference in the outcome's unit.
    unit : str
        Of the median.
    is_ratio : bool
    is_above : bool
        Whether the finding lies above no association.
    """

    total: int
    same_side: int
    significant: int
    median: float
    unit: str
    is_ratio: bool
    is_above: bool

    def said(self) -> str:
        """Return where they lie, in words."""
        side = f"{'above' if self.is_above else 'below'} {1 if self.is_ratio else 0}"
        return (
            f"{self.same_side} of {self.total} adjusted, weighted specifications lie {side}, median "
            f"{together(number(self.median), self.unit)}; {self.significant} with p < 0.05"
        )


def claims_of(marts: Marts) -> pd.DataFrame:
    """Return the rows of the mart `replication`, in order; none where there is no such mart."""
    if marts.missing("replication"):
        return pd.DataFrame()
    return marts.frame("from main.replication order by claim_order")


def curves_of(marts: Marts, claims: pd.DataFrame) -> dict[str, Curve]:
    """Return the adjusted, weighted specifications of each claim that has some.

    Adjusted is every covariate set but the first in order.
    """
    columns = set(marts.columns.get("sensitivity", ()))
    if claims.empty or not {"covariate_set", "weighting"} <= columns:
        return {}
    rows = marts.frame("""
        select claim, specifications.estimate, specifications.ratio, specifications.p_value,
            specifications.outcome_unit
        from main.replication
        inner join main.sensitivity as specifications using (study, outcome, exposure, contrast)
        where
            coalesce(replication.subgroup, 'all') = 'all'
            and specifications.weighting = 'survey'
            and specifications.covariate_set_order > (
                select min(covariate_set_order) from main.sensitivity
            )
            and specifications.estimate is not null
    """)
    found = {}
    ours = claims.set_index("claim")
    for claim, part in rows.groupby("claim"):
        is_above = _is_above(ours.loc[claim].to_dict())
        if is_above is None:
            continue
        is_ratio = bool(part["ratio"].notna().any())
        found[str(claim)] = Curve(
            total=len(part),
            same_side=int(((part["estimate"] > 0) == is_above).sum()),
            significant=int((part["p_value"] < 0.05).sum()),
            median=float(part["ratio" if is_ratio else "estimate"].median()),
            unit="" if is_ratio else unit(part["outcome_unit"].iloc[0]),
            is_ratio=is_ratio,
            is_above=is_above,
        )
    return found


def _is_above(item: Mapping[Hashable, Any]) -> bool | None:
    """Tell whether a claim is of more of the outcome; None where its number has no direction."""
    value = item["published_value"]
    if item["quantity"] == "odds_ratio" and not missing(value):
        return bool(value > 1)
    if item["quantity"] == "standardised_beta" and not missing(value):
        return bool(value > 0)
    # a p-value has none: the same contrast's adjusted, unweighted estimate says which way ours points
    value = item["age_bmi_value"]
    if missing(value):
        return None
    return bool(value > (1 if item["outcome_kind"] == "binary" else 0))


def certainty(item: Mapping[Hashable, Any], curve: Curve | None) -> tuple[str, str]:
    """Return how sure a finding's direction is, in a word, and why.

    Parameters
    ----------
    item : mapping
        Row of the mart `replication`.
    curve : Curve or None
        Its adjusted, weighted specifications.
    """
    holds, q = item["holds"], item["weighted_age_bmi_q_value"]
    agreed = curve is not None and curve.same_side >= _AGREED * curve.total
    shown = curve is not None and curve.significant >= _SHOWN * curve.total
    if not missing(holds) and holds and agreed and shown and not missing(q) and q < 0.05:
        word = "high"
    elif not missing(holds) and holds and agreed:
        word = "moderate"
    elif agreed or (not missing(holds) and holds):
        word = "low"
    else:
        word = "very low"
    if curve is not None:
        return word, curve.said()
    p = item["weighted_age_bmi_p_value"]
    if missing(p):
        return word, "no test is both adjusted and weighted"
    return word, f"one model, p {probability(p)}{'' if missing(q) else f', q {probability(q)}'}"


def tick(value: Any) -> str:
    """Return a tick, a cross, or a dash where a check does not apply."""
    return NOTHING if missing(value) else _TICKS[bool(value)]


def value_text(item: Mapping[Hashable, Any], side: str) -> str:
    """Return one side of a claim as printed: `OR 2.11 (1.27, 3.52)`, `p 0.005`, or its words.

    Parameters
    ----------
    item : mapping
        Row of the mart `replication`.
    side : str
        `published`, `our` or `weighted_age_bmi`: how its columns begin.
    """
    quantity, value, text = item["quantity"], item.get(f"{side}_value"), item.get(f"{side}_text")
    p = item.get(f"{side}_p_value")
    if not missing(text):
        return signed(plain(text))
    if quantity == "p_value" and side != "published":
        value = p
    if missing(value):
        return NOTHING
    if quantity == "count":
        return count(value)
    if quantity == "p_value":
        return together("p", probability(value))
    low, high = item.get(f"{side}_low"), item.get(f"{side}_high")
    is_ratio = item["outcome_kind"] == "binary" and quantity != "mixture_effect"
    printed = odds(value, low, high) if is_ratio else interval(value, low, high)
    sign = _SIGNS.get(quantity, "OR" if is_ratio else "")
    estimate, *between = printed.split(" (")
    return " ".join([together(sign, estimate), *(f"({together(*part.split())}" for part in between)]) + (
        "" if missing(p) or (side == "published" and between) else f", {together('p', probability(p))}"
    )


def together(*parts: str) -> str:
    """Join what a line break must not part."""
    return "\N{NO-BREAK SPACE}".join(part for part in parts if part)


def answer(claims: pd.DataFrame) -> tuple[str, ...]:
    """Return the answer in sentences, counted from the rows of the mart `replication`.

    First what becomes of the findings together, then how far the first of them moves, then what kinds of
    claims come out.
    """
    findings = claims[claims["is_finding"].fillna(False).astype(bool)]
    if findings.empty:
        return ()
    holds = findings["holds"].eq(True)
    corrected = holds & (findings["weighted_age_bmi_q_value"] < 0.05)
    tested = int(findings["holds"].notna().sum())
    first = (
        f"Of {len(findings)} findings of the paper, {tested} can be tested in a model that is {SETTLED}: "
        f"{holds.sum() or 'none'} of them {'keep' if holds.sum() != 1 else 'keeps'} direction and p < 0.05, "
        f"{corrected.sum() or 'none'} after correction for the number of tests (q < 0.05)."
    )
    return (first, *_shift(findings), _counts(claims))


def _shift(findings: pd.DataFrame) -> tuple[str, ...]:
    items = findings[
        findings["quantity"].isin(("odds_ratio", "standardised_beta"))
        & findings["weighted_age_bmi_value"].notna()
    ].to_dict("records")
    if not items:
        return ()
    item = items[0]
    of = plain(item["description"])
    return (
        f"{of}: {value_text(item, 'our')} crude, {value_text(item, 'weighted_age_bmi')} adjusted and "
        "weighted.",
    )


def _counts(claims: pd.DataFrame) -> str:
    kinds = (
        ("count", claims["quantity"] == "count"),
        ("number", claims["quantity"].isin(_NUMBERS)),
        ("pattern", ~claims["quantity"].isin(("count", *_NUMBERS))),
    )
    parts = []
    for kind, rows in kinds:
        if rows.any():
            part = claims[rows]
            agree = int(part["agrees"].eq(True).sum())
            text = f"{agree} of {len(part)} {kind}{'s' if len(part) != 1 else ''} agree"
            if kind == "pattern":
                backed = int((part["agrees"].eq(True) & part["is_significant_here"].eq(True)).sum())
                text = (
                    f"{agree} of {len(part)} patterns appear, {backed or 'none'} of them with evidence in "
                    "its "
                    "own test"
                )
            parts.append(text)
    return f"In our nearest model (crude, unweighted) {'; '.join(parts)}."


def releases(marts: Marts) -> list[str]:
    """Return the releases of NHANES that the cohort's flow counts."""
    if marts.missing("cohort_flow"):
        return []
    found = marts.frame("select distinct cycle from main.cohort_flow where cycle != 'all' order by cycle")
    return [plain(cycle) for cycle in found["cycle"]]


def cohorts(marts: Marts) -> pd.DataFrame:
    """Return how many are analysed in each study: `study`, `study_title`, `n`, `cases`, `rule`."""
    if marts.missing("cohort_flow"):
        return pd.DataFrame(columns=["study", "study_title", "study_order", "n", "cases"])
    cases = next((name for name in marts.columns["cohort_flow"] if name.endswith("_cases")), "null")
    return marts.frame(f"""
        select study, study_title, study_order, arg_max(n, step) as n, arg_max({cases}, step) as cases
        from main.cohort_flow
        where cycle = 'all'
        group by all
        order by study_order
    """)


def studies(marts: Marts) -> dict[str, str]:
    """Return the title of each study by its code, in order."""
    for table in ("cohort_flow", "associations", "replication"):
        if not marts.missing(table):
            found = marts.frame(f"select distinct study, study_title, study_order from main.{table}")
            if len(found):
                return labels(found, "study")
    return {}


def default_study(marts: Marts) -> str:
    """Return the study that a page shows first: the first one that no paper's claims are checked with."""
    found, claims = list(studies(marts)), claims_of(marts)
    of_claims = set(claims["study"]) if len(claims) else set()
    return next((study for study in found if study not in of_claims), found[0] if found else "")
