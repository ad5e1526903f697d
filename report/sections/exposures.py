"""How the exposures are distributed, and how many values lie below the limit of detection."""

from collections.abc import Mapping, Sequence

import pandas as pd

from report.charts.histogram import histogram
from report.charts.style import BLUE, ORANGE, Series
from report.elements import Block, Figure, Heading, Key, Panel, Section, Table, absent
from report.formats import count, fixed, number, plain, words
from report.marts import Marts
from report.sections.common import METALS, STUDIES, blood, group, heading, ordered, slug, units

# Bins of a quarter of a doubling, less where a metal spans few doublings; values below detection, all set to
# LOD / sqrt(2), are counted apart.
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
_SUMMARY = """
    select
        study,
        exposure,
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
        "The exposures in blood",
        "How the metals, and other exposures of a study, are distributed among the women analysed, where "
        "their groups are cut, and how many values lie below the limit of detection (LOD).",
        _blocks(marts),
    )


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("cohort_exposures"):
        return (absent(*gone),)
    bins, summary = marts.frame(_BINS), marts.frame(_SUMMARY)
    none = pd.DataFrame(columns=["study", "exposure", "cut_point"])
    cuts = none if marts.missing("exposure_cut_points") else marts.frame(_CUTS)
    blocks: list[Block] = []
    for study in ordered(summary["study"], STUDIES):
        blocks += [
            Heading(heading(study)),
            figure(
                study,
                bins[bins["study"] == study],
                summary[summary["study"] == study],
                cuts[cuts["study"] == study],
                units(marts),
            ),
        ]
    return tuple(blocks)


def figure(
    study: str, bins: pd.DataFrame, summary: pd.DataFrame, cuts: pd.DataFrame, units_of: Mapping[str, str]
) -> Figure:
    """Return the distributions of one study, a panel per metal.

    Parameters
    ----------
    bins : pandas.DataFrame
        Columns `exposure`, `series`, `low`, `high`, `n`.
    summary : pandas.DataFrame
        A row per exposure: numbers, non-detects, percentiles.
    cuts : pandas.DataFrame
        Columns `exposure`, `cut_point`.
    units_of : mapping
        Unit by exposure.
    """
    metals = ordered(summary["exposure"], METALS)
    groups = group(int(cuts.groupby("exposure").size().max()) + 1) if len(cuts) else "group"
    return Figure(
        f"exposures-{slug(study)}",
        "Figure: distribution of the exposures",
        f"Bars count women by concentration, on a logarithmic axis; dashed lines part each {groups} from the "
        "next.",
        "How the exposures go together, and how exposure was in the past: blood tells of recent months for "
        "most metals, of days for cotinine.",
        [_panel(metal, bins, cuts, blood(metal, units_of)) for metal in metals],
        _numbers(study, summary, units_of, metals),
        [*(look.key for look in _LOOKS), Key(f"cut points of each {groups}", "#222222", "dashed")],
    )


def _panel(metal: str, bins: pd.DataFrame, cuts: pd.DataFrame, axis: str) -> Panel:
    return histogram(
        bins[bins["exposure"] == metal],
        title=words(metal),
        axis_x=axis,
        looks=_LOOKS,
        cuts=cuts.loc[cuts["exposure"] == metal, "cut_point"].tolist(),
    )


def _numbers(study: str, summary: pd.DataFrame, units_of: Mapping[str, str], metals: Sequence[str]) -> Table:
    data = (
        summary.assign(unit=summary["exposure"].map(units_of))
        .set_index("exposure")
        .loc[list(metals)]
        .reset_index()
    )
    shown = pd.DataFrame(
        {
            "Exposure": data["exposure"].map(words),
            "Unit": data["unit"].map(plain),
            "Women": data["n"].map(count),
            "Below LOD": data["below_detection"].map(count),
            "%": data["percent_below_detection"].map(lambda value: fixed(value, 1)),
            "Geometric mean": data["geometric_mean"].map(number),
            "Lowest": data["minimum"].map(number),
            "25 %": data["percentile_25"].map(number),
            "Median": data["median"].map(number),
            "75 %": data["percentile_75"].map(number),
            "95 %": data["percentile_95"].map(number),
            "Highest": data["maximum"].map(number),
        }
    )
    return Table(f"exposures-{slug(study)}", "Concentrations in blood, unweighted", shown, data, 1, ("Unit",))
