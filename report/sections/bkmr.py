"""Bayesian kernel machine regression: which metals matter, and whether the chains converged."""

from collections.abc import Callable

import pandas as pd

from report.charts.forest import forest
from report.elements import Block, Figure, Heading, Section, Table, absent, empty
from report.formats import brief, count, fixed, number, plain, truth, words
from report.marts import Marts
from report.sections.bkmr_curves import bivariate, interactions, overall, response, single
from report.sections.common import (
    COVARIATE_SETS,
    METALS,
    OUTCOMES,
    STUDIES,
    by_outcome,
    heading,
    looks,
    ordered,
    preferred,
    slug,
)

_MODEL = "study, outcome, covariate_set"
_CURVE = "estimate as value, conf_low as low, conf_high as high, std_error, n, events, converged, warnings"
_QUERIES = {
    table: f"""
        select {_MODEL}, {columns}
        from main.{table}
        where subgroup = 'all'
        order by all
    """
    for table, columns in {
        "bkmr_pips": "metal, pip, prior_pip, mcse, n, events, converged, warnings",
        "bkmr_response": f"metal, scale, quantile, exposure_value, {_CURVE}",
        "bkmr_overall": f"scale, quantile, {_CURVE}",
        "bkmr_single": f"metal, scale, fixed_quantile, {_CURVE}",
        "bkmr_interactions": f"metal, scale, {_CURVE}",
        "bkmr_response_bivariate": f"metal, other_metal, scale, exposure_value, other_value, {_CURVE}",
    }.items()
}
_DIAGNOSTICS = f"""
    select
        {_MODEL},
        n,
        events,
        count(*) filter (where judged) as parameters,
        max(r_hat) filter (where judged) as largest_r_hat,
        arg_max(parameter, r_hat) filter (where judged) as largest_r_hat_of,
        min(ess_bulk) filter (where judged) as smallest_ess_bulk,
        min(ess_tail) filter (where judged) as smallest_ess_tail,
        bool_and(converged) as converged,
        any_value(warnings) as warnings
    from main.bkmr_diagnostics
    where subgroup = 'all'
    group by all
    order by all
"""


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "bkmr",
        "Bayesian kernel machine regression",
        "All metals together, with curves of any shape and any interaction; which metals matter is estimated "
        "too.",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    gone = marts.missing(*_QUERIES, "bkmr_diagnostics")
    blocks: list[Block] = [absent(*gone)] if gone else []
    here = {table: marts.frame(query) for table, query in _QUERIES.items() if table not in gone}
    checks = pd.DataFrame(columns=["study"]) if "bkmr_diagnostics" in gone else marts.frame(_DIAGNOSTICS)
    if here and all(frame.empty for frame in here.values()):
        return (*blocks, empty("bkmr_pips"))
    fits = pd.concat(
        [
            pd.DataFrame(columns=["study", "outcome"]),
            *(frame[["study", "outcome"]] for frame in here.values()),
        ]
    )
    for study in ordered([*fits["study"], *checks["study"]], STUDIES):
        blocks.append(Heading(heading(study)))
        for outcome in preferred(fits.loc[fits["study"] == study, "outcome"], OUTCOMES):
            for table, frame in here.items():
                part = frame[(frame["study"] == study) & (frame["outcome"] == outcome)]
                if len(part):
                    blocks.append(_FIGURES[table](study, outcome, part))
        if len(own := checks[checks["study"] == study]):
            blocks.append(diagnostics(study, by_outcome(own)))
    return tuple(blocks)


def inclusion(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return posterior inclusion probabilities: a line per metal, a series per covariate set.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of the mart `bkmr_pips` of one study and outcome.
    """
    drawn = frame.assign(
        row=frame["metal"].map(words),
        series=frame["covariate_set"],
        value=frame["pip"].astype(float),
        low=(frame["pip"] - 2 * frame["mcse"]).clip(0, 1).astype(float),
        high=(frame["pip"] + 2 * frame["mcse"]).clip(0, 1).astype(float),
        said=[number(pip) for pip in frame["pip"]],
    )
    sets = looks(ordered(drawn["covariate_set"], COVARIATE_SETS))
    prior = frame["prior_pip"].dropna()
    panel = forest(
        drawn,
        title="",
        axis_title="posterior inclusion probability",
        rows=[words(metal) for metal in ordered(drawn["metal"], METALS)],
        looks=sets,
        domain=(-0.02, 1.02),
        logarithmic=False,
        null=float(prior.median()) if len(prior) else None,
    )
    shown = pd.DataFrame(
        {
            "Metal": drawn["row"],
            "Covariates": drawn["covariate_set"].map(words),
            "PIP": frame["pip"].map(lambda value: fixed(value, 3)),
            "Before the data": frame["prior_pip"].map(lambda value: fixed(value, 3)),
            "Simulation error": frame["mcse"].map(lambda value: fixed(value, 3)),
            "Converged": frame["converged"].map(truth),
            "To know": frame["warnings"].map(brief),
        }
    )
    name = f"bkmr-pips-{slug(study, outcome)}"
    return Figure(
        name,
        f"Figure: {words(outcome)}, posterior inclusion probabilities",
        "The probability that a metal belongs in the model at all, given the data; the dashed line is the "
        "same before the data. The line through a mark is twice the simulation error.",
        "The size or the direction of an association: a metal of tiny effect can have a high probability.",
        (panel,),
        Table(
            name,
            f"{words(outcome)}: posterior inclusion probabilities",
            shown,
            frame,
            2,
            ("Converged", "To know"),
        ),
        [look.key for look in sets],
        size="wide",
        notes=()
        if frame["converged"].fillna(False).all()
        else ("Hollow marks: the chains have not converged.",),
    )


def diagnostics(study: str, frame: pd.DataFrame) -> Table:
    """Return how well the chains mixed: a row per fit, with its worst parameter."""
    shown = pd.DataFrame(
        {
            "Outcome": frame["outcome"].map(words),
            "Covariates": frame["covariate_set"].map(words),
            "n": frame["n"].map(count),
            "Cases": frame["events"].map(count),
            "Parameters judged": frame["parameters"].map(count),
            "Largest R-hat": frame["largest_r_hat"].map(lambda value: fixed(value, 3)),
            "of": frame["largest_r_hat_of"].map(plain),
            "Smallest ESS, bulk": frame["smallest_ess_bulk"].map(lambda value: fixed(value, 0)),
            "Smallest ESS, tail": frame["smallest_ess_tail"].map(lambda value: fixed(value, 0)),
            "Converged": frame["converged"].map(truth),
            "To know": frame["warnings"].map(brief),
        }
    )
    return Table(
        f"bkmr-diagnostics-{slug(study)}",
        "Table: did the chains converge?",
        shown,
        frame,
        2,
        ("of", "Converged", "To know"),
        notes=(
            "R-hat near 1 and effective sample sizes (ESS) in the hundreds say that the chains agree with "
            "each other. A fit counts as converged with R-hat of at most 1.05 and a bulk ESS of at least 400 "
            "for every parameter judged; the tail ESS, on which the ends of intervals rest, is shown and not "
            "judged. The table does not show whether the model is right.",
        ),
    )


_FIGURES: dict[str, Callable[[str, str, pd.DataFrame], Figure]] = {
    "bkmr_pips": inclusion,
    "bkmr_response": response,
    "bkmr_overall": overall,
    "bkmr_single": single,
    "bkmr_interactions": interactions,
    "bkmr_response_bivariate": bivariate,
}
