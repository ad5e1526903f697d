"""Cut points and scores of SQL are those of the package, to the last row, where cut points fall on values."""

from fractions import Fraction

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest

from mixepi.quantile_scores import type7_quantiles
from warehouse.paths import PROJECT_ROOT

MACROS = (PROJECT_ROOT / "macros" / "quantiles.sql").read_text()
# At the last four, (n - 1) k / q in doubles is not the whole number that it should be.
SIZES = [(2, 2), (31, 3), (29, 4), (71, 7), (20, 20), (91, 10), (171, 10), (331, 10), (651, 10)]


def sql_cut_points_and_scores(
    connection: duckdb.DuckDBPyConnection, macros: str, values: np.ndarray, groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cut points in order, and each value's score."""
    measured = pd.DataFrame(
        {
            "exposure": "x",
            "seqn": np.arange(len(values)),
            "value": values,
            "weight": 1.0,
            "quantile_groups": groups,
            "quantile_weighting": "none",
        }
    )
    connection.register("measured", measured)
    render = jinja2.Environment(autoescape=False).from_string
    cuts = render(macros + "{{ cut_points('measured', ['exposure']) }}").render()
    score = render(macros + "{{ quantile_score('value', 'cut_points') }}").render()
    connection.execute(f"create or replace table cuts as {cuts}")
    found = connection.execute("select cut_point from cuts order by cut_number").fetchnumpy()["cut_point"]
    scores = connection.execute(
        f"select {score} as score from measured, (select list(cut_point) as cut_points from cuts) as lists "
        "order by seqn"
    ).fetchnumpy()["score"]
    return np.asarray(found), np.asarray(scores)


def differences(macros: str) -> list[tuple[int, int]]:
    """Return the sizes at which the cut points or scores of SQL are not those of the package."""
    wrong = []
    with duckdb.connect() as connection:
        for n, q in SIZES:
            generator = np.random.default_rng([n, q])
            for values in (
                generator.permutation(np.arange(1, n + 1) * 0.1),
                np.maximum(generator.integers(1, n + 1, n) * 0.1, 0.1 * (n // 3)),
            ):
                cuts, scores = sql_cut_points_and_scores(connection, macros, values, q)
                expected = type7_quantiles(values, [Fraction(k, q) for k in range(1, q)])
                same = np.allclose(cuts, expected, rtol=1e-15, atol=0)
                if not same or not np.array_equal(scores, (values[:, None] > expected).sum(axis=1)):
                    wrong.append((n, q))
    return wrong


def test_sql_and_package_agree() -> None:
    assert differences(MACROS) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("((n - 1) * cut_number) // quantile_groups)", "cast(floor((n - 1) * probability) as bigint))"),
        ("{{ value }} > cut_point", "{{ value }} >= cut_point"),
    ],
)
def test_faults_are_seen(right: str, wrong: str) -> None:
    """Positions in doubles; a group closed on the left."""
    assert right in MACROS
    assert differences(MACROS.replace(right, wrong)) != []
