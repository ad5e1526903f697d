"""The paper's numbers beside ours, and what becomes of them."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from report.charts.axes import limits
from report.charts.forest import forest
from report.charts.style import Series
from report.elements import Block, Figure, Paragraph, Section, Table, absent, empty
from report.formats import (
    NOTHING,
    count,
    fixed,
    interval,
    missing,
    number,
    odds,
    plain,
    probability,
    signed,
    within,
    words,
)
from report.labels import COVARIATE_SET, adjusted, labels, main_models, named
from report.marts import Marts
from report.sections.common import looks, stored

_TITLE = "The paper's numbers and ours"
_INTRODUCTION = (
    "Each number of the paper's abstract, the same quantity from our nearest model (crude and unweighted: "
    "what the paper calls adjusted behaves as crude; its abstract, which is what the project had, does not "
    "state its covariates, cut points or settings), and what becomes of it when age and BMI, the "
    "survey's design and the number of tests are taken into account."
)
_QUERY = "from main.replication order by claim_order"
_MODELS = f"""
    select
        claim,
        associations.study,
        {COVARIATE_SET},
        associations.engine,
        associations.ratio as value,
        associations.ratio_low as low,
        associations.ratio_high as high,
        associations.converged
    from main.replication
    inner join main.associations using (study, outcome, exposure, contrast)
    where
        replication.quantity = 'odds_ratio'
        and associations.subgroup = coalesce(replication.subgroup, 'all')
    order by claim_order, covariate_set_order, associations.engine
"""


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section("replication", _TITLE, _INTRODUCTION, _blocks(marts))


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("replication"):
        return (absent(*gone),)
    claims = marts.frame(_QUERY)
    if claims.empty:
        return (empty("replication"),)
    models = pd.DataFrame() if marts.missing("associations") else marts.frame(_MODELS)
    ratios = claims[claims["quantity"] == "odds_ratio"]
    blocks: list[Block] = [table(claims)]
    if not claims["source"].eq("demo").any():
        blocks.insert(0, in_short(claims))
    if len(ratios):
        blocks.append(figure(ratios, models, main_models(marts)))
    return tuple(blocks)


def in_short(claims: pd.DataFrame) -> Paragraph:
    """Return how many claims come out, and how many findings survive."""
    true = claims.filter(regex="^(agrees|is_|survives_)").eq(True)
    findings = true["agrees"] & true["is_finding"]
    ours = findings & true["is_significant_here"]
    survives = true.loc[ours, ["survives_age_bmi", "survives_weighting", "survives_multiple_testing"]]
    age_bmi, weighting, testing = survives.sum()
    text = (
        f"In short: {true['agrees'].sum()} of {len(claims)} claims come out, in number or in pattern. "
        f"Findings of an association among these: {findings.sum()}; significant in our own model: "
        f"{ours.sum()}."
    )
    if ours.any():
        text += (
            f" Of the {ours.sum()}, {age_bmi} remain with age and BMI, {weighting} with the survey's "
            f"weights, {testing} after correction for the number of tests, and "
            f"{survives.all(axis=1).sum() or 'none'} through all three."
        )
    return Paragraph(text)


def table(claims: pd.DataFrame) -> Table:
    """Return the replication table: a row per claim."""
    rows = claims.to_dict("records")
    shown = pd.DataFrame(
        {
            "Claim": [item["description"] for item in rows],
            "Paper": [_value(item, "published") for item in rows],
            "Ours": [_value(item, "our") for item in rows],
            "Verdict": [words(item["verdict"]) for item in rows],
            "With age and BMI": [_again(item, "age_bmi") for item in rows],
            "Weighted": [_again(item, "weighted") for item in rows],
            "Both": [_again(item, "weighted_age_bmi") for item in rows],
            "q": [probability(item["our_q_value"]) for item in rows],
        }
    )
    rules = claims[["quantity", "verdict_rule"]].dropna().drop_duplicates()
    agreement = " ".join(
        f"{_QUANTITIES.get(quantity, words(quantity))}: {_sentence(rule)}"
        for quantity, rule in rules.itertuples(index=False, name=None)
    )
    return Table(
        "replication",
        "Table: the paper's numbers, ours, and the verdict",
        shown,
        stored(claims),
        text_columns=tuple(shown.columns),
        notes=(
            f"When two numbers agree. {agreement}",
            "OR: odds ratio; \N{GREEK SMALL LETTER BETA}: standardised coefficient (standard deviations "
            "of the outcome); p: p-value; in brackets the 95 % interval, or the p-value. With age and BMI, "
            "weighted, both: the same quantity from models that take these into account. A finding survives "
            "when it keeps its direction with p < 0.05, and it survives multiple testing when its q is below "
            "0.05. What this table does not show: whether either number is true; agreement only says that "
            "the data and the model were understood.",
            "The odds ratio of a WQS index is the mean over repeated holdouts; its p-value is that of the "
            "permutation test. Weighted, it is not testable: people of a sampling unit cannot be exchanged.",
        ),
        cards=True,
    )


def figure(ratios: pd.DataFrame, models: pd.DataFrame, main: pd.DataFrame) -> Figure:
    """Return the odds ratios of the paper and ours as a forest plot.

    Parameters
    ----------
    ratios : pandas.DataFrame
        Claims whose quantity is an odds ratio.
    models : pandas.DataFrame
        Columns `claim`, `study`, the covariate set with its label and order, `engine`, `value`, `low`,
        `high`, `converged`: the same contrasts from all models.
    main : pandas.DataFrame
        The models that studies single out.
    """
    others, legend = _other_models(models, main)
    drawn = pd.concat([_side(ratios, "published"), _side(ratios, "our"), others], ignore_index=True)
    names = dict(zip(ratios["claim"], named(ratios, "exposure") + " " + ratios["contrast"], strict=True))
    drawn["row"] = drawn["claim"].map(names)
    drawn["said"] = [
        odds(*item) for item in drawn[["value", "low", "high"]].itertuples(index=False, name=None)
    ]
    look = looks({"published": "The paper", "our": "Ours: crude, unweighted", **legend})
    outcomes = list(labels(ratios, "outcome").values())
    panel = forest(
        drawn,
        title="",
        axis_title=f"odds ratio of {' or '.join(map(within, outcomes))} (logarithmic)",
        rows=[names[claim] for claim in ratios["claim"]],
        looks=look,
        domain=limits(drawn, "value", "low", "high", True, 1.0),
        logarithmic=True,
        null=1.0,
    )
    return Figure(
        "replication-odds-ratios",
        "Figure: odds ratios of the paper beside ours",
        "Each mark is an odds ratio against the lowest group of the exposure, its line the 95 % interval; a "
        "line that crosses the dashed 1 is compatible with no association. The first two marks of a row "
        "should lie close together.",
        "Whether the exposure causes the outcome: the women were measured once, and age and body mass may be "
        "related to both.",
        (panel,),
        _numbers(drawn, look),
        [item.key for item in look],
        size="wide",
    )


def _other_models(models: pd.DataFrame, main: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the unweighted adjusted models and the weighted crude ones, and what a legend calls each.

    Crude is the first covariate set of the study, adjusted what `report.labels.adjusted` says.
    """
    parts, names = [], set()
    for _, own in models.groupby("study", sort=False) if len(models) else ():
        sets = labels(own, "covariate_set")
        crude, more = next(iter(sets)), adjusted(own, main)
        names.add(within(sets[more]))
        is_adjusted = (own["covariate_set"] == more) & (own["engine"] == "unweighted")
        is_weighted = (own["covariate_set"] == crude) & (own["engine"] == "survey")
        parts += [own[is_adjusted].assign(series="adjusted"), own[is_weighted].assign(series="survey")]
    if not parts:
        return pd.DataFrame(), {}
    return pd.concat(parts), {
        "adjusted": f"Ours: adjusted for {' or '.join(sorted(names))}",
        "survey": "Ours: crude, survey-weighted",
    }


def _side(ratios: pd.DataFrame, side: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "claim": ratios["claim"],
            "series": side,
            "value": ratios[f"{side}_value"],
            "low": ratios[f"{side}_low"],
            "high": ratios[f"{side}_high"],
            "converged": True,
        }
    )


def _numbers(drawn: pd.DataFrame, look: tuple[Series, ...]) -> Table:
    models = {item.code: item.label for item in look}
    data = drawn[["claim", "row", "series", "value", "low", "high"]]
    shown = pd.DataFrame(
        {
            "Contrast": drawn["row"],
            "Model": drawn["series"].map(models),
            "Odds ratio (95 % interval)": drawn["said"],
        }
    )
    return Table("replication-odds-ratios", "Odds ratios of the paper and ours", shown, data, 2)


_QUANTITIES = {
    "count": "Counts",
    "odds_ratio": "Odds ratios",
    "standardised_beta": "Coefficients",
    "p_value": "P-values",
}
_SIGNS = {"odds_ratio": "OR", "standardised_beta": "\N{GREEK SMALL LETTER BETA}"}


def _value(item: Mapping[Hashable, Any], side: str) -> str:
    quantity, value, text = item["quantity"], item[f"{side}_value"], item[f"{side}_text"]
    if not missing(text):
        return signed(plain(text))
    if missing(value):
        return NOTHING
    if quantity == "count":
        return count(value)
    if quantity == "p_value":
        return _together("p", probability(value))
    ends = item[f"{side}_low"], item[f"{side}_high"]
    printed = odds(value, *ends) if quantity == "odds_ratio" else interval(value, *ends)
    estimate, *between = printed.split(" (")
    text = " ".join(
        [_together(_SIGNS.get(quantity, ""), estimate), *(f"({_together(*part.split())}" for part in between)]
    )
    p = item[f"{side}_p_value"]
    return text if missing(p) else f"{text}, {_together('p', probability(p))}"


def _again(item: Mapping[Hashable, Any], model: str) -> str:
    value, p = item[f"{model}_value"], item[f"{model}_p_value"]
    if missing(p):
        return number(value, 2)
    if item["quantity"] == "p_value" or missing(value):
        return _together("p", probability(p))
    printed = fixed(value) if item["quantity"] == "odds_ratio" else number(value, 2)
    return f"{_together(_SIGNS.get(item['quantity'], ''), printed)} ({_together('p', probability(p))})"


def _together(*parts: str) -> str:
    """Join what a line break must not part."""
    return "\N{NO-BREAK SPACE}".join(part for part in parts if part)


def _sentence(text: str) -> str:
    text = plain(text)
    return text[:1].lower() + text[1:] + "."
