"""What was asked, and how to read the rest."""

from report.elements import Block, Paragraph, Section
from report.formats import plain
from report.marts import Marts
from report.sections.common import STUDIES, heading, ordered

_TITLE_AND_LEAD = (
    "Blood metals and osteoporosis in postmenopausal women",
    "An NHANES paper (Peng et al. 2025, doi 10.3389/fenvh.2025.1468404), run again from the survey's "
    "public files: does each of its numbers come out, and does it survive adjustment for age and body mass "
    "index, the survey's design, and the number of tests?",
)
_TITLE_AND_LEAD_OF_OTHERS = (
    "Exposures and outcomes in NHANES",
    "From the survey's public files, by rules that are rows: what is associated with what, and does it "
    "survive adjustment, the survey's design, and the number of tests?",
)
_RELEASES = {"2017-2020": "2017 to March 2020"}
_PAPER = (
    "Are lead, cadmium, mercury, selenium and manganese in blood related to osteoporosis, and to bone "
    "mineral density (BMD) by site, in US women past menopause?"
)
_OTHERS = "How are the exposures of each study related to its outcomes, in the women whom its rules choose?"
_DEFINITIONS = Paragraph(
    "Two definitions of the study stand beside each other. \N{LEFT DOUBLE QUOTATION MARK}As in "
    "the paper\N{RIGHT DOUBLE QUOTATION MARK} is the definition whose cohort and crude odds "
    "ratios fall on those that the paper prints; the paper itself does not publish its "
    "covariates, cut points or settings. \N{LEFT DOUBLE QUOTATION MARK}By recommended "
    "definitions\N{RIGHT DOUBLE QUOTATION MARK} asks the same question with osteoporosis as "
    "WHO and ISCD define it and implausible scans removed."
)
_HOW_TO_READ = (
    Paragraph(
        "Unweighted models treat the women as a simple random sample, as the paper does. "
        "Survey-weighted models use the survey's weights, strata and sampling units, and speak of "
        "US women. Covariate sets: crude (none); age and BMI; full (age, race and ethnicity, "
        "education, marital status, BMI, smoking, drinking, diabetes, hypertension)."
    ),
    Paragraph(
        "Intervals are 95 % (credible intervals for BKMR). A q-value is a p-value corrected for "
        "the number of tests of its family (Benjamini and Hochberg). All associations are "
        "cross-sectional: none of them says that a metal causes or prevents anything."
    ),
)


def section(marts: Marts) -> Section:
    """Return the section: the paper's question where the database holds a study of it, and what else."""
    studies, releases = _studies_and_releases(marts)
    named = [_RELEASES.get(release, plain(release)) for release in releases]
    introduction = _PAPER if set(studies) & set(STUDIES) else _OTHERS
    blocks: list[Block] = [_DEFINITIONS] if set(STUDIES) <= set(studies) else []
    if others := [heading(study) for study in studies if study not in STUDIES]:
        blocks.append(
            Paragraph(
                f"Defined by rows of the project's seeds: {', '.join(others)}. Its women, exposures, "
                "outcomes, covariate sets and groups are those under its name in each section; a section "
                "without its name holds nothing of it, as its rows did not ask for it."
            )
        )
    return Section(
        "question",
        "What was asked",
        f"{introduction} The data are NHANES {_listed(named)}.",
        (*blocks, *_HOW_TO_READ),
    )


def title_and_lead(marts: Marts) -> tuple[str, str]:
    """Return the page's heading and what it asks, which names the paper only where its study is there."""
    studies, _ = _studies_and_releases(marts)
    return _TITLE_AND_LEAD if set(studies) & set(STUDIES) else _TITLE_AND_LEAD_OF_OTHERS


def _studies_and_releases(marts: Marts) -> tuple[list[str], list[str]]:
    if marts.missing("cohort_flow"):
        return list(STUDIES), ["2013-2014", "2017-2020"]
    found = marts.frame("select distinct study, cycle from main.cohort_flow where cycle != 'all'")
    return ordered(found["study"], STUDIES), ordered(found["cycle"], ())


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
