"""How the exposures are distributed, and how many values lie below the limit of detection."""

import pandas as pd

from report.charts.histogram import histogram
from report.charts.style import BLUE, ORANGE, Series
from report.elements import Block, Figure, Heading, Key, Section, Table, absent, empty
from report.formats import count, fixed, number, unit
from report.labels import EXPOSURE, STUDY, labels, named
from report.marts import Marts
from report.sections.common import concentration, group, slug, stored

# Bins of a quarter of a doubling, less where an exposure spans few doublings; values below detection, all
# set to LOD / sqrt(2), are counted apart.
_BINS = """
    with spans as (
        select
            study,
            exposure,
            case
                when max(log2_value) - min(log2_value) < 2 then 16
                when max(log2_value) - min(log2_value) < 5 then 8
                else 4
            end as bins_per_doubling
        from main.cohort_exposures
        group by all
    )

    select
        study,
        exposure,
        case when below_detection then 'below' else 'detected' end as series,
        power(2, floor(log2_value * bins_per_doubling) / bins_per_doubling) as low,
        power(2, (floor(log2_value * bins_per_doubling) + 1) / bins_per_doubling) as high,
        count(*) as n
    from main.cohort_exposures
    inner join spans using (study, exposure)
    group by all
    order by all
"""
_SUMMARY = f"""
    select
        {STUDY},
        {EXPOSURE},
        count(*) as n,
        count(*) filter (where below_detection) as below_detection,
        100.0 * count(*) filter (where below_detection) / count(*) as percent_below_detection,
        exp(avg(ln_value)) as geometric_mean,
        min(value) as minimum,
        quantile_cont(value, 0.25) as percentile_25,
        median(value) as median,
        quantile_cont(value, 0.75) as percentile_75,
        quantile_cont(value, 0.95) as percentile_95,
        max(value) as maximum
    from main.cohort_exposures
    group by all
    order by study_order, exposure_order
"""
_CORRELATIONS = """
    with ranked as (
        select study, exposure, seqn, rank() over (partition by study, exposure order by value) as place,
            count(*) over (partition by study, exposure, value) as ties
        from main.cohort_exposures
    ),

    scored as (
        select study, exposure, seqn, place + (ties - 1) / 2 as score from ranked
    )

    select one.study, one.exposure, other.exposure as other_exposure, corr(one.score, other.score) as spearman
    from scored as one
    inner join scored as other using (study, seqn)
    where one.exposure < other.exposure
    group by all
    order by all
"""
_CUTS = "select study, exposure, cut_point from main.exposure_cut_points order by all"
_LOOKS = (
    Series("detected", Key("measured", BLUE, "bar")),
    Series("below", Key("below the limit of detection (set to LOD / \N{SQUARE ROOT}2)", ORANGE, "bar")),
)


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "exposures",
        "The exposures",
        "How the exposures of a study are distributed among the women analysed, where their groups are cut, "
        "and how many values lie below the limit of detection (LOD).",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("cohort_exposures"):
        return (absent(*gone),)
    bins, summary = marts.frame(_BINS), marts.frame(_SUMMARY)
    none = pd.DataFrame(columns=["study", "exposure", "cut_point"])
    cuts = none if marts.missing("exposure_cut_points") else marts.frame(_CUTS)
    blocks: list[Block] = []
    for study, title in labels(summary, "study").items():
        own = [frame[frame["study"] == study] for frame in (bins, summary, cuts)]
        blocks += [Heading(title), figure(study, *own)]
    return tuple(blocks)


def brief(marts: Marts, study: str) -> tuple[Block, ...]:
    """Return distributions and correlations of the exposures of one study."""
    if gone := marts.missing("cohort_exposures"):
        return (absent(*gone),)
    none = pd.DataFrame(columns=["study", "exposure", "cut_point"])
    cuts = none if marts.missing("exposure_cut_points") else marts.frame(_CUTS)
    own = [frame[frame["study"] == study] for frame in (marts.frame(_BINS), marts.frame(_SUMMARY), cuts)]
    if own[1].empty:
        return (empty("cohort_exposures"),)
    drawn, pairs = figure(study, *own), marts.frame(_CORRELATIONS)
    pairs = pairs[pairs["study"] == study]
    return (drawn, *((correlations(study, pairs, own[1]),) if len(pairs) else ()))


def correlations(study: str, pairs: pd.DataFrame, summary: pd.DataFrame) -> Table:
    """Return Spearman's correlations of the exposures, a row and a column per exposure."""
    names = labels(summary, "exposure")
    values = {(one, other): value for _, one, other, value in pairs.itertuples(index=False, name=None)}
    shown = pd.DataFrame({"Exposure": list(names.values())[1:]})
    for place, (code, name) in enumerate(list(names.items())[:-1]):
        shown[name] = [
            fixed(values.get((code, other), values.get((other, code)))) if row >= place else ""
            for row, other in enumerate(list(names)[1:])
        ]
    return Table(
        f"correlations-{slug(study)}",
        "Correlations of the exposures (Spearman, unweighted)",
        shown,
        pairs,
        notes=("Exposures that go together cannot be told apart well by any mixture method.",),
    )


def figure(study: str, bins: pd.DataFrame, summary: pd.DataFrame, cuts: pd.DataFrame) -> Figure:
    """Return the distributions of one study, a panel per exposure.

    Parameters
    ----------
    study : str
        Code, for the figure's name.
    bins : pandas.DataFrame
        Columns `exposure`, `series`, `low`, `high`, `n`.
    summary : pandas.DataFrame
        A row per exposure: labels, numbers, non-detects, percentiles.
    cuts : pandas.DataFrame
        Columns `exposure`, `cut_point`.
    """
    groups = group(int(cuts.groupby("exposure").size().max()) + 1) if len(cuts) else "group"
    return Figure(
        f"exposures-{slug(study)}",
        "Distribution of the exposures",
        f"Bars count women by concentration, on a logarithmic axis; dashed lines part each {groups} from the "
        "next.",
        "How the exposures go together, and how exposure was in the past: one sample reflects days to "
        "months, depending on the substance.",
        [
            histogram(
                bins[bins["exposure"] == exposure],
                title=title,
                axis_x=concentration(summary[summary["exposure"] == exposure]),
                looks=_LOOKS,
                cuts=cuts.loc[cuts["exposure"] == exposure, "cut_point"].tolist(),
            )
            for exposure, title in labels(summary, "exposure").items()
        ],
        _numbers(study, summary),
        [*(look.key for look in _LOOKS), Key(f"cut points of each {groups}", "#222222", "dashed")],
    )


def _numbers(study: str, summary: pd.DataFrame) -> Table:
    shown = pd.DataFrame(
        {
            "Exposure": named(summary, "exposure"),
            "Unit": summary["exposure_unit"].map(unit),
            "Women": summary["n"].map(count),
            "Below LOD": summary["below_detection"].map(count),
            "%": summary["percent_below_detection"].map(lambda value: fixed(value, 1)),
            "Geometric mean": summary["geometric_mean"].map(number),
            "Lowest": summary["minimum"].map(number),
            "25 %": summary["percentile_25"].map(number),
            "Median": summary["median"].map(number),
            "75 %": summary["percentile_75"].map(number),
            "95 %": summary["percentile_95"].map(number),
            "Highest": summary["maximum"].map(number),
        }
    )
    data = stored(summary).assign(unit=summary["exposure_unit"])
    return Table(f"exposures-{slug(study)}", "Concentrations, unweighted", shown, data, 1, ("Unit",))
