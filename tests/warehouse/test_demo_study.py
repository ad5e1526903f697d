"""The whole house on synthetic data: does it find what is there, and twice the same?"""

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from demo.truth import TRUE_EFFECTS
from tests.warehouse.support.builds import BIN, ROOT, dbt, run
from warehouse.checks.project import read_project

MARTS = (
    "participants",
    "cohort",
    "cohort_exposures",
    "cohort_outcomes",
    "cohort_flow",
    "covariate_set_definitions",
    "study_definitions",
    "exposure_cut_points",
    "table_one",
    "associations",
    "interactions",
    "dose_response_knots",
    "dose_response",
    "sensitivity",
    "sensitivity_levels",
    "sensitivity_choices",
    "replication",
)


def test_every_result_is_marked_synthetic(demo):
    for mart in (*MARTS, "runs"):
        assert demo(f"select distinct source from {mart}") == [("demo",)], mart


def test_every_row_carries_the_run(demo):
    runs = demo("select run_id from runs")
    for mart in MARTS:
        assert demo(f"select distinct run_id from {mart}") == [runs[-1]], mart


def test_a_run_says_what_it_ran_with(demo):
    (version, inputs, configuration, packages) = demo(
        "select code_version, inputs_digest, configuration_digest, package_versions from runs"
    )[0]
    assert version
    assert len(inputs) == len(configuration) == 64
    assert '"statsmodels"' in packages


def test_cadmium_and_selenium_are_found(demo):
    found = {
        (exposure, covariates, engine): (estimate, p_value)
        for exposure, covariates, engine, estimate, p_value in demo("""
            select exposure, covariate_set, engine, estimate, p_value from associations
            where study = 'peng2025' and outcome = 'osteoporosis' and contrast = 'per_doubling'
                and subgroup = 'all'
        """)
    }
    for engine in ("unweighted", "survey"):
        for covariates in ("crude", "age_bmi"):
            assert found["Cd", covariates, engine][0] > 0
            assert found["Cd", covariates, engine][1] < 0.05
            assert found["Se", covariates, engine][0] < 0
            assert found["Se", covariates, engine][1] < 0.05
    crude, adjusted = found["Cd", "crude", "unweighted"][0], found["Cd", "age_bmi", "unweighted"][0]
    assert 0.1 < 1 - adjusted / crude < 0.45, "about a quarter of the crude effect is confounding"


@pytest.mark.parametrize(
    ("site", "variable"),
    [
        ("total_femur", "DXXOFBMD"),
        ("femoral_neck", "DXXNKBMD"),
        ("trochanter", "DXXTRBMD"),
        ("total_spine", "DXXOSBMD"),
    ],
)
def test_true_effects_on_bmd_are_recovered(demo, site, variable):
    for exposure, truth in (("Cd", TRUE_EFFECTS[variable].cadmium), ("Se", TRUE_EFFECTS[variable].selenium)):
        ((estimate, error),) = demo(f"""
            select estimate, std_error from associations
            where study = 'recommended' and outcome = 'bmd_{site}' and exposure = '{exposure}'
                and subgroup = 'all' and contrast = 'per_doubling' and covariate_set = 'age_bmi'
                and engine = 'unweighted'
        """)
        assert abs(estimate - truth) < 3 * error, (exposure, site, estimate, truth, error)


def test_degrees_of_freedom_are_those_of_the_design(demo):
    """79 psus less 39 strata are 40; one more, less two coefficients: 39."""
    assert demo("""
        select distinct df from associations
        where engine = 'survey' and covariate_set = 'crude' and contrast = 'per_doubling'
            and subgroup = 'all'
    """) == [(39.0,)]


def test_numbers_equal_a_fit_outside_the_warehouse(demo_data):
    """One odds ratio, refitted from the cohort table by the textbook's own Newton steps."""
    import numpy as np

    with duckdb.connect(str(demo_data / "warehouse.duckdb"), read_only=True) as connection:
        frame = connection.execute("""
            select osteoporosis::double as y, age_years::double as age, bmi, log2(cd) as cd
            from cohort where study = 'peng2025' order by seqn
        """).df()
        estimate, error = connection.execute("""
            select estimate, std_error from associations
            where subgroup = 'all' and study = 'peng2025' and outcome = 'osteoporosis' and exposure = 'Cd'
                and contrast = 'per_doubling' and covariate_set = 'age_bmi' and engine = 'unweighted'
        """).fetchall()[0]
    matrix = np.column_stack([np.ones(len(frame)), frame["cd"], frame["age"], frame["bmi"]])
    beta = np.zeros(4)
    for _ in range(30):
        probability = 1 / (1 + np.exp(-matrix @ beta))
        information = matrix.T @ (matrix * (probability * (1 - probability))[:, None])
        beta += np.linalg.solve(information, matrix.T @ (frame["y"] - probability))
    assert estimate == pytest.approx(beta[1], rel=1e-8)
    assert error == pytest.approx(np.sqrt(np.linalg.inv(information)[1, 1]), rel=1e-6)


def tables(data: Path) -> dict[str, list[tuple]]:
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        return {
            mart: connection.execute(f"select * exclude (run_id) from {mart} order by all").fetchall()
            for mart in MARTS
        }


def test_the_same_input_gives_the_same_tables(demo_data):
    before = tables(demo_data)
    quick = ("--vars", "{fit_profile: quick}")
    no_tests = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    dbt("build", *quick, *no_tests, data=demo_data)
    after = tables(demo_data)
    for mart in MARTS:
        assert before[mart] == after[mart], mart


def test_what_seeds_may_ask_for_is_what_the_models_hold(demo):
    """The check of the seeds reads these names from YAML, before there is a warehouse."""
    project, _ = read_project(ROOT)
    for model, known in (
        ("int_person_values", project.person_variables),
        ("int_laboratory_values", project.laboratory_variables),
    ):
        found = {name for (name,) in demo(f"select distinct variable from intermediate.{model}")}
        assert found == known, model
    weights = demo("select distinct weight_variable from intermediate.int_weights")
    assert {name for (name,) in weights} <= project.weight_variables


def test_levels_of_table_1_have_the_order_of_the_seed(demo):
    found = demo("select distinct variable, level_order, level from table_one where level != '' order by all")
    assert [level for variable, _, level in found if variable == "education"] == [
        "less than high school",
        "high school",
        "more than high school",
    ]
    # the seed spells every level as the models do
    assert all(level_order is not None for _, level_order, _ in found)


def test_a_part_can_be_built_alone(demo_data):
    dbt("build", "--select", "table_one+", data=demo_data)
    assert demo_runs(demo_data) == 1


def demo_runs(data: Path) -> int:
    """Table one's rows carry a run that `runs` knows."""
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute("""
            select count(*) from runs where run_id in (select run_id from table_one)
        """).fetchall()[0][0]


def test_no_data_is_said_plainly(tmp_path):
    finished = subprocess.run(
        [str(BIN / "dbt"), "build", "--select", "cohort"],
        env={"NHANES_BONE_DATA": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode != 0
    assert "run `make demo`" in finished.stdout + finished.stderr


def test_the_summary_prints(demo_data):
    printed = run(
        sys.executable,
        "-m",
        "report.summary",
        str(demo_data / "results" / "nhanes_bone.duckdb"),
        data=demo_data,
    ).stdout
    assert "SYNTHETIC DATA" in printed
    assert re.search(r"Participants: \d+ participants, \d+ cases", printed)
    assert max(map(len, printed.splitlines())) <= 160
    assert str(demo_data) in printed
