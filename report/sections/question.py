"""What was asked, and how to read the rest."""

import pandas as pd

from report.elements import Paragraph, Section
from report.formats import plain, within
from report.labels import COVARIATE_SET, EXPOSURE, OUTCOME, STUDY, chosen, labels, main_models
from report.marts import Marts
from report.sections.common import listed, ordered

_MOST_NAMED = 6
"""More exposures or outcomes than these are counted in the title, not named."""

_ASKED = f"select distinct {STUDY}, {OUTCOME}, {EXPOSURE}, {COVARIATE_SET} from main.associations"
_HOW_TO_READ = (
    Paragraph(
        "Unweighted models treat the women as a simple random sample. Survey-weighted models use the "
        "survey's weights, strata and sampling units, and speak of US women."
    ),
    Paragraph(
        "Intervals are 95 % (credible intervals for BKMR). A q-value is a p-value corrected for "
        "the number of tests of its family (Benjamini and Hochberg). All associations are "
        "cross-sectional: none of them says that an exposure causes or prevents anything."
    ),
)


def section(marts: Marts) -> Section:
    """Return the section: exposures, outcomes, studies and releases."""
    asked = _asked(marts)
    exposures, outcomes = _exposures(asked), _outcomes(asked, marts)
    introduction = f"How are {exposures} related to {outcomes}, in the women whom each study's rules choose?"
    if not marts.missing("cohort_flow"):
        flow = marts.frame("select distinct cycle from main.cohort_flow where cycle != 'all'")
        releases = [plain(cycle) for cycle in ordered(flow["cycle"])]
        introduction += f" The data are NHANES {listed(releases)}." if releases else ""
    return Section("question", "What was asked", introduction, (*_studies(asked, marts), *_HOW_TO_READ))


def _studies(asked: pd.DataFrame, marts: Marts) -> tuple[Paragraph, ...]:
    """Return which studies stand beside each other, what each is, and the covariate sets of their models."""
    if asked.empty:
        return ()
    studies, sets = (labels(asked, code) for code in ("study", "covariate_set"))
    described = _by_code(marts, "study_definitions", "study", "description")
    adjusted_for = _by_code(marts, "covariate_set_definitions", "covariate_set", "covariates")
    return (
        Paragraph(
            f"Studies: {'; '.join(studies.values())}. Each has its own rules, which the section "
            "\N{LEFT DOUBLE QUOTATION MARK}Who is in the analysis\N{RIGHT DOUBLE QUOTATION MARK} lists one "
            "after the other. A section without a study's name holds nothing of it."
        ),
        *(
            Paragraph(f"{title}: {described[study].rstrip('.')}.")
            for study, title in studies.items()
            if study in described
        ),
        Paragraph(
            "Covariate sets, from least to most adjusted: "
            f"{listed(_set_in_words(within(name), adjusted_for.get(code)) for code, name in sets.items())}."
        ),
    )


def _by_code(marts: Marts, mart: str, code: str, column: str) -> dict[str, str]:
    """Return a column of words by code; empty where a database of an older build has no such mart."""
    if marts.missing(mart):
        return {}
    rows = marts.frame(f"select {code}, {column} from main.{mart} where {column} is not null order by all")
    return dict(rows.itertuples(index=False, name=None))


def _set_in_words(name: str, covariates: str | None) -> str:
    """Return a set's name, with its covariates where they say more than the name does."""
    members = [within(member) for member in (covariates or "").split("; ") if member]
    return f"{name} ({', '.join(members)})" if len(members) > 2 else name


def title(marts: Marts) -> str:
    """Return the page's heading."""
    asked = _asked(marts)
    exposures = _exposures(asked)
    return f"{exposures[:1].upper()}{exposures[1:]} in relation to {_outcomes(asked, marts)}"


def sources(marts: Marts) -> str:
    """Return where the numbers were published that are checked; nothing where there are none."""
    if marts.missing("replication"):
        return ""
    found = marts.frame("select distinct published_source from main.replication order by all")
    texts = found["published_source"].dropna().tolist()
    return plain(
        "; ".join(text for text in texts if not any(text != one and text.startswith(one) for one in texts))
    )


def _asked(marts: Marts) -> pd.DataFrame:
    """Return the studies, outcomes, exposures and covariate sets of all models."""
    if marts.missing("associations"):
        columns = ", ".join((STUDY, OUTCOME, EXPOSURE, COVARIATE_SET)).split(", ")
        return pd.DataFrame(columns=columns)
    return marts.frame(_ASKED)


def _exposures(asked: pd.DataFrame) -> str:
    names = [within(name) for name in labels(asked, "exposure").values()]
    return listed(names) if 0 < len(names) <= _MOST_NAMED else f"{len(names) or ''} exposures".strip()


def _outcomes(asked: pd.DataFrame, marts: Marts) -> str:
    main = main_models(marts)
    names = dict.fromkeys(
        within(name)
        for study in labels(asked, "study")
        for name in chosen(asked[asked["study"] == study], "outcome", main).values()
    )
    return listed(names) if 0 < len(names) <= _MOST_NAMED else f"{len(names) or ''} outcomes".strip()
