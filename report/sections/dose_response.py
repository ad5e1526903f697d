"""Dose-response curves by restricted cubic splines."""

from collections.abc import Mapping

import pandas as pd

from report.charts.axes import limits
from report.charts.curves import curves
from report.elements import Block, Figure, Heading, Panel, Section, Table, absent, empty
from report.formats import brief, count, number, probability, truth, within, words
from report.marts import Marts
from report.sections.associations import MILLIGRAMS
from report.sections.common import (
    ENGINES,
    METALS,
    OUTCOMES,
    STUDIES,
    blood,
    by_outcome,
    heading,
    headline,
    is_binary,
    looks,
    ordered,
    preferred,
    slug,
    units,
    with_effect,
)

_QUERY = """
    select
        study, outcome, metal, covariate_set, engine, grid_point, exposure_value, reference_value, estimate,
        conf_low, conf_high, ratio, ratio_low, ratio_high, p_overall, p_nonlinear, n, events,
        converged, warnings
    from main.dose_response
    order by study, outcome, metal, covariate_set, engine, grid_point
"""
# One covariate set is drawn: curves of several in one panel cannot be told apart.
_DRAWN = ("age_bmi", "full", "crude")
_TESTS = [
    "outcome",
    "metal",
    "covariate_set",
    "engine",
    "n",
    "events",
    "p_overall",
    "p_nonlinear",
    "converged",
    "warnings",
]


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "dose-response",
        "Dose and response",
        "Restricted cubic splines: the outcome over the concentration of a metal, without forcing a "
        "straight line.",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("dose_response"):
        return (absent(*gone),)
    frame = marts.frame(_QUERY)
    if frame.empty:
        return (empty("dose_response"),)
    blocks: list[Block] = []
    for study in ordered(frame["study"], STUDIES):
        own = frame[frame["study"] == study]
        blocks.append(Heading(heading(study)))
        blocks += [
            figure(study, outcome, own[own["outcome"] == outcome], units(marts))
            for outcome in preferred(own["outcome"], OUTCOMES)
        ]
        blocks.append(tests(study, own))
    return tuple(blocks)


def figure(study: str, outcome: str, frame: pd.DataFrame, units_of: Mapping[str, str]) -> Figure:
    """Return the curves of one outcome: a panel per metal, a curve per engine.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of the mart `dose_response` of one study and outcome.
    units_of : mapping
        Unit by metal.
    """
    binary = is_binary(frame)
    covariates = preferred(frame["covariate_set"], _DRAWN)[0]
    drawn = with_effect(frame[frame["covariate_set"] == covariates], binary, MILLIGRAMS)
    drawn["series"], drawn["x"] = drawn["engine"], drawn["exposure_value"]
    null = 1.0 if binary else 0.0
    domain = limits(drawn, "value", "low", "high", binary, null)
    engines = looks(ordered(drawn["engine"], ENGINES), lines=True)
    axis = "odds ratio" if binary else "difference in BMD, mg/cm\N{SUPERSCRIPT TWO}"
    panels = [
        _panel(metal, drawn[drawn["metal"] == metal], blood(metal, units_of), axis, domain, binary)
        for metal in ordered(drawn["metal"], METALS)
    ]
    name = words(outcome)
    return Figure(
        f"dose-response-{slug(study, outcome)}",
        f"Figure: {name} over the concentration of each metal (covariates: {within(covariates)})",
        "Each curve compares women at a concentration with women at the reference (where it crosses the "
        f"dashed {null:g}); the band is the 95 % interval, cut where it leaves the axis.",
        "Whether a bend is real: where the band is wide few women were measured and the shape means little; "
        "the table of tests below says for which curves there is more than a straight line.",
        panels,
        _points(f"dose-response-{slug(study, outcome)}", f"{name}: points of the curves", drawn),
        [look.key for look in engines],
        notes=_undrawn(drawn),
    )


def _panel(
    metal: str, part: pd.DataFrame, axis_x: str, axis: str, domain: tuple[float, float], binary: bool
) -> Panel:
    doubtful = "" if part["converged"].fillna(False).all() else " (not converged)"
    return curves(
        part,
        title=words(metal) + doubtful,
        axis_x=f"{axis_x} (logarithmic)",
        axis_y=axis,
        looks=looks(ordered(part["engine"], ENGINES), lines=True),
        domain_y=domain,
        logarithmic_x=True,
        logarithmic_y=binary,
        null=1.0 if binary else 0.0,
    )


def _undrawn(drawn: pd.DataFrame) -> tuple[str, ...]:
    fits = drawn[drawn["value"].isna()][["metal", "engine"]].drop_duplicates()
    if fits.empty:
        return ()
    names = ", ".join(
        f"{words(metal)} {within(engine)}" for metal, engine in fits.itertuples(index=False, name=None)
    )
    return (f"Curves without numbers, not drawn: {names}; the table says why.",)


def _points(name: str, caption: str, drawn: pd.DataFrame) -> Table:
    shown = pd.DataFrame(
        {
            "Metal": drawn["metal"].map(words),
            "Weighting": drawn["engine"].map(words),
            "Concentration": drawn["exposure_value"].map(number),
            "Reference": drawn["reference_value"].map(number),
            "Estimate (95 % interval)": drawn["said"],
            "Converged": drawn["converged"].map(truth),
            "To know": drawn["warnings"].map(brief),
        }
    )
    data = drawn.drop(columns=["x", "series", "value", "low", "high", "said"])
    return Table(name, caption, shown, data, 2, ("Converged", "To know"))


def tests(study: str, frame: pd.DataFrame) -> Table:
    covariates = preferred(frame["covariate_set"], _DRAWN)[:1]
    outcomes = preferred(frame["outcome"], OUTCOMES)
    data, printed = headline(
        by_outcome(frame[_TESTS].drop_duplicates()), covariate_set=covariates, outcome=outcomes
    )
    shown = pd.DataFrame(
        {
            "Outcome": data["outcome"].map(words),
            "Metal": data["metal"].map(words),
            "Covariates": data["covariate_set"].map(words),
            "Weighting": data["engine"].map(words),
            "n": data["n"].map(count),
            "Cases": data["events"].map(count),
            "p overall": data["p_overall"].map(probability),
            "p non-linear": data["p_nonlinear"].map(probability),
            "Converged": data["converged"].map(truth),
            "To know": data["warnings"].map(brief),
        }
    )
    return Table(
        f"dose-response-{slug(study)}-tests",
        "Table: is there an association, and is it other than a straight line?",
        shown,
        data,
        4,
        ("Converged", "To know"),
        notes=(
            "p overall tests the whole curve against none; p non-linear tests its bend. Not corrected for "
            "the number of curves.",
        ),
        most_rows=printed,
    )
