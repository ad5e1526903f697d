"""An analyst who knows nothing of the generator finds what `demo.truth` says is there."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from demo import TRUE_EFFECTS
from demo.generate import draw_release
from demo.release import read_releases
from warehouse.paths import PROJECT_ROOT

SITES = ["DXXOFBMD", "DXXNKBMD", "DXXTRBMD", "DXXINBMD", "DXXWDBMD", "DXXOSBMD", "DXXL1BMD", "DXXL4BMD"]
BASE = ["log2_Cd", "log2_Se", "RIDAGEYR", "BMXBMI"]


def linear(frame: pd.DataFrame, outcome: str, terms: list[str]):
    return sm.OLS(frame[outcome], sm.add_constant(frame[terms])).fit()


def logistic(frame: pd.DataFrame, terms: list[str]):
    return sm.Logit(frame["osteoporosis"], sm.add_constant(frame[terms])).fit(disp=0)


def test_cohort_has_the_size_and_prevalence_of_the_study(cohort: pd.DataFrame) -> None:
    assert 850 <= len(cohort) <= 960
    assert 0.155 <= cohort["osteoporosis"].mean() <= 0.205
    assert cohort["DXXNKBMD"].mean() == pytest.approx(0.716, abs=0.02)
    assert cohort["DXXOSBMD"].mean() == pytest.approx(0.948, abs=0.03)


@pytest.mark.parametrize("site", SITES)
def test_density_is_as_true_within_three_standard_errors(site: str, cohort: pd.DataFrame) -> None:
    fit = linear(cohort, site, BASE)
    truth = TRUE_EFFECTS[site]
    for term, value in (("log2_Cd", truth.cadmium), ("log2_Se", truth.selenium)):
        assert abs(fit.params[term] - value) < 3 * fit.bse[term]
        assert fit.pvalues[term] < 0.05
    with_race = cohort.assign(black=cohort["RIDRETH3"] == 4.0, asian=cohort["RIDRETH3"] == 6.0)
    with_race = with_race.astype({"black": float, "asian": float})
    fit = linear(with_race, site, [*BASE, "black", "asian"])
    for term, value in (("RIDAGEYR", truth.year_woman), ("BMXBMI", truth.bmi)):
        assert abs(fit.params[term] - value) < 3 * fit.bse[term]


@pytest.mark.parametrize("metal", ["Pb", "Hg", "Mn"])
@pytest.mark.parametrize("site", ["DXXOFBMD", "DXXNKBMD", "DXXOSBMD"])
def test_the_other_metals_do_nothing(metal: str, site: str, cohort: pd.DataFrame) -> None:
    frame = cohort.assign(
        black=(cohort["RIDRETH3"] == 4).astype(float), asian=(cohort["RIDRETH3"] == 6).astype(float)
    )
    fit = linear(frame, site, [*BASE, "black", "asian", f"log2_{metal}"])
    assert abs(fit.params[f"log2_{metal}"]) < 3 * fit.bse[f"log2_{metal}"]


@pytest.mark.parametrize(("metal", "sign"), [("Cd", 1), ("Se", -1)])
def test_odds_have_the_right_sign_crude_and_adjusted(metal: str, sign: int, cohort: pd.DataFrame) -> None:
    term = f"log2_{metal}"
    for terms in ([term], [term, "RIDAGEYR", "BMXBMI"], BASE):
        fit = logistic(cohort, terms)
        assert sign * fit.params[term] > 0
        assert fit.pvalues[term] < 0.05


def test_a_part_of_the_crude_odds_of_cadmium_is_confounding(cohort: pd.DataFrame) -> None:
    crude = logistic(cohort, ["log2_Cd"]).params["log2_Cd"]
    adjusted = logistic(cohort, ["log2_Cd", "RIDAGEYR", "BMXBMI"]).params["log2_Cd"]
    assert 0.10 < 1 - adjusted / crude < 0.45


def test_the_documentation_states_the_same_truth() -> None:
    text = (PROJECT_ROOT / "docs" / "demo-data.md").read_text()
    rows = [line.split("|")[2:-1] for line in text.splitlines() if "| DXX" in line]
    assert len(rows) == 6
    for variables, *numbers in rows:
        truth = TRUE_EFFECTS[variables.split(",")[0].strip()]
        assert [float(number) for number in numbers] == [
            truth.cadmium,
            truth.selenium,
            truth.year_woman,
            truth.bmi,
        ]


@pytest.mark.statistical
def test_over_many_populations_there_is_no_bias_and_a_quarter_is_confounding(
    make_cohort: Callable[[dict[str, pd.DataFrame]], pd.DataFrame],
) -> None:
    pooled = []
    for seed in range(8):
        drawn = {}
        for release in read_releases():
            for part in draw_release(release, people=release.people, seed=seed):
                drawn[release.files[part.component]] = pd.DataFrame(part.columns)[part.rows]
        pooled.append(make_cohort(drawn))
    sizes = [len(frame) for frame in pooled]
    assert 850 < np.mean(sizes) < 940
    together = pd.concat(pooled, ignore_index=True)
    assert together["osteoporosis"].mean() == pytest.approx(0.18, abs=0.012)
    for site in SITES:
        fit = linear(together, site, BASE)
        assert abs(fit.params["log2_Cd"] - TRUE_EFFECTS[site].cadmium) < 3.5 * fit.bse["log2_Cd"]
        assert abs(fit.params["log2_Se"] - TRUE_EFFECTS[site].selenium) < 3.5 * fit.bse["log2_Se"]
    crude = logistic(together, ["log2_Cd"]).params["log2_Cd"]
    adjusted = logistic(together, ["log2_Cd", "RIDAGEYR", "BMXBMI"]).params["log2_Cd"]
    assert 1 - adjusted / crude == pytest.approx(0.25, abs=0.06)
