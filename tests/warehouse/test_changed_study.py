"""docs/change-the-study.md is true: another study is a file and a third release rows, not SQL or Python."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyreadstat
import pytest

from demo.generate import write_demo_files
from tests.support.opened_page import Opened
from tests.warehouse.support.builds import newcomers_copy, type_in
from tests.warehouse.support.changed_project import BUILD, make_custom, write_third_release

PEOPLE = 9_000
YEARS = {"2009-2010": 2, "2013-2014": 2, "2017-2020": 3.2}
CYCLES = {"_F": "2009-2010", "_H": "2013-2014", "P_": "2017-2020"}
MENOPAUSE = {"2009-2010": (7,), "2013-2014": (3, 7), "2017-2020": (3, 7)}
COTININE_LIMIT = 0.015
DESIGN = ("SDMVSTRA", "SDMVPSU")
FEWER_TESTS = "--exclude test_type:unit test_name:not_null test_name:relationships"


@dataclass(frozen=True)
class Changed:
    """The warehouse of the changed project, the people of its files, one row each, and its copy."""

    query: Callable[[str], list[tuple]]
    people: pd.DataFrame
    checkout: Path

    def table(self, query: str) -> dict:
        """Return rows as first columns to last column."""
        return {row[:-1] if len(row) > 2 else row[0]: row[-1] for row in self.query(query)}


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Changed]:
    home = tmp_path_factory.mktemp("home")
    checkout, files = newcomers_copy(home / "nhanes-bone"), home / "files"
    write_demo_files(files, people=PEOPLE)
    frames = {path.stem: pyreadstat.read_xport(path)[0] for path in files.rglob("*.XPT")}
    frames |= write_third_release(files, frames)
    make_custom(checkout, home)
    type_in(checkout, "DBT_PROJECT_DIR=~/custom .venv/bin/python -m ingest directory ~/files", HOME=str(home))
    (checkout / "data" / "current").symlink_to("nhanes")  # as after `make build`
    type_in(checkout, f"{BUILD} {FEWER_TESTS}", HOME=str(home))
    warehouse = checkout / "data" / "nhanes" / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        yield Changed(lambda query: connection.execute(query).fetchall(), united(frames), checkout)


def united(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Join the files by person without any of the warehouse's SQL, names as in the files."""
    releases = []
    for mark, cycle in CYCLES.items():
        own = [frame for name, frame in frames.items() if name.startswith(mark) or name.endswith(mark)]
        own.sort(key=lambda frame: "RIAGENDR" not in frame)
        person = own[0]
        for frame in own[1:]:
            person = person.merge(frame, on="SEQN", how="left", validate="1:1")
        releases.append(person.assign(cycle=cycle))
    return pd.concat(releases, ignore_index=True)


def steps(people: pd.DataFrame) -> list[pd.Series]:
    """Who passes each rule of the study of the page, in its order."""
    reason = people["RHD042"].fillna(people["RHD043"])
    reasons = people["cycle"].map(MENOPAUSE)
    never, former = people["SMQ020"] == 2, (people["SMQ020"] == 1) & (people["SMQ040"] == 3)
    return [
        people["RIAGENDR"] == 2,
        people["RIDAGEYR"] >= 60,
        people["RIDSTATR"] == 2,
        pd.Series([value in among for value, among in zip(reason, reasons, strict=True)], people.index),
        never | former,
        people[["LBXBPB", "LBXBCD", "LBXTHG", "LBXCOT"]].notna().all(axis=1),
        (people["DXAFMRST"] == 1) & people["DXXNKBMD"].between(0.2, 2),
    ]


def members(people: pd.DataFrame) -> pd.DataFrame:
    return people[np.logical_and.reduce(steps(people))]


def measured_women(people: pd.DataFrame) -> pd.DataFrame:
    """Return those whose Ward's triangle is plausible."""
    women = members(people)
    return women[(women["DXAFMRST"] == 1) & women["DXXWDBMD"].between(0.1, 2)]


def test_women_are_those_counted_in_the_files(changed):
    found = changed.table("select cycle, step, n from cohort_flow where study = 'custom' and cycle != 'all'")
    left = changed.people
    expected = {(cycle, 0): n for cycle, n in left["cycle"].value_counts().items()}
    passed = pd.Series(True, left.index)
    for number, condition in enumerate(steps(left), start=1):
        passed &= condition
        for cycle in YEARS:
            expected[cycle, number] = int(passed[left["cycle"] == cycle].sum())
    assert found == expected
    assert all(found[cycle, 7] > 20 for cycle in YEARS)
    cohort = {seqn for (seqn,) in changed.query("select seqn from cohort where study = 'custom'")}
    assert cohort == set(members(left)["SEQN"].astype(int))


def test_a_study_of_selenium_loses_the_release_without_it(changed):
    flow = changed.table("select cycle, rule, n from cohort_flow where study = 'recommended'")
    assert flow["2009-2010", "postmenopausal"] > 100
    assert flow["2009-2010", "metals_measured"] == 0
    assert flow["2013-2014", "osteoporosis_known"] > 20
    measured = changed.table("""
        select exposure, count(distinct cycle) from intermediate.int_exposures group by exposure
    """)
    assert measured == {"Pb": 3, "Cd": 3, "Hg": 3, "cotinine": 3, "Se": 2, "Mn": 2}


def test_releases_count_by_their_years(changed):
    weights = {"2009-2010": "WTMEC2YR", "2013-2014": "WTMEC2YR", "2017-2020": "WTMECPRP"}
    found = changed.table("select cycle, sum(exam_weight) from participants group by cycle")
    for cycle, column in weights.items():
        released = changed.people.loc[changed.people["cycle"] == cycle, column].sum()
        assert found[cycle] == pytest.approx(released * YEARS[cycle] / sum(YEARS.values()), rel=1e-9)


def test_everybody_of_the_third_release_was_analysed_for_metals(changed):
    """Its weight of blood metals is that of the examination; 2013-2014 has a subsample."""
    rows = changed.table("""
        select cycle, bool_and(blood_metals_weight is not distinct from exam_weight)
        from participants group by cycle
    """)
    assert rows == {"2009-2010": True, "2013-2014": False, "2017-2020": True}


def test_degrees_of_freedom_are_those_of_the_releases_of_a_study(changed):
    """A release that a study cannot use gives it none: 79 units less 39 strata and one exposure are 39."""
    women = measured_women(changed.people)
    units, strata = (len(women[list(names)].drop_duplicates()) for names in (DESIGN, DESIGN[:1]))
    assert strata == 15 + 15 + 24
    found = changed.query("""
        select distinct study, exposure, df from associations
        where engine = 'survey' and covariate_set = 'crude' and contrast = 'per_doubling' and subgroup = 'all'
            and outcome in ('bmd_wards_triangle', 'bmd_total_femur') and exposure in ('cotinine', 'Se')
    """)
    assert sorted(found) == [("custom", "cotinine", units - strata - 1), ("recommended", "Se", 39)]


def test_codes_that_were_renamed_keep_their_meaning(changed):
    """Code 7 of RHD042 joins menopause and hysterectomy; OSQ070 is the question that became OSQ072."""
    people = changed.people[changed.people["cycle"] == "2009-2010"]
    seven = people[people["RHD042"] == 7]
    found = changed.table("""
        select menopause_or_hysterectomy, menopause_natural, count(*) from intermediate.int_menopause
        where cycle = '2009-2010' and no_period_in_12_months group by all
    """)
    assert found[True, True] == (seven["RHD280"] == 2).sum() > 0
    assert found[True, False] == seven["RHD280"].isin((1, 7, 9)).sum() > 0
    treated = changed.query("""
        select count(*) from participants where cycle = '2009-2010' and treated_osteoporosis
    """)
    assert treated == [(((people["OSQ070"] == 1) & (people["OSQ060"] != 2)).sum(),)]


def test_estimates_of_the_new_exposure_and_outcome_are_right(changed):
    """Ward's triangle on the doublings of cotinine: least squares from the files."""
    women = measured_women(changed.people)
    cotinine = women["LBXCOT"].mask(women["LBDCOTLC"] == 1, COTININE_LIMIT / np.sqrt(2))
    matrix = np.column_stack([np.ones(len(women)), np.log2(cotinine)])
    expected, *_ = np.linalg.lstsq(matrix, women["DXXWDBMD"].to_numpy(), rcond=None)
    ((estimate, n),) = changed.query("""
        select estimate, n from associations
        where study = 'custom' and outcome = 'bmd_wards_triangle' and exposure = 'cotinine'
            and subgroup = 'all' and covariate_set = 'crude' and engine = 'unweighted'
            and contrast = 'per_doubling'
    """)
    assert n == len(women)
    assert estimate == pytest.approx(expected[1], rel=1e-7)


def test_the_names_of_its_file_are_in_the_tables(changed):
    found = changed.query("""
        select distinct
            study_title, study_order, outcome_name, outcome_order, outcome_unit, outcome_kind, exposure_name,
            exposure_short_name, exposure_order, exposure_unit, covariate_set_name, covariate_set_order
        from associations
        where study = 'custom' and outcome = 'bmd_wards_triangle' and exposure = 'cotinine'
            and covariate_set = 'age_income'
    """)
    assert found == [
        (
            *("Cotinine, cadmium and Ward's triangle", 2),
            *("Ward's triangle BMD", 3, "g/cm2", "continuous"),
            *("Serum cotinine", "Cotinine", 6, "ng/mL"),
            *("Age, income and physical activity", 2),
        )
    ]


def test_every_model_of_the_study_is_fitted(changed):
    found = changed.query("""
        select exposure, covariate_set, engine, list(contrast order by contrast), bool_and(converged)
        from associations
        where study = 'custom' and outcome = 'bmd_wards_triangle' and subgroup = 'all' group by all
    """)
    contrasts = ["Q2", "Q3", "Q4", "Q5", "per_doubling", "trend_median", "trend_score"]
    assert sorted(found) == [
        (exposure, covariates, engine, contrasts, True)
        for exposure in ("Cd", "Hg", "Pb", "cotinine")
        for covariates in ("age_income", "crude")
        for engine in ("survey", "unweighted")
    ]
    tests = changed.query("""
        select count(*) from interactions where study = 'custom' and subgroup_variable = 'physical_activity'
    """)
    assert tests == [(16,)]  # four exposures, two engines, two forms


def test_the_specification_curve_starts_from_the_study(changed):
    """Its own specification is the model of `associations`; the other has women who answered otherwise."""
    found = changed.query("""
        select
            sensitivity.specification, sensitivity.converged,
            abs(sensitivity.estimate - associations.estimate) < 1e-9
        from sensitivity
        left join associations
            on sensitivity.is_published
            and associations.study = 'custom' and associations.outcome = 'osteoporosis'
            and associations.exposure = 'cotinine' and associations.covariate_set = 'crude'
            and associations.engine = 'survey' and associations.subgroup = 'all'
            and associations.contrast = sensitivity.contrast
        where sensitivity.contrast = 'Q5'
        order by all
    """)
    assert found == [("as published", True, True), ("menopause=age_55", True, None)]


def test_fifths_are_fifths_of_the_population(changed):
    shares = changed.query("""
        select sum(weight) / sum(sum(weight)) over () from cohort_exposures
        where study = 'custom' and exposure = 'Pb' group by quantile_score
    """)
    assert [share for (share,) in shares] == pytest.approx([0.2] * 5, abs=0.06)


@pytest.mark.parametrize("method", ["wqs", "qgcomp"])
def test_mixtures_are_of_the_exposures_of_the_study(changed, method):
    estimates = changed.query(f"""
        select count(*), bool_and(converged) from {method}_estimates where outcome = 'bmd_wards_triangle'
    """)
    assert estimates[0][0] > 0
    weights = changed.query(f"""
        select list(distinct exposure order by exposure), count(*) from {method}_weights
        where study = 'custom' group by engine
    """)
    assert weights
    assert all(exposures == ["Cd", "Hg", "Pb", "cotinine"] for exposures, _ in weights)


def test_wqs_weights_share_one(changed):
    sums = changed.query("""
        select sum(weight) from wqs_weights group by direction, engine, procedure
        having sum(weight) is not null
    """)
    assert len(sums) >= 5
    assert [total for (total,) in sums] == pytest.approx([1] * len(sums))


def test_bkmr_says_which_of_the_exposures_matter(changed):
    found = changed.query("""
        select list(exposure order by exposure), bool_and(pip between 0 and 1) from bkmr_pips
        where study = 'custom' and outcome = 'bmd_wards_triangle' and covariate_set = 'crude'
    """)
    assert found == [(["Cd", "Hg", "Pb", "cotinine"], True)]


# Figures of the study: a section, what their captions say, what is written in the charts.
FIGURES = (
    ("exposures", "distribution of the exposures", "serum cotinine (ng/mL)"),
    ("associations", "osteoporosis and each exposure, odds ratios", "Cotinine Q5"),
    ("associations", "osteoporosis and each exposure, odds ratios", "Age, income and physical activity"),
    ("associations", "Ward's triangle BMD and each exposure, per doubling", "Cotinine"),
    # Half of the women have no cotinine that can be measured, so it has no curve, and the panel says so.
    (
        "dose-response",
        "Ward's triangle BMD over the concentration",
        "blood lead (\N{MICRO SIGN}g/dL), logarithmic",
    ),
    ("dose-response", "Ward's triangle BMD over the concentration", "Nothing to draw"),
    ("wqs", "Ward's triangle BMD, weights of the exposures", "Cotinine"),
    ("qgcomp", "Ward's triangle BMD, each exposure's weight", "Cotinine"),
    ("bkmr", "Ward's triangle BMD, posterior inclusion probabilities", "Cotinine"),
    ("subgroups", "Ward's triangle BMD per doubling, by subgroup", "Physically inactive"),
    ("sensitivity", "Cotinine and osteoporosis, specification curve", "Age 55"),
)


def test_the_report_shows_the_study(changed, browser):
    type_in(changed.checkout, ".venv/bin/python -m report.html")
    report = Opened(browser, changed.checkout / "report.html", 1280)
    assert report.check_charts() > 5
    opened = Opened(browser, changed.checkout / "appendix.html", 1280)
    page = opened.page
    assert opened.check_charts() > 20
    for section, caption, written in FIGURES:
        figure = page.locator(f"#{section} figure", has=page.locator("figcaption", has_text=caption))
        shown = figure.locator("svg, .keys, .note").all_text_contents()
        assert any(written in text for text in shown), (section, caption, written)
    assert page.locator("#sensitivity .panel-title").all_inner_texts()[0] == "Highest against lowest quintile"
    headings = page.locator("h1, h2, h3, figcaption, caption, summary, th[scope=col]").all_text_contents()
    assert all(headings)
    unwritten = re.compile(r"\b(undefined|NaN|nan|None|null|NaT)\b")
    for each in (report.page, page):
        assert not unwritten.findall(each.locator("main").text_content() or "")
    silent = [
        section.get_attribute("id")
        for section in page.locator("main section").all()
        if not section.locator("figure, table, .absent").count() and section.get_attribute("id") != "question"
    ]
    assert silent == []
    assert "2009-2010" in page.locator("#question").inner_text()
    page.close()
    report.page.close()
