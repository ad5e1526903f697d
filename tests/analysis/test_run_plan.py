"""Plans: every row has a result, from the cache where nothing changed, and failures say so."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from analysis import run_plan as module
from analysis.cache.cached_fan_out import cached_frames
from analysis.cache.fit_cache import FitCache
from analysis.mixtures.bkmr import fit_bkmr_plan
from analysis.mixtures.qgcomp import fit_qgcomp_plan
from analysis.mixtures.wqs import fit_wqs_plan
from analysis.run_plan import FitTask, Fitted, run_plan
from mixepi.errors import EstimationError
from mixepi.fan_out import SCHEDULER_VARIABLE


@pytest.fixture
def plan(fit) -> pd.DataFrame:
    variants = [
        {},
        {"procedure": "repeated_holdout"},
        {"procedure": "permutation"},
        {"engine": "survey"},
        {"outcome": "bmd", "family": "gaussian", "direction": "negative"},
        # a quarter of the events that the plan wants
        {
            "subgroup": "age 50-59",
            "subgroup_variable": "age_group",
            "level": "50-59",
            "events_per_exposure": 20,
        },
    ]
    return pd.DataFrame([fit | variant for variant in variants])


@pytest.fixture
def fits(monkeypatch) -> list:
    """Kinds of the tasks that were fitted, in this process."""
    fitted = []
    original = module.fitted_row

    def recording(task):
        fitted.append(task.kind)
        return original(task)

    monkeypatch.setattr(module, "fitted_row", recording)
    return fitted


def test_every_row_has_a_result_and_the_failure_says_so(plan, tables):
    result = fit_wqs_plan(plan, tables, workers=1).to_pandas()
    assert len(result) == len(plan)
    assert result["converged"].tolist() == [True] * 5 + [False]
    failed = result.iloc[5]
    assert "expected at least 60 participants with" in failed["warnings"]
    assert (failed["n"], failed["events"]) == (40, int(failed["events"]))
    assert len(failed["estimates"]) == 0
    estimates = [rows[0] for rows in result["estimates"][:5]]
    assert [rows["term"] for rows in estimates] == ["wqs"] * 5
    assert estimates[1]["p_value"] is None
    assert estimates[2]["conf_low"] is None
    for weights in result["weights"][:5]:
        assert sum(row["weight"] for row in weights) == pytest.approx(1)
    assert result["events"].isna().tolist() == [False, False, False, False, True, False]


ERRORS = {
    "none": None,
    "estimation": EstimationError("no estimate"),
    "singular": np.linalg.LinAlgError("Singular matrix"),
    "overflow": OverflowError("out of range"),
    "underflow": FloatingPointError("underflow encountered"),
    "mistake": TypeError("expected a number"),
}


def break_or_fit(specification, records) -> Fitted:
    error = ERRORS[specification["error"]]
    if error:
        raise error
    return Fitted(n=len(records), events=None)


def broken(*names: str) -> dict[str, list]:
    """Run a plan of fits that raise the errors of these names."""
    tasks = [
        FitTask(
            kind="broken",
            fit=break_or_fit,
            schema=pa.schema([]),
            specification={"error": name, "outcome": "y", "family": "gaussian"},
            data=pd.DataFrame({"y": [1.0, 2.0], "domain": True}),
        )
        for name in names
    ]
    plan = pd.DataFrame({"name": names})
    return run_plan(plan, ["name"], tasks, pa.schema([]), cache=None, workers=1).to_pydict()


def test_arithmetic_that_breaks_down_ends_one_fit_alone():
    result = broken("estimation", "singular", "overflow", "underflow", "none")
    assert result["n"] == [2] * 5
    assert result["converged"] == [False] * 4 + [True]
    assert result["warnings"] == [
        "EstimationError: no estimate",
        "LinAlgError: Singular matrix",
        "OverflowError: out of range",
        "FloatingPointError: underflow encountered",
        None,
    ]


def test_a_mistake_in_the_program_ends_everything():
    with pytest.raises(TypeError, match="expected a number"):
        broken("none", "mistake")


def test_nothing_unchanged_is_fitted_again(plan, tables, fits, tmp_path):
    cache = FitCache(tmp_path)
    first = fit_wqs_plan(plan, tables, cache=cache, workers=1)
    assert len(fits) == len(plan)
    again = fit_wqs_plan(plan.assign(covariate_set="another label"), tables, cache=cache, workers=1)
    assert len(fits) == len(plan), "a label is not what decides a fit"
    assert again.drop_columns("covariate_set").equals(first.drop_columns("covariate_set"))
    fit_wqs_plan(plan, tables, cache=FitCache(tmp_path, refit=True), workers=1)
    assert len(fits) == 2 * len(plan)


def test_a_changed_row_setting_or_code_is_fitted_again(plan, tables, fits, tmp_path, monkeypatch):
    cache = FitCache(tmp_path)
    one = plan.head(1)
    fit_wqs_plan(one, tables, cache=cache, workers=1)
    fit_wqs_plan(one.assign(seed=2), tables, cache=cache, workers=1)
    assert len(fits) == 2
    changed = tables.exposures.copy()
    changed.iloc[7, changed.columns.get_loc("value")] *= 1.0000001
    fit_wqs_plan(one, replace(tables, exposures=changed), cache=cache, workers=1)
    assert len(fits) == 3
    monkeypatch.setattr("analysis.cache.fit_cache.code_digest", lambda: "another version")
    fit_wqs_plan(one, tables, cache=cache, workers=1)
    assert len(fits) == 4


def test_a_damaged_file_is_fitted_again(plan, tables, fits, tmp_path):
    cache = FitCache(tmp_path)
    first = fit_wqs_plan(plan.head(1), tables, cache=cache, workers=1)
    (stored,) = tmp_path.rglob("*.parquet")
    stored.write_bytes(stored.read_bytes()[:100])
    assert fit_wqs_plan(plan.head(1), tables, cache=cache, workers=1).equals(first)
    assert len(fits) == 2


def test_equal_fits_run_once(plan, tables, fits):
    twice = pd.concat([plan.head(1), plan.head(1).assign(covariate_set="the same under another name")])
    result = fit_wqs_plan(twice, tables, workers=1)
    assert len(fits) == 1
    assert result["estimates"][0] == result["estimates"][1]


def test_workers_change_nothing(plan, tables):
    assert fit_wqs_plan(plan, tables, workers=2).equals(fit_wqs_plan(plan, tables, workers=1))


@pytest.mark.parametrize("fit_plan", [fit_wqs_plan, fit_qgcomp_plan, fit_bkmr_plan])
def test_a_cluster_changes_nothing_and_its_workers_store_the_fits(
    plan, tables, fits, tmp_path, monkeypatch, cluster, fit_plan
):
    plan = plan.iloc[[0, 4]]
    here = fit_plan(plan, tables, workers=1)
    assert len(fits) == 2
    monkeypatch.setenv(SCHEDULER_VARIABLE, cluster)
    cache = FitCache(tmp_path)
    assert fit_plan(plan, tables, cache=cache).equals(here)
    assert len(list(tmp_path.rglob("*.parquet"))) == 2
    assert fit_plan(plan, tables, cache=cache, workers=1).equals(here)
    assert len(fits) == 2, "none but the first two in this process"


def test_quantile_g_computation(plan, tables):
    qgcomp = plan.iloc[[0, 3, 5]]
    result = fit_qgcomp_plan(qgcomp, tables, workers=1).to_pandas()
    assert result["converged"].tolist() == [True, True, False], result["warnings"].tolist()
    for estimates, weights in zip(result["estimates"][:2], result["weights"][:2], strict=True):
        terms = {row["term"]: row["estimate"] for row in estimates}
        coefficients = [row["coefficient"] for row in weights]
        assert terms["psi1"] == pytest.approx(sum(coefficients))
        assert terms["psi_positive"] == pytest.approx(sum(c for c in coefficients if c > 0))


def test_bkmr_says_that_it_has_not_converged(plan, tables):
    bkmr = pd.DataFrame(
        [plan.iloc[0].to_dict() | {"covariates": "age_years;education"}, plan.iloc[4].to_dict()]
    )
    result = fit_bkmr_plan(bkmr, tables, workers=1).to_pandas()
    assert not result["converged"].any()
    assert result["warnings"].str.startswith("NOT CONVERGED").all()
    for draws, pips in zip(result["draws"], result["pips"], strict=True):
        table = pd.DataFrame(list(draws))
        for row in pips:
            drawn = table.loc[table["parameter"] == f"delta[{row['exposure']}]", "value"]
            assert len(drawn) == 60
            assert drawn.mean() == pytest.approx(row["pip"])
    scales = [{row["scale"] for row in response} for response in result["response"]]
    assert scales == [{"link", "probability"}, {"link"}]
    curve = pd.DataFrame(list(result["response"][1])).query("exposure == 'Cd'")
    assert curve["quantile"].tolist()[-1] == 1
    assert curve["exposure_value"].is_monotonic_increasing


def squares(task: tuple[str, pd.DataFrame]) -> pd.DataFrame:
    name, numbers = task
    return pd.DataFrame({"name": [name], "total": [(numbers["x"] ** 2).sum()]})


def test_frames_of_any_task_are_stored_by_everything_in_it(tmp_path, capfd):
    cache = FitCache(tmp_path)
    numbers = pd.DataFrame({"x": [1.0, 2.0]})
    tasks = [("a", numbers), ("b", numbers), ("a", numbers * 2)]
    first = cached_frames(squares, tasks, cache=cache, description="squares", workers=1)
    assert [frame["total"].item() for frame in first] == [5, 5, 20]
    assert len(list(tmp_path.rglob("*.parquet"))) == 3
    again = cached_frames(squares, [("a", numbers.copy())], cache=cache, description="squares", workers=1)
    assert again[0].equals(first[0])
    assert "squares: 1 of 1 unchanged" in capfd.readouterr().err


@pytest.mark.parametrize("fit_plan", [fit_wqs_plan, fit_qgcomp_plan, fit_bkmr_plan])
def test_a_plan_without_rows_gives_the_same_table_without_rows(plan, tables, fit_plan):
    empty = fit_plan(plan.head(0), tables)
    assert empty.num_rows == 0
    assert empty.schema.field("study").type == "string"
    if fit_plan is not fit_bkmr_plan:
        assert empty.schema.equals(fit_plan(plan.head(1), tables, workers=1).schema)
