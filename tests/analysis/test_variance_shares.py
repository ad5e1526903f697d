"""Which choice moves the estimate: shares that can be computed by hand."""

from itertools import permutations, product

import duckdb
import numpy as np
import pandas as pd
import pytest

from analysis.variance_shares import variance_shares
from mixepi.errors import SpecificationError


def curve(rows: list[tuple], choices: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[*choices, "estimate"]).assign(exposure="Cd")


def shares(table: pd.DataFrame, choices: list[str]) -> dict[str, float]:
    return dict(variance_shares(table, ["exposure"], choices).set_index("choice")["share_of_variance"])


def test_crossed_choices_share_as_in_analysis_of_variance():
    """Effects of 3 and 1: squares of 9 and 1 to 10."""
    rows = [(a, b, 3.0 * (a == "x") + 1.0 * (b == "u")) for a, b in product("xy", "uv")]
    assert shares(curve(rows, ["first", "second"]), ["first", "second"]) == pytest.approx(
        {"first": 0.9, "second": 0.1}
    )


def test_interplay_is_in_no_share():
    rows = [(a, b, float((a == "x") == (b == "u"))) for a, b in product("xy", "uv")]
    found = variance_shares(curve(rows, ["first", "second"]), ["exposure"], ["first", "second"])
    assert found["share_explained"].tolist() == pytest.approx([0.0, 0.0])


def test_choices_made_together_share_alike():
    rows = [("x", "u", 1.0), ("y", "v", 2.0), ("x", "u", 1.0), ("y", "v", 2.0)]
    assert shares(curve(rows, ["first", "second"]), ["first", "second"]) == pytest.approx(
        {"first": 0.5, "second": 0.5}
    )


def test_shares_are_average_gains_over_all_orders():
    """Unbalanced, three choices of up to four levels: against least squares for every order."""
    generator = np.random.default_rng(9)
    choices = ["one", "two", "three"]
    table = pd.DataFrame(
        {
            name: generator.integers(0, levels, 60).astype(str)
            for name, levels in zip(choices, (2, 3, 4), strict=True)
        }
    ).assign(exposure="Cd")
    table["estimate"] = (table["one"] == "1") + 0.3 * table["three"].astype(int) + generator.normal(size=60)

    def explained(names: tuple[str, ...]) -> float:
        y = table["estimate"].to_numpy()
        blocks = [pd.get_dummies(table[name]).to_numpy(dtype=float) for name in names]
        x = np.column_stack([np.ones(60), *blocks])
        residual = y - x @ np.linalg.lstsq(x, y)[0]
        return 1 - residual @ residual / np.sum((y - y.mean()) ** 2)

    orders = list(permutations(choices))
    expected = dict.fromkeys(choices, 0.0)
    for order in orders:
        for position, name in enumerate(order):
            expected[name] += (explained(order[: position + 1]) - explained(order[:position])) / len(orders)
    assert shares(table, choices) == pytest.approx(expected)


def test_rows_without_an_estimate_and_choices_without_a_second_level_are_left_out():
    rows = [("x", "u", 1.0), ("y", "u", 2.0), ("y", "v", np.nan)]
    found = variance_shares(curve(rows, ["first", "second"]), ["exposure"], ["first", "second"])
    assert found[["choice", "levels", "specifications", "share_of_variance"]].values.tolist() == [
        ["first", 2, 2, 1.0]
    ]


def test_equal_estimates_have_no_shares():
    found = shares(curve([("x", "u", 0.3), ("y", "v", 0.3)], ["first", "second"]), ["first", "second"])
    assert all(np.isnan(share) for share in found.values())


def test_too_many_choices_are_refused():
    names = [f"choice_{number}" for number in range(17)]
    with pytest.raises(SpecificationError, match="at most 16 choices, found 17"):
        variance_shares(curve([tuple(["x"] * 17 + [0.0])], names), ["exposure"], names)


@pytest.mark.parametrize(
    "rows",
    [[], [("x", "u", float("nan"))], [("x", "u", 1.0), ("x", "u", 2.0)]],
    ids=["none", "unknown", "alike"],
)
def test_a_curve_without_choices_that_vary_has_no_rows_but_the_same_types(rows):
    """DuckDB makes whole numbers of columns whose type it cannot tell, which then meet no name of a study."""
    columns = ["study", "exposure"]
    full = curve([("x", "u", 1.0), ("y", "v", 2.0)], ["first", "second"]).assign(study="one")
    table = curve(rows, ["first", "second"]).assign(study="one")
    types = {}
    for name, of in (("full", full), ("bare", table)):
        found = variance_shares(of, columns, ["first", "second"])
        assert len(found) == (2 if name == "full" else 0)
        types[name] = duckdb.from_df(found).types
    assert types["bare"] == types["full"]
    joined = duckdb.sql("select * from found join (select 'peng2025' as study) as studies using (study)")
    assert joined.fetchall() == []
