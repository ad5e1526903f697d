"""Figures of what the kernel machine's response looks like: curves, differences, pairs of exposures."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from report.charts.axes import limits
from report.charts.curves import curves
from report.charts.forest import forest
from report.charts.style import Series
from report.elements import Figure, Panel, Table
from report.formats import brief, interval, number, truth, within, words
from report.labels import label, labels, named
from report.sections.common import Effect, effect, left_out, looks, slug, stored

_PERCENT = 100
_ENDS = ["value", "low", "high"]


def response(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the response to each exposure, the others at their medians: a panel per exposure.

    Parameters
    ----------
    study, outcome : str
        Codes, for the figure's name.
    frame : pandas.DataFrame
        Rows of the mart `bkmr_response` of this study and outcome; `value`, `low`, `high` are the estimate
        and its credible interval.
    """
    drawn, axis = _prepared(frame)

    drawn = drawn.assign(x=drawn["quantile"], series=drawn["covariate_set"])
    look = looks(labels(drawn, "covariate_set"), lines=True)
    domain = limits(drawn, "value", "low", "high", False, 0.0)
    panels = [
        curves(
            drawn[drawn["exposure"] == exposure],
            title=title + _doubt(drawn[drawn["exposure"] == exposure]),
            axis_x=f"quantile of {within(_full_name(drawn, exposure))}",
            axis_y=axis,
            looks=look,
            domain_y=domain,
            null=0.0,
            height=180,
        )
        for exposure, title in labels(drawn, "exposure").items()
    ]
    return _figure(
        "bkmr-response",
        study,
        outcome,
        frame,
        drawn,
        panels,
        "the response to each exposure",
        "Each curve is the outcome over one exposure while the others stay at their medians, against its own "
        "average (the dashed 0), with a 95 % credible band. A band in which a flat line fits is compatible "
        "with no association.",
        "Interactions between exposures, and nothing beyond the women's own concentrations.",
        look,
        mark=" (their panels say so)",
    )


def overall(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the overall effect: all exposures at a quantile against all at their medians."""
    drawn, axis = _prepared(frame)
    drawn = drawn.dropna(subset="quantile").sort_values("quantile", ascending=False)
    drawn = drawn.assign(
        row=[f"{_PERCENT * value:.0f} %" for value in drawn["quantile"]], series=drawn["covariate_set"]
    )
    look = looks(labels(drawn, "covariate_set"))
    panel = forest(
        drawn,
        title="All exposures at this percentile, against all at their medians",
        axis_title=axis,
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
        "Each mark compares all exposures at a percentile with all at their medians, with the 95 % credible "
        "interval; marks that lie further right the higher the percentile say that the mixture raises the "
        "outcome.",
        "Which exposure does it, and what opposite exposures cancel.",
        look,
        size="wide",
    )


def single(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the effect of each exposure from its 25th to its 75th percentile: a panel per covariate set."""
    drawn, axis = _prepared(frame)
    drawn = drawn.dropna(subset="fixed_quantile")
    drawn = drawn.assign(
        row=named(drawn, "exposure"), series=[f"{value:g}" for value in drawn["fixed_quantile"]]
    )
    look = looks(
        {
            code: f"others at their {_PERCENT * float(code):.0f}th percentile"
            for code in sorted(set(drawn["series"]), key=float)
        }
    )
    domain = limits(drawn, "value", "low", "high", False, 0.0)
    panels = [
        forest(
            drawn[drawn["covariate_set"] == covariates],
            title=f"Covariates: {within(title)}",
            axis_title=axis,
            rows=list(labels(drawn, "exposure").values()),
            looks=look,
            domain=domain,
            logarithmic=False,
            null=0.0,
        )
        for covariates, title in labels(drawn, "covariate_set").items()
    ]
    return _figure(
        "bkmr-single",
        study,
        outcome,
        frame,
        drawn,
        panels,
        "one exposure's 75th against its 25th percentile",
        "Each mark is what an exposure's rise from its 25th to its 75th percentile does while the others are "
        "held, with the 95 % credible interval; marks of a row that drift apart would speak of "
        "interaction.",
        "A test of interaction: see the next figure.",
        look,
        size="wide",
    )


def interactions(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return how each exposure's effect changes with the level of all others: a line per exposure."""
    drawn, axis = _prepared(frame)
    drawn = drawn.assign(row=named(drawn, "exposure"), series=drawn["covariate_set"])
    look = looks(labels(drawn, "covariate_set"))
    panel = forest(
        drawn.dropna(subset="exposure"),
        title="",
        axis_title=f"change of the {axis}",
        rows=list(labels(drawn, "exposure").values()),
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
        "interaction of each exposure with all others",
        "Each mark says by how much an exposure's effect (25th to 75th percentile) changes when the others "
        "go from their 25th to their 75th percentile, with the 95 % credible interval; at the dashed 0 it "
        "does not change.",
        "With which other exposure it interacts, and interactions of another shape.",
        look,
        size="wide",
    )


def bivariate(study: str, outcome: str, frame: pd.DataFrame) -> Figure:
    """Return the response to one exposure at three values of another: a small panel per pair."""
    drawn, axis = _prepared(frame)
    # Curves of several covariate sets in one panel cannot be told apart: the most adjusted is drawn.
    covariates, title = list(labels(drawn, "covariate_set").items())[-1]
    drawn = drawn[drawn["covariate_set"] == covariates].dropna(subset=["exposure_value", "other_value"])
    look = looks({level: f"the other exposure {level}" for level in _LEVELS}, lines=True)
    pairs = drawn.groupby(["exposure_order", "exposure", "other_exposure_order", "other_exposure"])
    levelled = [_at_three_levels(part) for _, part in pairs]
    everything = pd.concat(levelled) if levelled else drawn
    domain = limits(everything, "value", "low", "high", False, 0.0)
    panels = [
        curves(
            part,
            title=f"{label(part, 'exposure')} at levels of {within(label(part, 'other_exposure'))}",
            axis_x="concentration",
            axis_y="",
            looks=look,
            domain_y=domain,
            logarithmic_x=True,
            height=110,
        )
        for part in levelled
    ]
    return _figure(
        "bkmr-bivariate",
        study,
        outcome,
        frame,
        drawn,
        panels,
        f"two exposures at once, {axis} (covariates: {within(title)})",
        "Each panel has the curve of one exposure at a low, a middle and a high value of another; curves "
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
    """Return the rows on the scale that reads best, with what to print, and the title of their axis."""
    drawn, how = frame.astype(dict.fromkeys(_ENDS, float)), effect(frame)
    if not how.is_ratio:
        drawn, axis = _scaled(drawn[drawn["scale"].fillna("link") == "link"], how), how.scale
    elif (drawn["scale"] == "probability").any():
        drawn = drawn[drawn["scale"].fillna("probability") == "probability"]
        axis = "difference in probability"
    else:
        axis = "difference in latent outcome (probit)"
    return drawn.assign(said=[interval(*item) for item in _ends(drawn)]), axis


def _scaled(frame: pd.DataFrame, how: Effect) -> pd.DataFrame:
    return frame.assign(**{name: frame[name] * how.factor for name in _ENDS})


def _full_name(frame: pd.DataFrame, exposure: str) -> str:
    return str(frame.loc[frame["exposure"] == exposure, "exposure_name"].iloc[0])


def _ends(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(frame[_ENDS].itertuples(index=False, name=None))


def _at_zero(drawn: pd.DataFrame) -> tuple[str, ...]:
    """Return a note on estimates and ends of intervals at exactly 0, if there are any."""
    if not (drawn[_ENDS].astype(float) == 0).any(axis=None):
        return ()
    return (
        "An estimate of exactly 0, or an interval that ends there, is no accident: in draws without the "
        "exposures that are compared, the difference is exactly 0.",
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
    name, title = f"{kind}-{slug(study, outcome)}", label(frame, "outcome")
    shown = pd.DataFrame(
        {
            heading: frame[key].map(show) if show else named(frame, key)
            for key, (heading, show) in _SHOWN.items()
            if key in frame
        }
    )
    keys, how = shown.shape[1], effect(frame)
    printed, unit = (
        (frame, "") if how.is_ratio else (_scaled(frame, how), f", {how.unit}" if how.unit else "")
    )
    shown[f"Estimate{unit} (95 % interval)"] = [interval(*item) for item in _ends(printed)]
    shown["Converged"], shown["Remarks"] = frame["converged"].map(truth), frame["warnings"].map(brief)
    data = frame.rename(columns={"value": "estimate", "low": "conf_low", "high": "conf_high"})
    return Figure(
        name,
        f"{title}, {caption}",
        how_to_read,
        not_shown,
        panels,
        Table(name, f"{title}: {caption}", shown, stored(data), keys, ("Converged", "Remarks")),
        [item.key for item in look],
        size=size,
        notes=(*left_out(drawn, mark), *_at_zero(drawn)),
    )


# The columns that name an estimate, each with its heading and how it is printed; codes by their labels.
_SHOWN: dict[str, tuple[str, Callable[[Any], str] | None]] = {
    "covariate_set": ("Covariates", None),
    "exposure": ("Exposure", None),
    "other_exposure": ("Other exposure", None),
    "other_value": ("Other's value", number),
    "fixed_quantile": ("Others at quantile", number),
    "scale": ("Scale", words),
    "quantile": ("Quantile", number),
    "exposure_value": ("Value", number),
}
