"""All exposures together, by each method: the joint effect, and which exposures it is made of."""

import pandas as pd

from report.charts.axes import limits
from report.charts.bars import shares
from report.charts.curves import curves
from report.charts.style import BLUE, GREY, VERMILLION, Series
from report.elements import Block, Figure, Forest, Key, Panel, Table, absent
from report.forests import forest
from report.formats import fixed, within, words
from report.labels import COVARIATE_SET, EXPOSURE, OUTCOME, STUDY, label, labels, main_models, named
from report.marts import Marts
from report.sections.associations import settled
from report.sections.common import effect, left_out, slug, stored, with_effect

_ESTIMATE = (
    "n, events, estimate, conf_low, conf_high, ratio, ratio_low, ratio_high, p_value, converged, warnings"
)
_KEYS = f"{STUDY}, {OUTCOME}, {COVARIATE_SET}, engine"
_ORDER = "study_order, outcome_order, covariate_set_order, engine"
_JOINT = {
    "qgcomp_estimates": f"""
        select {_KEYS}, 'Quantile g-computation' as heading, 'All exposures one step up' as row, {_ESTIMATE}
        from main.qgcomp_estimates
        where subgroup = 'all' and coalesce(term, 'psi1') = 'psi1'
        order by {_ORDER}
    """,
    "wqs_estimates": f"""
        select
            {_KEYS}, 'Weighted quantile sum regression, mean of repeated holdouts' as heading,
            case direction when 'positive' then 'Index that may only raise the outcome'
                else 'Index that may only lower it' end as row,
            {_ESTIMATE}
        from main.wqs_estimates
        where subgroup = 'all' and coalesce(term, 'wqs') = 'wqs' and procedure = 'repeated_holdout'
        order by {_ORDER}, direction desc
    """,
}
_SHARES = {
    "qgcomp_weights": f"""
        select {_KEYS}, {EXPOSURE}, 'Quantile g-computation: shares of each side' as panel, true as has_sign,
            case when direction = 'negative' then -abs(weight) else abs(weight) end as value
        from main.qgcomp_weights where subgroup = 'all' order by {_ORDER}, exposure_order
    """,
    "wqs_weights": f"""
        select {_KEYS}, {EXPOSURE},
            'WQS: index that may only ' || case direction when 'positive' then 'raise' else 'lower' end
                || ' it' as panel,
            true as has_sign,
            case direction when 'negative' then -weight else weight end as value
        from main.wqs_weights where subgroup = 'all' and procedure = 'repeated_holdout'
        order by {_ORDER}, direction desc, exposure_order
    """,
    "bkmr_pips": f"""
        select {STUDY}, {OUTCOME}, {COVARIATE_SET}, 'unweighted' as engine, {EXPOSURE},
            'BKMR: probability that it belongs in the model' as panel, false as has_sign, pip as value
        from main.bkmr_pips where subgroup = 'all' order by {_ORDER}, exposure_order
    """,
}
_OVERALL = f"""
    select
        {STUDY}, {OUTCOME}, {COVARIATE_SET}, 'unweighted' as engine, quantile, estimate as value,
        conf_low as low, conf_high as high, n, events, converged, warnings
    from main.bkmr_overall
    where subgroup = 'all' and coalesce(scale, 'link') = 'link' and quantile is not null
    order by {_ORDER}, quantile
"""


def brief(marts: Marts, study: str) -> tuple[Block, ...]:
    """Return joint effects, shares of the exposures and BKMR's curve: one study's first outcome."""
    main = main_models(marts)
    joint, parts = (_rows(marts, queries, study, main) for queries in (_JOINT, _SHARES))
    gone = marts.missing(*_JOINT, *_SHARES, "bkmr_overall")
    blocks: list[Block] = [absent(*gone)] if gone else []
    if len(joint):
        blocks.append(_effects(study, joint))
    if len(parts):
        blocks.append(_parts(study, parts))
    if not marts.missing("bkmr_overall"):
        overall = _rows(marts, {"bkmr_overall": _OVERALL}, study, main)
        if len(overall):
            blocks.append(_overall(study, overall))
    return tuple(blocks)


def _rows(marts: Marts, queries: dict[str, str], study: str, main: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one study's first outcome, of each table its adjusted, weighted model."""
    found = []
    for table, query in queries.items():
        if marts.missing(table):
            continue
        frame = marts.frame(query)
        frame = frame[frame["study"] == study]
        if len(frame):
            first = next(iter(labels(frame, "outcome")))
            found.append(settled(frame[frame["outcome"] == first], main))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _effects(study: str, frame: pd.DataFrame) -> Forest:
    how = effect(frame)
    drawn = with_effect(frame, how).sort_index()
    drawn = drawn.assign(series="settled", q_value=None)
    outcome, model = label(frame, "outcome"), within(label(frame, "covariate_set"))
    return forest(
        drawn,
        name=f"joint-effects-{slug(study)}",
        caption=f"{outcome} and all exposures together (covariates: {model}; "
        f"{within(words(drawn['engine'].iloc[0]))})",
        how_to_read="Each mark compares participants who are one step (a quartile, or other group of the "
        "study) "
        "higher in all exposures, or in an index of them. The line of quantile g-computation is a 95 % "
        "interval; that of an index spans splits of the same participants and is too short.",
        not_shown="Which exposure does it, see the next figure; and exposures that point in opposite "
        "directions cancel in the first row.",
        first="Method",
        how=how,
        axis=how.axis(),
        looks=(Series("settled", Key("adjusted, survey-weighted", BLUE, "square")),),
        notes=left_out(drawn),
    )


def _parts(study: str, frame: pd.DataFrame) -> Figure:
    frame = frame.assign(row=named(frame, "exposure"))
    names = list(labels(frame, "exposure").values())
    panels: list[Panel] = []
    for title, part in frame.groupby("panel", sort=False):
        has_sign = bool(part["has_sign"].all())
        low, high = min(part["value"].min(), 0.0), max(part["value"].max(), 0.0)
        panels.append(
            shares(
                part,
                title=str(title),
                axis_x="share" if has_sign else "posterior inclusion probability",
                rows=names,
                domain_x=(-1.0 if low < 0 else 0.0, 1.0 if high > 0 else 0.0) if has_sign else (0.0, 1.0),
                is_signed=has_sign,
            )
        )
    shown = pd.DataFrame(
        {
            "Method": frame["panel"],
            "Exposure": frame["row"],
            "Value": frame["value"].map(fixed),
        }
    )
    name = f"mixture-parts-{slug(study)}"
    caption = f"Which exposures, by each method ({label(frame, 'outcome')})"
    return Figure(
        name,
        caption,
        "Longer bars stand for exposures that a method gives more of the joint effect, to the right where "
        "they "
        "go with more of the outcome, to the left with less. Inclusion probabilities have no direction; "
        "before "
        "the data each is the model's prior, often 0.5.",
        "How large the joint effect is: shares add up to 1 even where there is none.",
        panels,
        Table(name, caption, shown, stored(frame.rename(columns={"panel": "method"})), 2),
        (
            Key("with more of the outcome", VERMILLION, "bar"),
            Key("with less", BLUE, "bar"),
            Key("no direction", GREY, "bar"),
        ),
        size="wide",
    )


def _overall(study: str, frame: pd.DataFrame) -> Figure:
    drawn = frame.assign(x=100 * frame["quantile"], series="curve")
    how = effect(frame)
    axis = "difference, probit scale" if how.is_ratio else how.scale
    if not how.is_ratio:
        drawn[["value", "low", "high"]] *= how.factor
    panel = curves(
        drawn,
        title="",
        axis_x="all exposures at this percentile",
        axis_y=axis,
        looks=(Series("curve", Key("estimate, 95 % credible band", BLUE, "line")),),
        domain_y=limits(drawn, "value", "low", "high", False, 0.0),
        null=0.0,
        height=220,
    )
    shown = pd.DataFrame(
        {
            "Percentile": drawn["x"].map(lambda value: fixed(value, 0)),
            "Difference": drawn["value"].map(lambda value: fixed(value, 3)),
            "Low": drawn["low"].map(lambda value: fixed(value, 3)),
            "High": drawn["high"].map(lambda value: fixed(value, 3)),
        }
    )
    name = f"mixture-curve-{slug(study)}"
    caption = (
        f"Bayesian kernel machine regression: {within(label(frame, 'outcome'))} and all exposures together"
    )
    return Figure(
        name,
        f"{caption} (covariates: {within(label(frame, 'covariate_set'))}; unweighted)",
        "The outcome with all exposures at a percentile, against all at their medians. A flat line that fits "
        "into the band is compatible with no joint association.",
        "Which exposure does it, and the survey's weights: this method has none here.",
        (panel,),
        Table(name, caption, shown, stored(drawn), 1),
        (Key("estimate, with 95 % credible band", BLUE, "line"),),
        size="wide",
        notes=left_out(drawn, ""),
    )
