"""The first screen: what was asked of whom, the answer, and what becomes of each finding."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import pandas as pd

from report.charts.style import BLACK, BLUE, GREY, VERMILLION, Series
from report.elements import Answer, Block, Forest, Key, Paragraph, Section, Table, absent
from report.findings import (
    Curve,
    answer,
    certainty,
    claims_of,
    cohorts,
    curves_of,
    releases,
    tick,
    value_text,
)
from report.forests import forest
from report.formats import count, missing, odds, plain, within
from report.labels import labels
from report.marts import Marts
from report.sections.common import Effect, listed, stored
from report.sections.question import sources

_LOOKS = (
    Series("published", Key("The paper", BLACK, "diamond")),
    Series("our", Key("Ours, crude", GREY, "circle")),
    Series("weighted_age_bmi", Key("Ours, adjusted and weighted", BLUE, "square")),
)
_MODELS = """
    with counts as (
        select outcome is null as is_of_all, max(published_value) as n
        from main.replication
        where quantity = 'count'
        group by all
    )

    select
        claim, published_all.n as published_n, published_cases.n as published_events,
        crude.n as our_n, crude.events as our_events, settled.n as weighted_age_bmi_n,
        settled.events as weighted_age_bmi_events
    from main.replication
    left join counts as published_all on published_all.is_of_all
    left join counts as published_cases on not published_cases.is_of_all
    left join main.associations as crude
        on
            replication.study = crude.study and replication.outcome = crude.outcome
            and replication.exposure = crude.exposure and replication.contrast = crude.contrast
            and crude.covariate_set = 'crude' and crude.engine = 'unweighted' and crude.subgroup = 'all'
    left join main.associations as settled
        on
            replication.study = settled.study and replication.outcome = settled.outcome
            and replication.exposure = settled.exposure and replication.contrast = settled.contrast
            and settled.covariate_set = 'age_bmi' and settled.engine = 'survey' and settled.subgroup = 'all'
    where replication.quantity = 'odds_ratio'
"""
_READINGS = """
    select
        replication.description as heading, covariate_set, outcome, associations.outcome_name,
        associations.outcome_order, n, events, ratio as value, ratio_low as low, ratio_high as high,
        p_value, q_value, converged
    from main.replication
    inner join main.associations using (study, outcome, exposure, contrast)
    where
        replication.quantity = 'odds_ratio'
        and associations.engine = 'survey'
        and associations.subgroup = coalesce(replication.subgroup, 'all')
    order by claim_order, associations.covariate_set_order
"""


def section(marts: Marts) -> Section:
    """Return the section: question, people, answer, and a row per finding."""
    claims = claims_of(marts)
    findings = claims[claims["is_finding"].eq(True)] if len(claims) else claims
    blocks: list[Block] = []
    if sentences := answer(claims) if len(claims) else ():
        blocks.append(Answer(sentences))
    if marts.missing("replication"):
        blocks.append(absent("replication"))
    if len(findings):
        blocks.append(table(findings, curves_of(marts, claims)))
    ratios = claims[claims["quantity"] == "odds_ratio"] if len(claims) else claims
    if len(ratios) and not marts.missing("associations"):
        blocks.append(figure(ratios, marts.frame(_MODELS)))
        blocks += readings(marts)
    if len(claims):
        blocks.append(Paragraph(_NOT_KNOWN))
    return Section("findings", "Summary of findings", asked(marts), blocks)


_NOT_KNOWN = (
    "What is not known: the project had the paper's abstract, not its full text. The abstract does not state "
    "covariates, cut points, settings or weights; the nearest model here is crude and unweighted because its "
    "numbers fall on those of the abstract."
)


def asked(marts: Marts) -> str:
    """Return the question, and of whom it is asked."""
    who = cohorts(marts)
    groups = [
        f"{count(item['n'])} participants"
        + ("" if missing(item["cases"]) else f", {count(item['cases'])} cases")
        + f" ({within(item['study_title'])})"
        for item in who.to_dict("records")
    ]
    paper = sources(marts)
    question = (
        f"Question: do the published numbers ({paper}) come out of the public files of NHANES, and do the "
        "findings hold when age, body mass, the survey's design and the number of tests are taken into "
        "account?"
        if paper
        else "Question: what is associated with what, and does it hold when covariates, the survey's "
        "design and "
        "the number of tests are taken into account?"
    )
    people = f" Participants: {'; '.join(groups)}." if groups else ""
    years = releases(marts)
    return question + people + (f" Data: NHANES {listed(years)}." if years else "")


def table(findings: pd.DataFrame, curves: dict[str, Curve]) -> Table:
    """Return what becomes of each finding: a row per finding."""
    rows = findings.to_dict("records")
    sure = [certainty(item, curves.get(item["claim"])) for item in rows]
    shown = pd.DataFrame(
        {
            "Finding": [plain(item["description"]) for item in rows],
            "The paper": [value_text(item, "published") for item in rows],
            "Ours, crude": [_numeric(item, "our") for item in rows],
            "Ours, adjusted and weighted": [
                _numeric(item, "weighted_age_bmi")
                + _HOLDS[None if missing(item["holds"]) else bool(item["holds"])]
                for item in rows
            ],
            "Age, BMI": [tick(item["survives_age_bmi"]) for item in rows],
            "Weights": [tick(item["survives_weighting"]) for item in rows],
            "Many tests": [tick(item["survives_multiple_testing"]) for item in rows],
            "Certainty, and why": [f"{word[:1].upper()}{word[1:]}: {why}" for word, why in sure],
        }
    )
    data = stored(findings).assign(
        certainty=[word for word, _ in sure], certainty_reason=[why for _, why in sure]
    )
    return Table(
        "findings",
        "What becomes of each finding of the paper",
        shown,
        data,
        text_columns=tuple(name for name in shown.columns if name not in TICKED),
        ticked=TICKED,
        notes=(
            "The adjusted and weighted estimate decides whether a finding holds: same direction, p < "
            "0.05. A tick: it "
            "keeps its direction with p < 0.05 with that alone; Many tests: crude q < 0.05. A dash: no "
            "such test "
            "exists. OR: odds ratio, \N{GREEK SMALL LETTER BETA}: standard "
            "deviations of the outcome, with 95 % intervals. Certainty of the direction. High: holds with "
            "q < "
            "0.05, 90 % of the adjusted, weighted specifications on its side and half of them with p < 0.05. "
            "Moderate: holds, 90 % on its side. Low: one of the two. Very low: neither.",
        ),
        cards=True,
        most_rows=len(shown),
    )


_HOLDS = {True: ": holds", False: ": does not hold", None: ""}
TICKED = ("Age, BMI", "Weights", "Many tests")


def _numeric(item: Mapping[Hashable, Any], side: str) -> str:
    """Return a number where there is one, else the words: the appendix has both."""
    has_number = not missing(item.get(f"{side}_value"))
    return value_text({**item, f"{side}_text": None} if has_number else item, side)


def figure(ratios: pd.DataFrame, models: pd.DataFrame) -> Forest:
    """Return the odds ratios of the paper and ours as a forest plot, three rows each.

    Parameters
    ----------
    ratios : pandas.DataFrame
        Claims whose quantity is an odds ratio.
    models : pandas.DataFrame
        Column `claim`, and `n` and `events` of the three models, after `published_`, `our_` and
        `weighted_age_bmi_`.
    """
    wide = ratios.merge(models, on="claim", how="left")
    parts = []
    for look in _LOOKS:
        side = look.code
        names = {f"{side}_{name}": name for name in ("value", "low", "high", "p_value", "n", "events")}
        names |= {f"{side}_q_value": "q_value"}
        part = wide[["claim", "description"]].assign(series=side, row=look.label)
        for column, name in names.items():
            part[name] = wide.get(column)
        parts.append(part)
    drawn = pd.concat(parts, ignore_index=True).sort_values(
        "claim", key=_places(ratios["claim"]), kind="stable"
    )
    drawn["heading"], drawn["converged"] = drawn["description"].map(plain), True
    drawn["said"] = [
        odds(*item) for item in drawn[["value", "low", "high"]].itertuples(index=False, name=None)
    ]
    outcome = listed(map(within, labels(ratios, "outcome").values()))
    return forest(
        drawn,
        name="findings-odds-ratios",
        caption="Odds ratios: the paper, ours crude, ours adjusted and weighted",
        how_to_read="Each mark is an odds ratio against the lowest group of the exposure, its line the 95 % "
        "interval. The paper's and our crude mark should lie together; how far the third lies from them is "
        "what adjustment and weights change. A line that crosses 1 is compatible with no association.",
        not_shown="Whether the exposure causes the outcome: participants were measured once.",
        first="Contrast and model",
        how=Effect(is_ratio=True, outcome=outcome, unit="", factor=1.0),
        axis=f"odds ratio of {outcome}",
        looks=_LOOKS,
    )


def readings(marts: Marts) -> tuple[Block, ...]:
    """Return the weighted odds ratios with and without the last covariate of the model that decides.

    A covariate that the exposure may act on is no confounder: a reader who takes it for a step between
    exposure and outcome reads the model without it. Nothing where no covariate set lacks it alone.
    """
    if marts.missing("covariate_set_definitions"):
        return ()
    sets = marts.frame("select covariate_set, covariates from main.covariate_set_definitions order by all")
    members = {
        code: frozenset(covariates.split("; "))
        for code, covariates in sets.dropna().itertuples(index=False, name=None)
    }
    whole = members.get("age_bmi", frozenset())
    small = next((code for code, own in members.items() if own < whole and len(whole - own) == 1), None)
    if small is None:
        return ()
    (extra,) = map(within, whole - members[small])
    drawn = marts.frame(_READINGS)
    drawn = drawn[drawn["covariate_set"].isin((small, "age_bmi"))]
    if drawn.empty:
        return ()
    look = (
        Series(small, Key(f"without {extra}", VERMILLION, "circle")),
        Series("age_bmi", Key(f"with {extra}", BLUE, "square")),
    )
    names = {item.code: item.label for item in look}
    outcome = listed(map(within, labels(drawn, "outcome").values()))
    drawn = drawn.assign(series=drawn["covariate_set"], row=drawn["covariate_set"].map(names))
    drawn["said"] = [
        odds(*item) for item in drawn[["value", "low", "high"]].itertuples(index=False, name=None)
    ]
    return (
        forest(
            drawn,
            name="findings-readings",
            caption=f"Two readings of {extra}: survey-weighted odds ratios without and with it",
            how_to_read=f"If {extra} is a common cause of exposure and outcome (a confounder), the model "
            "with it is "
            f"the one to read. If the exposure acts on {extra}, which acts on the outcome, it lies on the "
            "path, and "
            "the model with it leaves that part out. Participants measured once cannot tell the two "
            "apart, so both "
            "are shown. Odds ratios of two models may also differ without any confounding.",
            not_shown="Which reading is right.",
            first="Contrast and model",
            how=Effect(is_ratio=True, outcome=outcome, unit="", factor=1.0),
            axis=f"odds ratio of {outcome}",
            looks=look,
        ),
    )


def _places(order: "pd.Series[str]") -> "Callable[[pd.Series[str]], pd.Series[int]]":
    places = {claim: place for place, claim in enumerate(order)}
    return lambda column: column.map(places)
