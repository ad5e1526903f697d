"""Dose-response curves by restricted cubic splines."""

import pandas as pd

from report.charts.axes import limits
from report.charts.curves import curves
from report.charts.style import BLUE, Series
from report.elements import Block, Figure, Heading, Key, Panel, Section, Table, absent, empty
from report.forests import near
from report.formats import brief as shortened
from report.formats import count, number, probability, truth, within, words
from report.labels import (
    COVARIATE_SET,
    EXPOSURE,
    OUTCOME,
    STUDY,
    adjusted,
    chosen,
    label,
    labels,
    main_models,
    named,
)
from report.marts import Marts
from report.sections.associations import settled
from report.sections.common import (
    Effect,
    by_outcome,
    concentration,
    effect,
    engines,
    headline,
    looks,
    slug,
    stored,
    with_effect,
)

_QUERY = f"""
    select
        {STUDY}, {OUTCOME}, {EXPOSURE}, {COVARIATE_SET}, engine, grid_point, exposure_value, reference_value,
        estimate, conf_low, conf_high, ratio, ratio_low, ratio_high, p_overall, p_nonlinear, n, events,
        converged, warnings
    from main.dose_response
    order by study_order, outcome_order, exposure_order, covariate_set_order, engine, grid_point
"""
# Every twentieth participant or so: where the marks are far apart few were measured.
_RUGS = """
    select
        study, exposure,
        unnest(quantile_cont(value, list_transform(range(1, 20), lambda place: place / 20))) as x
    from main.cohort_exposures
    group by study, exposure
    order by all
"""
_OF_A_POINT = [
    "grid_point", "exposure_value", "reference_value", "estimate", "conf_low", "conf_high", "ratio",
    "ratio_low", "ratio_high",
]  # fmt: skip


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "dose-response",
        "Dose and response",
        "Restricted cubic splines: the outcome over the concentration of an exposure, without forcing a "
        "straight line.",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("dose_response"):
        return (absent(*gone),)
    frame, main = marts.frame(_QUERY), main_models(marts)
    if frame.empty:
        return (empty("dose_response"),)
    blocks: list[Block] = []
    for study, title in labels(frame, "study").items():
        own = frame[frame["study"] == study]
        blocks.append(Heading(title))
        blocks += [
            figure(study, outcome, own[own["outcome"] == outcome], main)
            for outcome in chosen(own, "outcome", main)
        ]
        blocks.append(tests(study, own, main))
    return tuple(blocks)


def brief(marts: Marts, study: str) -> tuple[Block, ...]:
    """Return the adjusted, survey-weighted curves of the first outcome of one study, and their tests."""
    if gone := marts.missing("dose_response"):
        return (absent(*gone),)
    frame, main = marts.frame(_QUERY), main_models(marts)
    frame = frame[frame["study"] == study]
    if frame.empty:
        return (empty("dose_response"),)
    frame = frame[frame["outcome"] == next(iter(labels(frame, "outcome")))]
    drawn = settled(frame, main)
    return (_brief(study, drawn, rugs_of(marts, study)),)


def _brief(study: str, frame: pd.DataFrame, rugs: pd.DataFrame) -> Figure:
    how = effect(frame)
    drawn = with_effect(frame, how).assign(series="settled", x=lambda item: item["exposure_value"])
    look = (Series("settled", Key("estimate, with 95 % band", BLUE, "line")),)
    tests = {
        exposure: f"p {probability(part['p_overall'].iloc[0])}, bend p "
        f"{probability(part['p_nonlinear'].iloc[0])}"
        for exposure, part in drawn.groupby("exposure")
    }
    panels = [
        curves(
            drawn[drawn["exposure"] == exposure],
            title=f"{title}: {tests[exposure]}",
            axis_x=f"{concentration(drawn[drawn['exposure'] == exposure])}, logarithmic",
            axis_y=how.scale,
            looks=look,
            domain_y=near(drawn, how),
            logarithmic_x=True,
            logarithmic_y=how.is_ratio,
            null=how.null,
            rug=rugs.loc[rugs["exposure"] == exposure, "x"].tolist(),
        )
        for exposure, title in labels(drawn, "exposure").items()
    ]
    name = f"curves-{slug(study)}"
    model = f"{within(label(drawn, 'covariate_set'))}; {within(words(drawn['engine'].iloc[0]))}"
    return Figure(
        name,
        f"{label(frame, 'outcome')} over the concentration of each exposure (covariates: {model})",
        "Each curve compares participants at a concentration with those at the reference, where it "
        "crosses the "
        f"dashed {how.null:g}; the band is the 95 % interval, cut where it leaves the axis. Each short "
        "line at the "
        "bottom stands for a twentieth of the participants. p tests the whole curve against none, bend p "
        "against "
        "a straight line; neither is corrected for the number of curves.",
        "Whether a bend is real where the short lines are far apart: few were measured there.",
        panels,
        _points(name, "Points of the curves", drawn),
        [item.key for item in look],
        notes=_undrawn(drawn),
    )


def rugs_of(marts: Marts, study: str) -> pd.DataFrame:
    """Return every twentieth value of each exposure, to stand under its curve: `exposure`, `x`."""
    if marts.missing("cohort_exposures"):
        return pd.DataFrame(columns=["exposure", "x"])
    rugs = marts.frame(_RUGS)
    return rugs[rugs["study"] == study]


def figure(study: str, outcome: str, frame: pd.DataFrame, main: pd.DataFrame) -> Figure:
    """Return the curves of one outcome: a panel per exposure, a curve per engine.

    One covariate set is drawn: curves of several in one panel cannot be told apart.

    Parameters
    ----------
    study, outcome : str
        Codes, for the figure's name.
    frame : pandas.DataFrame
        Rows of the mart `dose_response` of this study and outcome.
    main : pandas.DataFrame
        The models that studies single out.
    """
    how = effect(frame)
    drawn = with_effect(frame[frame["covariate_set"] == adjusted(frame, main)], how)
    drawn["series"], drawn["x"] = drawn["engine"], drawn["exposure_value"]
    domain = limits(drawn, "value", "low", "high", how.is_ratio, how.null)
    panels = [
        _panel(drawn[drawn["exposure"] == exposure], title, how, domain)
        for exposure, title in labels(drawn, "exposure").items()
    ]
    name = label(frame, "outcome")
    return Figure(
        f"dose-response-{slug(study, outcome)}",
        f"{name} over the concentration of each exposure "
        f"(covariates: {within(label(drawn, 'covariate_set'))})",
        "Each curve compares women at a concentration with women at the reference (where it crosses the "
        f"dashed {how.null:g}); the band is the 95 % interval, cut where it leaves the axis.",
        "Whether a bend is real: where the band is wide few women were measured and the shape means little; "
        "the table of tests below says for which curves there is more than a straight line.",
        panels,
        _points(f"dose-response-{slug(study, outcome)}", f"{name}: points of the curves", drawn),
        [look.key for look in looks(engines(drawn), lines=True)],
        notes=_undrawn(drawn),
    )


def _panel(part: pd.DataFrame, title: str, how: Effect, domain: tuple[float, float]) -> Panel:
    doubtful = "" if part["converged"].fillna(False).all() else " (not converged)"
    return curves(
        part,
        title=title + doubtful,
        axis_x=f"{concentration(part)}, logarithmic",
        axis_y=how.scale,
        looks=looks(engines(part), lines=True),
        domain_y=domain,
        logarithmic_x=True,
        logarithmic_y=how.is_ratio,
        null=how.null,
    )


def _undrawn(drawn: pd.DataFrame) -> tuple[str, ...]:
    fits = drawn[drawn["value"].isna()].drop_duplicates(["exposure", "engine"])
    if fits.empty:
        return ()
    names = ", ".join(
        f"{exposure} {within(engine)}"
        for exposure, engine in zip(named(fits, "exposure"), fits["engine"], strict=True)
    )
    return (f"Curves without numbers, not drawn: {names}; the table says why.",)


def _points(name: str, caption: str, drawn: pd.DataFrame) -> Table:
    shown = pd.DataFrame(
        {
            "Exposure": named(drawn, "exposure"),
            "Weighting": drawn["engine"].map(words),
            "Concentration": drawn["exposure_value"].map(number),
            "Reference": drawn["reference_value"].map(number),
            "Estimate (95 % interval)": drawn["said"],
            "Converged": drawn["converged"].map(truth),
            "Remarks": drawn["warnings"].map(shortened),
        }
    )
    return Table(name, caption, shown, stored(drawn), 2, ("Converged", "Remarks"))


def tests(study: str, frame: pd.DataFrame, main: pd.DataFrame) -> Table:
    """Return the tests of each curve: a row per curve."""
    data, printed = headline(
        by_outcome(frame.drop(columns=_OF_A_POINT).drop_duplicates()),
        covariate_set=[adjusted(frame, main)],
        outcome=chosen(frame, "outcome", main),
    )
    shown = pd.DataFrame(
        {
            "Outcome": named(data, "outcome"),
            "Exposure": named(data, "exposure"),
            "Covariates": named(data, "covariate_set"),
            "Weighting": data["engine"].map(words),
            "n": data["n"].map(count),
            "Cases": data["events"].map(count),
            "p overall": data["p_overall"].map(probability),
            "p non-linear": data["p_nonlinear"].map(probability),
            "Converged": data["converged"].map(truth),
            "Remarks": data["warnings"].map(shortened),
        }
    )
    return Table(
        f"dose-response-{slug(study)}-tests",
        "Is there an association, and is it other than a straight line?",
        shown,
        stored(data),
        4,
        ("Converged", "Remarks"),
        notes=(
            "p overall tests the whole curve against none; p non-linear tests its bend. Not corrected for "
            "the number of curves.",
        ),
        most_rows=printed,
    )
