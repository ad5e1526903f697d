"""Altair charts of the tables; every chart's title carries the convergence status."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from mixepi.bkmr.results import BKMRResult


def _title(result: "BKMRResult", text: str) -> dict[str, Any]:
    lines = [] if result.status == "converged" else [result.status]
    spec = result.spec
    if spec.solver == "fitc" or result.approximate.any() or spec.compat is not None:
        lines.append(result.method)
    return {"text": text, "subtitle": lines, "subtitleColor": "firebrick"}


def plot_univariate(result: "BKMRResult", **options: Any) -> Any:
    """Exposure-response curves with 95 % intervals, one panel for each exposure."""
    import altair as alt

    table = result.univariate(**options)
    base = alt.Chart(table).encode(x=alt.X("value:Q", title="exposure"))
    band = base.mark_area(opacity=0.25).encode(y=alt.Y("conf_low:Q", title="h"), y2="conf_high:Q")
    line = base.mark_line().encode(y="estimate:Q")
    panels = alt.layer(band, line).properties(width=160, height=140).facet("exposure:N", columns=3)
    return panels.resolve_scale(x="independent").properties(title=_title(result, "Exposure-response"))


def plot_overall(result: "BKMRResult", **options: Any) -> Any:
    """Overall effect of the mixture by quantile."""
    import altair as alt

    table = result.overall(**options)
    base = alt.Chart(table).encode(x=alt.X("quantile:Q", title="all exposures at their quantile"))
    rule = base.mark_rule().encode(y=alt.Y("conf_low:Q", title="difference in h"), y2="conf_high:Q")
    return alt.layer(rule, base.mark_point(filled=True).encode(y="estimate:Q")).properties(
        title=_title(result, "Overall effect of the mixture")
    )


def plot_bivariate(result: "BKMRResult", first: str, second: str, **options: Any) -> Any:
    """Heat map of h over two exposures."""
    import altair as alt

    table = result.bivariate(pairs=[(first, second)], **options)
    return (
        alt.Chart(table)
        .mark_rect()
        .encode(
            x=alt.X("z_1:O", title=first, axis=alt.Axis(labels=False, ticks=False)),
            y=alt.Y("z_2:O", title=second, sort="descending", axis=alt.Axis(labels=False, ticks=False)),
            color=alt.Color("estimate:Q", title="h"),
        )
        .properties(title=_title(result, f"{first} and {second}"))
    )


def plot_pips(result: "BKMRResult") -> Any:
    """Posterior inclusion probabilities, with the prior's as a tick."""
    import altair as alt

    base = alt.Chart(result.pips()).encode(y=alt.Y("exposure:N", sort="-x", title=None))
    bars = base.mark_bar().encode(x=alt.X("pip:Q", title="PIP", scale=alt.Scale(domain=[0, 1])))
    prior = base.mark_tick(color="black").encode(x="prior_pip:Q")
    return alt.layer(bars, prior).properties(title=_title(result, "Posterior inclusion probabilities"))


def plot_posterior_and_prior(result: "BKMRResult", points: int = 200) -> Any:
    """Posterior histograms of log10 lambda and log10 r (given inclusion) over their prior densities."""
    import altair as alt

    priors = result.spec.priors
    panels = [("lambda", result.lambda_.ravel(), priors.lambda_)]
    for j, name in enumerate(result.spec.exposures):
        r = result.r[:, :, j]
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
    base = alt.Chart(pd.concat(rows)).encode(x=alt.X("log10:Q", title="log10 of the parameter"))
    layers = alt.layer(
        base.mark_bar(opacity=0.5).encode(y=alt.Y("posterior:Q", title="density")),
        base.mark_line(color="black").encode(y="prior:Q"),
    )
    return (
        layers.properties(width=160, height=120)
        .facet("term:N", columns=3)
        .resolve_scale(x="independent", y="independent")
        .properties(title=_title(result, "Posterior (bars) and prior (line)"))
    )
