"""Bayesian kernel machine regression: which exposures matter, and whether the chains converged."""

import re
from collections.abc import Callable, Mapping

import pandas as pd

from report.charts.forest import forest
from report.elements import Block, Figure, Heading, Section, Table, absent, empty
from report.formats import brief, count, fixed, number, plain, truth
from report.labels import (
    COVARIATE_SET,
    EXPOSURE,
    OUTCOME,
    STUDY,
    chosen,
    label,
    labels,
    main_models,
    named,
)
from report.marts import Marts
from report.sections.bkmr_curves import bivariate, interactions, overall, response, single
from report.sections.common import by_outcome, looks, slug, stored

_MODEL = f"{STUDY}, {OUTCOME}, {COVARIATE_SET}"
_ORDER = "study_order, outcome_order, covariate_set_order"
_CURVE = "estimate as value, conf_low as low, conf_high as high, std_error, n, events, converged, warnings"
_OTHER = "other_exposure, other_exposure_short_name, other_exposure_order"
_QUERIES = {
    table: f"select {_MODEL}, {columns} from main.{table} where subgroup = 'all' order by {_ORDER}, {order}"
    for table, columns, order in (
        (
            "bkmr_pips",
            f"{EXPOSURE}, pip, prior_pip, mcse, n, events, converged, warnings",
            "exposure_order",
        ),
        (
            "bkmr_response",
            f"{EXPOSURE}, scale, quantile, exposure_value, {_CURVE}",
            "exposure_order, scale, quantile",
        ),
        ("bkmr_overall", f"scale, quantile, {_CURVE}", "scale, quantile"),
        (
            "bkmr_single",
            f"{EXPOSURE}, scale, fixed_quantile, {_CURVE}",
            "exposure_order, scale, fixed_quantile",
        ),
        ("bkmr_interactions", f"{EXPOSURE}, scale, {_CURVE}", "exposure_order, scale"),
        (
            "bkmr_response_bivariate",
            f"{EXPOSURE}, {_OTHER}, scale, exposure_value, other_value, {_CURVE}",
            "exposure_order, other_exposure_order, scale, exposure_value, other_value",
        ),
    )
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
    order by {_ORDER}
"""
_PARAMETER = re.compile(r"\[(.+)\]")


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "bkmr",
        "Bayesian kernel machine regression",
        "All exposures together, with curves of any shape and any interaction; the model also estimates "
        "which exposures matter.",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    gone, main = marts.missing(*_QUERIES, "bkmr_diagnostics"), main_models(marts)
    blocks: list[Block] = [absent(*gone)] if gone else []
    here = {table: marts.frame(query) for table, query in _QUERIES.items() if table not in gone}
    keys = [*STUDY.split(", "), *OUTCOME.split(", ")]
    none = pd.DataFrame(columns=keys)
    checks = none if "bkmr_diagnostics" in gone else marts.frame(_DIAGNOSTICS)
    if here and all(frame.empty for frame in here.values()):
        return (*blocks, empty("bkmr_pips"))
    fits = pd.concat([none, *(frame[keys] for frame in here.values())])
    exposures = pd.concat([frame for frame in here.values() if "exposure" in frame] or [none])
    for study, title in labels(pd.concat([fits, checks[keys]]), "study").items():
        blocks.append(Heading(title))
        for outcome in chosen(fits[fits["study"] == study], "outcome", main):
            for table, frame in here.items():
                part = frame[(frame["study"] == study) & (frame["outcome"] == outcome)]
                if len(part):
                    blocks.append(_FIGURES[table](study, outcome, part))
        if len(own := checks[checks["study"] == study]):
            names = labels(exposures, "exposure") if len(exposures) else {}
            blocks.append(diagnostics(study, by_outcome(own), names))
    return tuple(blocks)


def inclusion(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return posterior inclusion probabilities: a line per exposure, a series per covariate set.

    Parameters
    ----------
    study, outcome : str
        Codes, for the figure's name.
    frame : pandas.DataFrame
        Rows of the mart `bkmr_pips` of this study and outcome.
    """
    drawn = frame.assign(
        row=named(frame, "exposure"),
        series=frame["covariate_set"],
        value=frame["pip"].astype(float),
        low=(frame["pip"] - 2 * frame["mcse"]).clip(0, 1).astype(float),
        high=(frame["pip"] + 2 * frame["mcse"]).clip(0, 1).astype(float),
        said=[number(pip) for pip in frame["pip"]],
    )
    sets = looks(labels(drawn, "covariate_set"))
    prior = frame["prior_pip"].dropna()
    panel = forest(
        drawn,
        title="",
        axis_title="posterior inclusion probability",
        rows=list(labels(drawn, "exposure").values()),
        looks=sets,
        domain=(-0.02, 1.02),
        logarithmic=False,
        null=float(prior.median()) if len(prior) else None,
    )
    shown = pd.DataFrame(
        {
            "Exposure": drawn["row"],
            "Covariates": named(drawn, "covariate_set"),
            "PIP": frame["pip"].map(lambda value: fixed(value, 3)),
            "Before the data": frame["prior_pip"].map(lambda value: fixed(value, 3)),
            "Simulation error": frame["mcse"].map(lambda value: fixed(value, 3)),
            "Converged": frame["converged"].map(truth),
            "Remarks": frame["warnings"].map(brief),
        }
    )
    name, title = f"bkmr-pips-{slug(study, outcome)}", label(frame, "outcome")
    return Figure(
        name,
        f"{title}, posterior inclusion probabilities",
        "The probability that an exposure belongs in the model at all, given the data; the dashed line is "
        "the same before the data. The line through a mark is twice the simulation error.",
        "The size or the direction of an association: an exposure of tiny effect can have a high "
        "probability.",
        (panel,),
        Table(
            name,
            f"{title}: posterior inclusion probabilities",
            shown,
            stored(frame),
            2,
            ("Converged", "Remarks"),
        ),
        [look.key for look in sets],
        size="wide",
        notes=()
        if frame["converged"].fillna(False).all()
        else ("Hollow marks: the chains have not converged.",),
    )


def diagnostics(study: str, frame: pd.DataFrame, names: Mapping[str, str]) -> Table:
    """Return how well the chains mixed: a row per fit, with its worst parameter.

    Parameters
    ----------
    study : str
        Code, for the table's name.
    frame : pandas.DataFrame
        A row per fit.
    names : mapping
        From exposures, by which parameters such as `r[Cd]` are named, to labels.
    """

    def parameter(code: object) -> str:
        return _PARAMETER.sub(lambda found: f"[{names.get(found[1], found[1])}]", plain(code))

    shown = pd.DataFrame(
        {
            "Outcome": named(frame, "outcome"),
            "Covariates": named(frame, "covariate_set"),
            "n": frame["n"].map(count),
            "Cases": frame["events"].map(count),
            "Parameters judged": frame["parameters"].map(count),
            "Largest R-hat": frame["largest_r_hat"].map(lambda value: fixed(value, 3)),
            "of": frame["largest_r_hat_of"].map(parameter),
            "Smallest ESS, bulk": frame["smallest_ess_bulk"].map(lambda value: fixed(value, 0)),
            "Smallest ESS, tail": frame["smallest_ess_tail"].map(lambda value: fixed(value, 0)),
            "Converged": frame["converged"].map(truth),
            "Remarks": frame["warnings"].map(brief),
        }
    )
    return Table(
        f"bkmr-diagnostics-{slug(study)}",
        "Did the chains converge?",
        shown,
        stored(frame),
        2,
        ("of", "Converged", "Remarks"),
        notes=(
            "R-hat near 1 and effective sample sizes (ESS) in the hundreds say that the chains agree with "
            "each other. A fit counts as converged with R-hat of at most 1.05 and an ESS of at least 400, of "
            "the bulk and of the tails, on which the ends of intervals rest, for every parameter judged. The "
            "table does not show whether the model is right.",
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
