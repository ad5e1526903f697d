"""What was asked, and how to read the rest."""

from report.elements import Paragraph, Section
from report.marts import Marts


def section(marts: Marts) -> Section:
    """Return the section; it needs no table."""
    return Section(
        "question",
        "What was asked",
        "Are lead, cadmium, mercury, selenium and manganese in blood related to osteoporosis, and to bone "
        "mineral density (BMD) by site, in US women past menopause? The data are NHANES 2013-2014 and "
        "2017 to March 2020.",
        (
            Paragraph(
                "Two definitions of the study stand beside each other. \N{LEFT DOUBLE QUOTATION MARK}As in "
                "the paper\N{RIGHT DOUBLE QUOTATION MARK} is the definition whose cohort and crude odds "
                "ratios fall on those that the paper prints; the paper itself does not publish its "
                "covariates, cut points or settings. \N{LEFT DOUBLE QUOTATION MARK}By recommended "
                "definitions\N{RIGHT DOUBLE QUOTATION MARK} asks the same question with osteoporosis as "
                "WHO and ISCD define it and implausible scans removed."
            ),
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
        ),
    )
