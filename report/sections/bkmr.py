from collections.abc import Callable, Sequence

import pandas as pd

from report.charts.axes import limits
from report.charts.curves import curves
from report.charts.forest import forest
from report.charts.style import Series, series
from report.elements import Block, Figure, Heading, Panel, Section, Table, absent, empty
from report.formats import fixed, interval, number, plain, truth, within, words
from report.marts import Marts
from report.sections.common import (
    COVARIATE_SETS,
    METALS,
    OUTCOMES,
    STUDIES,
    heading,
    looks,
    ordered,
    preferred,
    slug,
)

_KEYS = "study, outcome, covariate_set"
_CURVE = "estimate as value, conf_low as low, conf_high as high"
_QUERIES = {
    "bkmr_pips": f"select {_KEYS}, metal, pip, mcse, converged, warnings from main.bkmr_pips "
    f"where subgroup = 'all' order by {_KEYS}, metal",
    "bkmr_overall": f"select {_KEYS}, scale, quantile, {_CURVE}, std_error from main.bkmr_overall "
    f"where subgroup = 'all' order by {_KEYS}, scale, quantile",
    "bkmr_response": f"select {_KEYS}, metal, scale, quantile, exposure_value, {_CURVE}, std_error "
    f"from main.bkmr_response where subgroup = 'all' order by {_KEYS}, metal, scale, quantile",
    "bkmr_single": f"select {_KEYS}, metal, fixed_quantile, {_CURVE}, std_error from main.bkmr_single "
    f"where subgroup = 'all' order by {_KEYS}, metal, fixed_quantile",
    "bkmr_response_bivariate": f"select {_KEYS}, metal, other_metal, other_quantile, scale, quantile, "
    f"exposure_value, {_CURVE}, std_error from main.bkmr_response_bivariate where subgroup = 'all' "
    f"order by {_KEYS}, metal, other_metal, other_quantile, scale, quantile",
    "bkmr_diagnostics": f"select {_KEYS}, parameter, mean, sd, rhat, ess_bulk, ess_tail, mcse, converged "
    f"from main.bkmr_diagnostics where subgroup = 'all' order by {_KEYS}, parameter",
}
_DRAWN = ("age_bmi", "full", "crude")
_PROBIT = "latent outcome (probit)"


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "bkmr",
        "Bayesian kernel machine regression",
        "All metals together, with curves of any shape and any interaction; which metals matter is "
        "estimated too.",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    here = {table: marts.frame(query) for table, query in _QUERIES.items() if not marts.missing(table)}
    gone = tuple(table for table in _QUERIES if table not in here)
    blocks: list[Block] = [absent(*gone)] if gone else []
    if here and all(frame.empty for frame in here.values()):
        return (*blocks, empty("bkmr_pips"))
    studies = ordered([study for frame in here.values() for study in frame["study"]], STUDIES)
    for study in studies:
        blocks.append(Heading(heading(study)))
        outcomes = preferred(
            [name for frame in here.values() for name in frame[frame["study"] == study]["outcome"]], OUTCOMES
        )
        for outcome in outcomes:
            for table, build in _FIGURES.items():
                if table in here:
                    part = here[table][(here[table]["study"] == study) & (here[table]["outcome"] == outcome)]
                    if len(part):
                        blocks.append(build(study, outcome, part))
        if "bkmr_diagnostics" in here:
            own = here["bkmr_diagnostics"]
            blocks.append(diagnostics(study, own[own["study"] == study]))
    return tuple(blocks)


def inclusion(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return posterior inclusion probabilities: a line per metal, a series per covariate set."""
    drawn = frame.assign(
        row=frame["metal"].map(words),
        series=frame["covariate_set"],
        value=frame["pip"].astype(float),
        low=(frame["pip"] - 2 * frame["mcse"]).clip(0, 1).astype(float),
        high=(frame["pip"] + 2 * frame["mcse"]).clip(0, 1).astype(float),
        said=[number(pip) for pip in frame["pip"]],
    )
    sets = looks(ordered(drawn["covariate_set"], COVARIATE_SETS))
    panel = forest(
        drawn,
        title="",
        axis_title="posterior inclusion probability",
        rows=[words(metal) for metal in ordered(drawn["metal"], METALS)],
        looks=sets,
        domain=(0.0, 1.0),
        logarithmic=False,
        null=0.5,
    )
    shown = pd.DataFrame(
        {
            "Metal": drawn["row"],
            "Covariates": drawn["covariate_set"].map(words),
            "PIP": frame["pip"].map(lambda value: fixed(value, 3)),
            "Simulation error": frame["mcse"].map(lambda value: fixed(value, 3)),
            "Converged": frame["converged"].map(truth),
            "To know": frame["warnings"].map(plain),
        }
    )
    name = f"bkmr-pips-{slug(study, outcome)}"
    return Figure(
        name,
        f"Figure: {words(outcome)}, posterior inclusion probabilities",
        "The probability that a metal belongs in the model at all, given the data; the dashed line is one "
        "half, where the model starts. The line through a mark is twice the simulation error.",
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


def response(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the response to each metal, the others at their medians: a panel per metal."""
    drawn, axis = _of_one_model(frame)
    drawn = drawn.assign(x=drawn["quantile"], series="response")
    look = series(["response"], ["others at their medians"], lines=True)
    domain = limits(drawn, "value", "low", "high", False, None)
    panels = [
        curves(
            drawn[drawn["metal"] == metal],
            title=words(metal),
            axis_x=f"quantile of blood {within(metal)}",
            axis_y=axis,
            looks=look,
            domain_y=domain,
            height=170,
        )
        for metal in ordered(drawn["metal"], METALS)
    ]
    return _figure(
        "bkmr-response",
        study,
        outcome,
        frame,
        drawn,
        panels,
        "the response to each metal",
        "Each curve is the outcome over one metal while the others stay at their medians, with a 95 % "
        "credible band. A band in which a flat line fits is compatible with no association.",
        "Interactions (see the figure of two metals at once), and nothing beyond the women's own values.",
    )


def overall(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the overall effect: all metals at a quantile against all at their medians."""
    drawn, axis = _of_one_model(frame)
    drawn = drawn.assign(
        row=[f"{100 * value:.0f} %" for value in drawn["quantile"]], series="overall", converged=True
    )
    drawn["said"] = [
        interval(*item) for item in drawn[["value", "low", "high"]].itertuples(index=False, name=None)
    ]
    drawn = drawn.sort_values("quantile", ascending=False)
    panel = forest(
        drawn,
        title="all metals at this percentile, against all at their medians",
        axis_title=f"difference in {axis}",
        rows=list(drawn["row"]),
        looks=series(["overall"], ["overall"]),
        domain=limits(drawn, "value", "low", "high", False, 0.0),
        logarithmic=False,
        null=0.0,
    )
    return _figure(
        "bkmr-overall",
        study,
        outcome,
        frame,
        drawn,
        [panel],
        "the overall effect of the mixture",
        "Each mark compares all metals at a percentile with all at their medians, with the 95 % credible "
        "interval; marks that rise to the right as the percentile rises say that the mixture raises the "
        "outcome.",
        "Which metal does it, and what opposite metals cancel.",
        size="wide",
    )


def single(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    drawn, axis = _of_one_model(frame)
    drawn = drawn.assign(row=drawn["metal"].map(words), converged=True)
    drawn["series"] = [f"{value:g}" for value in drawn["fixed_quantile"]]
    drawn["said"] = [
        interval(*item) for item in drawn[["value", "low", "high"]].itertuples(index=False, name=None)
    ]
    codes = ordered(drawn["series"], ())
    look = series(codes, [f"others at their {100 * float(code):.0f}th percentile" for code in codes])
    panel = forest(
        drawn,
        title="a metal's 75th against its 25th percentile",
        axis_title=f"difference in {axis}",
        rows=[words(metal) for metal in ordered(drawn["metal"], METALS)],
        looks=look,
        domain=limits(drawn, "value", "low", "high", False, 0.0),
        logarithmic=False,
        null=0.0,
    )
    return _figure(
        "bkmr-single",
        study,
        outcome,
        frame,
        drawn,
        [panel],
        "one metal at a time",
        "Each mark is what a metal's rise from its 25th to its 75th percentile does while the others are "
        "held; marks of a row that drift apart would speak of interaction.",
        "A test of interaction: overlapping intervals do not prove that there is none.",
        look,
        size="wide",
    )


def bivariate(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the response to one metal at several quantiles of another: a panel per ordered pair."""
    drawn, axis = _of_one_model(frame)
    drawn = drawn.assign(x=drawn["quantile"], series=[f"{value:g}" for value in drawn["other_quantile"]])
    codes = ordered(drawn["series"], ())[:3]
    look = series(
        codes, [f"the other at its {100 * float(code):.0f}th percentile" for code in codes], lines=True
    )
    # Bands of three curves would hide each other: lines only.
    lines = drawn.assign(low=drawn["value"], high=drawn["value"])
    domain = limits(lines, "value", "low", "high", False, None)
    panels = [
        curves(
            lines[(lines["metal"] == metal) & (lines["other_metal"] == other)],
            title=f"{words(metal)} at levels of {within(other)}",
            axis_x="quantile",
            axis_y="",
            looks=look,
            domain_y=domain,
            height=110,
        )
        for metal in ordered(drawn["metal"], METALS)
        for other in ordered(drawn.loc[drawn["metal"] == metal, "other_metal"], METALS)
    ]
    return _figure(
        "bkmr-bivariate",
        study,
        outcome,
        frame,
        drawn,
        panels,
        f"two metals at once, {axis}",
        "Each panel has the curve of one metal at three levels of another; curves that run alongside each "
        "other mean that the two do not interact, curves that cross that they may.",
        "How sure the curves are (the table has their intervals): small crossings are noise.",
        look,
        size="small",
    )


def diagnostics(study: str, frame: pd.DataFrame) -> Table:
    """Return how well the chains mixed: a row per model and parameter."""
    shown = pd.DataFrame(
        {
            "Outcome": frame["outcome"].map(words),
            "Covariates": frame["covariate_set"].map(words),
            "Parameter": frame["parameter"].map(plain),
            "Mean": frame["mean"].map(number),
            "SD": frame["sd"].map(number),
            "R-hat": frame["rhat"].map(lambda value: fixed(value, 3)),
            "ESS, bulk": frame["ess_bulk"].map(lambda value: fixed(value, 0)),
            "ESS, tail": frame["ess_tail"].map(lambda value: fixed(value, 0)),
            "Converged": frame["converged"].map(truth),
        }
    )
    return Table(
        f"bkmr-diagnostics-{slug(study)}",
        "Table: did the chains converge?",
        shown,
        frame,
        3,
        ("Converged",),
        notes=(
            "R-hat near 1 and effective sample sizes (ESS) in the hundreds say that the chains agree with "
            "each other.",
        ),
    )


_FIGURES: dict[str, Callable[[str, str, pd.DataFrame], Figure]] = {
    "bkmr_pips": inclusion,
    "bkmr_response": response,
    "bkmr_overall": overall,
    "bkmr_single": single,
    "bkmr_response_bivariate": bivariate,
}


def _of_one_model(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    part = frame[frame["covariate_set"] == preferred(frame["covariate_set"], _DRAWN)[0]]
    part = part.astype(dict.fromkeys(("value", "low", "high"), float))
    if str(part["outcome"].iloc[0]).startswith("bmd_"):
        return (part[part["scale"] == "link"] if "scale" in part else part), "BMD, g/cm\N{SUPERSCRIPT TWO}"
    if "scale" in part and (part["scale"] == "probability").any():
        return part[part["scale"] == "probability"], "probability of osteoporosis"
    return part, _PROBIT


def _figure(
    kind: str,
    study: str,
    outcome: str,
    frame: pd.DataFrame,
    drawn: pd.DataFrame,
    panels: Sequence[Panel],
    caption: str,
    how_to_read: str,
    not_shown: str,
    look: Sequence[Series] = (),
    size: str = "medium",
) -> Figure:
    name = f"{kind}-{slug(study, outcome)}"
    covariates = within(drawn["covariate_set"].iloc[0])
    data = frame.rename(columns={"value": "estimate", "low": "conf_low", "high": "conf_high"})
    shown = pd.DataFrame({_HEADINGS[key]: data[key].map(show) for key, show in _SHOWN.items() if key in data})
    shown["Estimate (95 % interval)"] = [
        interval(*item)
        for item in data[["estimate", "conf_low", "conf_high"]].itertuples(index=False, name=None)
    ]
    return Figure(
        name,
        f"Figure: {words(outcome)}, {caption} (covariates: {covariates})",
        how_to_read,
        not_shown,
        panels,
        Table(name, f"{words(outcome)}: {caption}", shown, data, max(1, shown.shape[1] - 1)),
        [item.key for item in look],
        size=size,
    )


_SHOWN: dict[str, Callable[[object], str]] = {
    "covariate_set": words,
    "metal": words,
    "other_metal": words,
    "other_quantile": number,
    "fixed_quantile": number,
    "scale": words,
    "quantile": number,
    "exposure_value": number,
}
_HEADINGS = {
    "covariate_set": "Covariates",
    "metal": "Metal",
    "other_metal": "Other metal",
    "other_quantile": "Other at quantile",
    "fixed_quantile": "Others at quantile",
    "scale": "Scale",
    "quantile": "Quantile",
    "exposure_value": "Concentration",
}
