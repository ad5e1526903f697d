"""Figures of what the kernel machine's response looks like: curves, differences, pairs of metals."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from report.charts.axes import limits
from report.charts.curves import curves
from report.charts.forest import forest
from report.charts.style import Series, series
from report.elements import Figure, Panel, Table
from report.formats import brief, interval, number, truth, within, words
from report.sections.associations import MILLIGRAMS
from report.sections.common import COVARIATE_SETS, METALS, blood, left_out, looks, ordered, preferred, slug

_ONE_SET = ("full", "age_bmi", "crude")
_PERCENT = 100
_ENDS = ["value", "low", "high"]
_MILLIGRAMS_PER_CM2 = "mg/cm\N{SUPERSCRIPT TWO}"


def response(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the response to each metal, the others at their medians: a panel per metal.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of the mart `bkmr_response` of one study and outcome; `value`, `low`, `high` are the estimate and
        its credible interval.
    """
    drawn, axis = _prepared(frame)
    drawn = drawn.assign(x=drawn["quantile"], series=drawn["covariate_set"])
    look = looks(ordered(drawn["series"], COVARIATE_SETS), lines=True)
    domain = limits(drawn, "value", "low", "high", False, 0.0)
    panels = [
        curves(
            drawn[drawn["metal"] == metal],
            title=words(metal) + _doubt(drawn[drawn["metal"] == metal]),
            axis_x=f"quantile of {blood(metal, {})}",
            axis_y=f"difference in {axis.removesuffix(' of osteoporosis')}",
            looks=look,
            domain_y=domain,
            null=0.0,
            height=180,
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
        "Each curve is the outcome over one metal while the others stay at their medians, against its own "
        "average (the dashed 0), with a 95 % credible band. A band in which a flat line fits is compatible "
        "with no association.",
        "Interactions between metals, and nothing beyond the women's own concentrations.",
        look,
        mark=" (their panels say so)",
    )


def overall(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the overall effect: all metals at a quantile against all at their medians."""
    drawn, axis = _prepared(frame)
    drawn = drawn.dropna(subset="quantile").sort_values("quantile", ascending=False)
    drawn = drawn.assign(
        row=[f"{_PERCENT * value:.0f} %" for value in drawn["quantile"]], series=drawn["covariate_set"]
    )
    look = looks(ordered(drawn["series"], COVARIATE_SETS))
    panel = forest(
        drawn,
        title="All metals at this percentile, against all at their medians",
        axis_title=f"difference in {axis}",
        rows=list(dict.fromkeys(drawn["row"])),
        looks=look,
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
        "interval; marks that lie further right the higher the percentile say that the mixture raises the "
        "outcome.",
        "Which metal does it, and what opposite metals cancel.",
        look,
        size="wide",
    )


def single(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the effect of each metal from its 25th to its 75th percentile: a panel per covariate set."""
    drawn, axis = _prepared(frame)
    drawn = drawn.dropna(subset="fixed_quantile")
    drawn = drawn.assign(
        row=drawn["metal"].map(words), series=[f"{value:g}" for value in drawn["fixed_quantile"]]
    )
    codes = ordered(drawn["series"], ())
    look = series(codes, [f"others at their {_PERCENT * float(code):.0f}th percentile" for code in codes])
    domain = limits(drawn, "value", "low", "high", False, 0.0)
    panels = [
        forest(
            drawn[drawn["covariate_set"] == covariates],
            title=f"Covariates: {within(covariates)}",
            axis_title=f"difference in {axis}",
            rows=[words(metal) for metal in ordered(drawn["metal"], METALS)],
            looks=look,
            domain=domain,
            logarithmic=False,
            null=0.0,
        )
        for covariates in ordered(drawn["covariate_set"], COVARIATE_SETS)
    ]
    return _figure(
        "bkmr-single",
        study,
        outcome,
        frame,
        drawn,
        panels,
        "one metal's 75th against its 25th percentile",
        "Each mark is what a metal's rise from its 25th to its 75th percentile does while the others are "
        "held, with the 95 % credible interval; marks of a row that drift apart would speak of "
        "interaction.",
        "A test of interaction: see the next figure.",
        look,
        size="wide",
    )


def interactions(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    drawn, axis = _prepared(frame)
    drawn = drawn.assign(row=drawn["metal"].map(words), series=drawn["covariate_set"])
    look = looks(ordered(drawn["series"], COVARIATE_SETS))
    panel = forest(
        drawn.dropna(subset="metal"),
        title="",
        axis_title=f"change of the difference in {axis}",
        rows=[words(metal) for metal in ordered(drawn["metal"], METALS)],
        looks=look,
        domain=limits(drawn, "value", "low", "high", False, 0.0),
        logarithmic=False,
        null=0.0,
    )
    return _figure(
        "bkmr-interactions",
        study,
        outcome,
        frame,
        drawn,
        [panel],
        "interaction of each metal with all others",
        "Each mark says by how much a metal's effect (25th to 75th percentile) changes when the others go "
        "from their 25th to their 75th percentile, with the 95 % credible interval; at the dashed 0 it "
        "does not change.",
        "With which other metal it interacts, and interactions of another shape.",
        look,
        size="wide",
    )


def bivariate(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the response to one metal at three values of another: a small panel per pair."""
    drawn, axis = _prepared(frame)
    covariates = preferred(drawn["covariate_set"], _ONE_SET)[0]
    drawn = drawn[drawn["covariate_set"] == covariates].dropna(subset=["exposure_value", "other_value"])
    pairs = [
        (metal, other, drawn[(drawn["metal"] == metal) & (drawn["other_metal"] == other)])
        for metal in ordered(drawn["metal"], METALS)
        for other in ordered(drawn.loc[drawn["metal"] == metal, "other_metal"], METALS)
    ]
    look = series(_LEVELS, [f"the other metal {level}" for level in _LEVELS], lines=True)
    levelled = [(metal, other, _at_three_levels(part)) for metal, other, part in pairs]
    everything = pd.concat([part for _, _, part in levelled]) if levelled else drawn
    domain = limits(everything, "value", "low", "high", False, 0.0)
    panels = [
        curves(
            part,
            title=f"{words(metal)} at levels of {within(other)}",
            axis_x="concentration",
            axis_y="",
            looks=look,
            domain_y=domain,
            logarithmic_x=True,
            height=110,
        )
        for metal, other, part in levelled
    ]
    return _figure(
        "bkmr-bivariate",
        study,
        outcome,
        frame,
        drawn,
        panels,
        f"two metals at once, difference in {axis} (covariates: {within(covariates)})",
        "Each panel has the curve of one metal at a low, a middle and a high value of another; curves "
        "that run alongside each other mean that the two do not interact, curves that cross that they may.",
        "How sure the curves are (the table has their intervals): small crossings are noise.",
        look,
        size="small",
        mark="",
    )


_LEVELS = ("low", "middle", "high")


def _at_three_levels(pair: pd.DataFrame) -> pd.DataFrame:
    values = sorted(pair.loc[pair["value"].notna(), "other_value"].unique())
    if not values:
        return pair.assign(x=pair["exposure_value"], series="", low=pair["value"], high=pair["value"])
    places = (len(values) // 5, len(values) // 2, len(values) - 1 - len(values) // 5)
    levels = {values[place]: level for place, level in zip(places, _LEVELS, strict=True)}
    kept = pair[pair["other_value"].isin(levels)]
    return kept.assign(
        x=kept["exposure_value"],
        series=kept["other_value"].map(levels),
        low=kept["value"],
        high=kept["value"],
    )


def _prepared(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the rows on the scale that reads best, with what to print, and the name of that scale."""
    drawn = frame.astype(dict.fromkeys(_ENDS, float))
    if _is_bmd(frame):
        drawn = _in_milligrams(drawn[drawn["scale"].fillna("link") == "link"])
        axis = f"BMD, {_MILLIGRAMS_PER_CM2}"
    elif (drawn["scale"] == "probability").any():
        drawn = drawn[drawn["scale"].fillna("probability") == "probability"]
        axis = "probability of osteoporosis"
    else:
        axis = "latent outcome (probit)"
    return drawn.assign(said=[interval(*item) for item in _ends(drawn)]), axis


def _is_bmd(frame: pd.DataFrame) -> bool:
    return str(frame["outcome"].iloc[0]).startswith("bmd_")


def _in_milligrams(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: frame[name] * MILLIGRAMS for name in _ENDS})


def _ends(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(frame[_ENDS].itertuples(index=False, name=None))


def _at_zero(drawn: pd.DataFrame) -> tuple[str, ...]:
    """Return a note on estimates and ends of intervals at exactly 0, if there are any."""
    if not (drawn[_ENDS].astype(float) == 0).any(axis=None):
        return ()
    return (
        "An estimate of exactly 0, or an interval that ends there, is no accident: in draws without the "
        "metals that are compared, the difference is exactly 0.",
    )


def _doubt(frame: pd.DataFrame) -> str:
    return "" if frame["converged"].fillna(False).all() else " (not converged)"


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
    look: Sequence[Series],
    size: str = "medium",
    mark: str = " (hollow marks)",
) -> Figure:
    name = f"{kind}-{slug(study, outcome)}"
    shown = pd.DataFrame(
        {heading: frame[key].map(show) for key, (heading, show) in _SHOWN.items() if key in frame}
    )
    keys = shown.shape[1]
    printed, unit = (_in_milligrams(frame), f", {_MILLIGRAMS_PER_CM2}") if _is_bmd(frame) else (frame, "")
    shown[f"Estimate{unit} (95 % interval)"] = [interval(*item) for item in _ends(printed)]
    shown["Converged"], shown["To know"] = frame["converged"].map(truth), frame["warnings"].map(brief)
    data = frame.rename(columns={"value": "estimate", "low": "conf_low", "high": "conf_high"})
    return Figure(
        name,
        f"Figure: {words(outcome)}, {caption}",
        how_to_read,
        not_shown,
        panels,
        Table(name, f"{words(outcome)}: {caption}", shown, data, keys, ("Converged", "To know")),
        [item.key for item in look],
        size=size,
        notes=(*left_out(drawn, mark), *_at_zero(drawn)),
    )


_SHOWN: dict[str, tuple[str, Callable[[Any], str]]] = {
    "covariate_set": ("Covariates", words),
    "metal": ("Metal", words),
    "other_metal": ("Other metal", words),
    "other_value": ("Other's value", number),
    "fixed_quantile": ("Others at quantile", number),
    "scale": ("Scale", words),
    "quantile": ("Quantile", number),
    "exposure_value": ("Value", number),
}
