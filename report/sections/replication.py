"""The paper's numbers beside ours, and what becomes of them: every claim, every model."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from report.elements import Block, Section, Table, absent, empty
from report.findings import claims_of, together, value_text
from report.formats import fixed, missing, number, plain, probability, words
from report.marts import Marts
from report.sections.common import stored

_TITLE = "The paper's numbers and ours"
_INTRODUCTION = (
    "Each number of the paper's abstract, the same quantity from our nearest model (crude and unweighted: "
    "what the paper calls adjusted behaves as crude; its abstract, which is what the project had, does not "
    "state its covariates, cut points or settings), and what becomes of it when age and BMI, the "
    "survey's design and the number of tests are taken into account."
)
_QUANTITIES = {
    "count": "Counts",
    "odds_ratio": "Odds ratios",
    "standardised_beta": "Coefficients",
    "p_value": "P-values",
}
_SIGNS = {"odds_ratio": "OR", "standardised_beta": "\N{GREEK SMALL LETTER BETA}"}


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section("replication", _TITLE, _INTRODUCTION, _blocks(marts))


def _blocks(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("replication"):
        return (absent(*gone),)
    claims = claims_of(marts)
    return (table(claims),) if len(claims) else (empty("replication"),)


def table(claims: pd.DataFrame) -> Table:
    """Return the replication table: a row per claim."""
    rows = claims.to_dict("records")
    shown = pd.DataFrame(
        {
            "Claim": [item["description"] for item in rows],
            "Paper": [value_text(item, "published") for item in rows],
            "Ours": [value_text(item, "our") for item in rows],
            "Verdict": [words(item["verdict"]) for item in rows],
            "With age and BMI": [_again(item, "age_bmi") for item in rows],
            "Weighted": [_again(item, "weighted") for item in rows],
            "Both": [value_text(item, "weighted_age_bmi") for item in rows],
            "q, crude": [probability(item["our_q_value"]) for item in rows],
        }
    )
    rules = claims[["quantity", "verdict_rule"]].dropna().drop_duplicates()
    agreement = " ".join(
        f"{_QUANTITIES.get(quantity, words(quantity))}: {_sentence(rule)}"
        for quantity, rule in rules.itertuples(index=False, name=None)
    )
    return Table(
        "replication",
        "The paper's numbers, ours, and the verdict",
        shown,
        stored(claims),
        text_columns=tuple(shown.columns),
        notes=(
            f"When two numbers agree. {agreement}",
            "OR: odds ratio; \N{GREEK SMALL LETTER BETA}: standardised coefficient (standard deviations "
            "of the outcome); p: p-value; in brackets the 95 % interval, or the p-value. With age and BMI, "
            "weighted, both: the same quantity from models that take these into account. A finding holds "
            "when it keeps its direction with p < 0.05 in the last of them; the single checks that fail "
            "are named, "
            "multiple testing where its crude q is not below 0.05. What this table does not show: whether "
            "either number is true; agreement only says that "
            "the data and the model were understood.",
            "The odds ratio of a WQS index is the mean over repeated holdouts; its p-value is that of the "
            "permutation test. Weighted, it is not testable: people of a sampling unit cannot be exchanged.",
        ),
        cards=True,
    )


def _again(item: Mapping[Hashable, Any], model: str) -> str:
    value, p = item[f"{model}_value"], item[f"{model}_p_value"]
    if missing(p):
        return number(value, 2)
    if item["quantity"] == "p_value" or missing(value):
        return together("p", probability(p))
    printed = fixed(value) if item["quantity"] == "odds_ratio" else number(value, 2)
    return f"{together(_SIGNS.get(item['quantity'], ''), printed)} ({together('p', probability(p))})"


def _sentence(text: str) -> str:
    text = plain(text)
    return text[:1].lower() + text[1:] + "."
