"""Altair charts of a posterior; every chart's title carries the convergence status."""

from typing import Any

import numpy as np
import pandas as pd

from mixepi.bkmr.posterior import Posterior
from mixepi.results.charts import altair, titled

WIDTH, HEIGHT = 160, 130
COLUMNS = 3
# Rows of a chart's data: altair refuses to draw more.
MAX_ROWS = 5000


def _titled(posterior: Posterior, chart: Any, text: str) -> Any:
    lines = [] if posterior.status == "converged" else [posterior.status]
    spec = posterior.spec
    if spec.solver == "fitc" or posterior.approximate.any() or spec.compat is not None:
        lines.append(posterior.method)
    return titled(chart, f"{text}, {spec.outcome}", lines, warning=True)


def _response(posterior: Posterior, table: pd.DataFrame) -> str:
    """Return what a response is measured in."""
    if table["scale"].iloc[0] == "probability":
        return f"probability of {posterior.spec.outcome}"
    return posterior.spec.outcome if posterior.spec.family == "gaussian" else "probit of the probability"


def _interval(base: Any, title: str) -> Any:
    rule = base.mark_rule().encode(x=altair.X("conf_low:Q", title=title), x2="conf_high:Q")
    return altair.layer(rule, base.mark_point(filled=True, opacity=1).encode(x="estimate:Q"))


def plot_response(posterior: Posterior, table: pd.DataFrame) -> Any:
    """Exposure-response curves with 95 % intervals, one panel for each exposure."""
    title = f"h ({_response(posterior, table)})"
    base = altair.Chart(table).encode(x=altair.X("value:Q", title="exposure (its own unit)"))
    band = base.mark_area(opacity=0.25).encode(y=altair.Y("conf_low:Q", title=title), y2="conf_high:Q")
    line = base.mark_line().encode(y="estimate:Q")
    panels = altair.layer(band, line).properties(width=WIDTH, height=HEIGHT)
    panels = panels.facet(
        altair.Facet("exposure:N", title=None, sort=list(posterior.spec.exposures)), columns=COLUMNS
    )
    return _titled(posterior, panels.resolve_scale(x="independent"), "Exposure-response")


def plot_overall(posterior: Posterior, table: pd.DataFrame) -> Any:
    """Overall effect of the mixture by quantile."""
    title = f"difference from quantile {table['fixed'].iloc[0]:g} ({_response(posterior, table)})"
    moved = table["exposures"].iloc[0]
    named = "all exposures at their" if moved == "all" else f"{moved} at their"
    base = altair.Chart(table).encode(x=altair.X("quantile:Q", title=f"{named} quantile"))
    rule = base.mark_rule().encode(y=altair.Y("conf_low:Q", title=title), y2="conf_high:Q")
    points = base.mark_point(filled=True, opacity=1).encode(y="estimate:Q")
    return _titled(posterior, altair.layer(rule, points), "Overall effect of the mixture")


def plot_single(posterior: Posterior, table: pd.DataFrame) -> Any:
    """Effect of each exposure alone, by the quantile at which the others are fixed."""
    base = altair.Chart(table).encode(
        y=altair.Y("exposure:N", title=None, sort=None),
        yOffset="fixed:O",
        color=altair.Color("fixed:O", title="others at quantile"),
    )
    chart = _interval(base, f"difference in h ({_response(posterior, table)})")
    return _titled(posterior, chart, "Single-exposure effects")


def plot_interactions(posterior: Posterior, table: pd.DataFrame) -> Any:
    """How the effect of each exposure changes with all others."""
    base = altair.Chart(table).encode(y=altair.Y("exposure:N", title=None, sort=None))
    chart = _interval(base, f"difference of differences in h ({_response(posterior, table)})")
    return _titled(posterior, chart, "Interaction of each exposure with the others")


def plot_bivariate(posterior: Posterior, table: pd.DataFrame) -> Any:
    """Heat map of h over two exposures; empty where no row is near."""
    first, second = table["exposure_1"].iloc[0], table["exposure_2"].iloc[0]
    near = table.dropna(subset="estimate")
    chart = (
        altair.Chart(near.assign(label_1=_labels(near["value_1"]), label_2=_labels(near["value_2"])))
        .mark_rect()
        .encode(
            x=altair.X("label_1:O", title=f"{first} (its own unit)", sort=altair.SortField("z_1")),
            y=altair.Y(
                "label_2:O", title=f"{second} (its own unit)", sort=altair.SortField("z_2", "descending")
            ),
            color=altair.Color("estimate:Q", title=f"h ({_response(posterior, table)})"),
        )
    )
    return _titled(posterior, chart, f"{first} and {second}")


def _labels(values: pd.Series) -> list[str]:
    return [f"{value:.3g}" for value in values]


def plot_pips(posterior: Posterior, table: pd.DataFrame) -> Any:
    """Posterior inclusion probabilities, with the prior's as a tick."""
    base = altair.Chart(table).encode(y=altair.Y("exposure:N", sort="-x", title=None))
    bars = base.mark_bar().encode(
        x=altair.X("pip:Q", title="probability of inclusion (tick: prior)", scale=altair.Scale(domain=[0, 1]))
    )
    prior = base.mark_tick(color="black").encode(x="prior_pip:Q")
    return _titled(posterior, altair.layer(bars, prior), "Posterior inclusion probabilities")


def plot_trace(posterior: Posterior, draws: pd.DataFrame) -> Any:
    """Kept draws of each parameter in order, one line per chain, thinned for the eye."""
    order = list(dict.fromkeys(draws["parameter"]))
    every = max(1, int(np.ceil(len(draws) / MAX_ROWS)))
    base = altair.Chart(draws[draws["draw"] % every == 0])
    lines = base.mark_line(strokeWidth=0.7).encode(
        x=altair.X("draw:Q", title="draw"),
        y=altair.Y("value:Q", title=None, scale=altair.Scale(zero=False)),
        color=altair.Color("chain:N", title="chain"),
    )
    panels = lines.properties(width=WIDTH, height=HEIGHT // 2)
    panels = panels.facet(altair.Facet("parameter:N", title=None, sort=order), columns=COLUMNS)
    return _titled(posterior, panels.resolve_scale(y="independent"), "Draws")


def plot_posterior_and_prior(posterior: Posterior) -> Any:
    """Posterior histograms of log10 lambda and log10 r (given inclusion) over their prior densities."""
    priors = posterior.spec.priors
    panels = [("lambda", posterior.lambda_.ravel(), priors.lambda_)]
    for j, name in enumerate(posterior.spec.exposures):
        r = posterior.r[:, :, j]
        panels.append((f"r[{name}]", r[r > 0], priors.r))
    rows = []
    for term, draws, prior in panels:
        low, high = np.log10(prior.quantile(np.array([0.001, 0.999])))
        edges = np.linspace(low, high, 41)
        counts, _ = np.histogram(np.log10(draws), bins=edges)
        share = counts / max(len(draws), 1) / np.diff(edges)
        middle = 0.5 * (edges[1:] + edges[:-1])
        density = np.diff(prior.distribution(10**edges)) / np.diff(edges)
        rows.append(pd.DataFrame({"term": term, "log10": middle, "posterior": share, "prior": density}))
    base = altair.Chart(pd.concat(rows)).encode(x=altair.X("log10:Q", title="log10 of the parameter"))
    layers = altair.layer(
        base.mark_bar(opacity=0.5).encode(y=altair.Y("posterior:Q", title="density")),
        base.mark_line(color="black").encode(y="prior:Q"),
    )
    panels_by_term = layers.properties(width=WIDTH, height=HEIGHT).facet(
        altair.Facet("term:N", title=None, sort=[term for term, _, _ in panels]), columns=COLUMNS
    )
    chart = panels_by_term.resolve_scale(x="independent", y="independent")
    return _titled(posterior, chart, "Posterior (bars) and prior (line)")
